import { setTimeout as pause } from "node:timers/promises";

import { taskIdOf } from "../answer.ts";
import { withDirectory } from "../data-directory.ts";
import { atMost, figuresOf, repeat, type Row } from "../row.ts";
import { guvnorCommand } from "../servers.ts";
import { percentile } from "../statistics.ts";
import { type StdioClient, timed, withClients } from "../stdio-client.ts";

const PERIOD_MS = 500;
const PLAN_SIZE = 5000;

export const manyProcesses: Row = {
  name: "many-processes",
  title: "64 stdio processes × 2 calls a second on one file",
  how: "Each process is called every 500 ms, all at different moments: `request_task`, `report_progress working`, `get_status`, `report_progress done`, and again. One call each and ten seconds to warm up, then 30 that count. Durability full. A double claim is a task that two agents were given.",
  whenMissed:
    "Writers of one file take turns, and at `full` each turn lasts as long as the disk needs: 128 calls a second leave 7.8 ms for each. The rest is CPU: 64 processes, their clients and the measuring share the cores.",
  measure: async ({ quick }) => {
    const shape = quick ? { processes: 8, seconds: 5 } : { processes: 64, seconds: 30 };
    const runs = await repeat(quick ? 1 : 3, async () => await measureRun(shape));
    return figuresOf(runs, [
      { of: "p99", name: "p99", unit: "ms", bar: atMost(10) },
      { of: "errors", name: "errors", unit: "", bar: atMost(0) },
      { of: "doubles", name: "double claims", unit: "", bar: atMost(0) },
      { of: "p50", name: "p50", unit: "ms" },
      { of: "max", name: "longest", unit: "ms" },
      { of: "rate", name: "calls", unit: "/s" },
      { of: "claims", name: "claims", unit: "" },
    ]);
  },
};

interface Tally {
  readonly ms: number[];
  /** By task: the agents that were given it. */
  readonly claimed: Map<string, Set<number>>;
  errors: number;
}

interface Shape {
  readonly processes: number;
  readonly seconds: number;
}

async function measureRun({ processes, seconds }: Shape): Promise<Record<string, number>> {
  const tally: Tally = { ms: [], claimed: new Map(), errors: 0 };
  await withDirectory(async (home) => {
    const servers = Array.from({ length: processes }, (_, index) =>
      guvnorCommand({ home, durability: "full", agent: `agent-${index}` }),
    );
    await withClients(servers, async (clients) => {
      const tasks = Array.from({ length: PLAN_SIZE }, (_, index) => ({
        key: `task-${index}`,
        title: `Do part ${index}`,
      }));
      await clients[0]?.call("submit_plan", { title: "Bench", tasks });
      // The first call loads the engine and opens the file; that is no steady state.
      for (const client of clients) await client.call("get_status", {});
      const startMs = performance.now() + 100;
      const warmMs = startMs + (seconds * 1000) / 3;
      const times = { startMs, warmMs, endMs: warmMs + seconds * 1000 };
      await Promise.all(
        clients.map(async (client, index) => {
          const phaseMs = (index * PERIOD_MS) / clients.length;
          await pace({ client, agent: index }, tally, { ...times, startMs: startMs + phaseMs });
        }),
      );
    });
  });
  return {
    p99: percentile(tally.ms, 0.99),
    p50: percentile(tally.ms, 0.5),
    max: Math.max(...tally.ms),
    rate: tally.ms.length / seconds,
    errors: tally.errors,
    claims: tally.claimed.size,
    doubles: [...tally.claimed.values()].filter((agents) => agents.size > 1).length,
  };
}

async function pace(
  { client, agent }: { client: StdioClient; agent: number },
  tally: Tally,
  times: { startMs: number; warmMs: number; endMs: number },
): Promise<void> {
  let step = 0;
  let taskId: string | undefined;
  const next = async (): Promise<void> => {
    const turn = step % 4;
    step += 1;
    if (turn === 0) {
      taskId = taskIdOf(await client.call("request_task", {}));
      if (taskId === undefined) return;
      const agents = tally.claimed.get(taskId) ?? new Set();
      tally.claimed.set(taskId, agents.add(agent));
    } else if (turn === 2) await client.call("get_status", {});
    else {
      const status = turn === 1 ? "working" : "done";
      await client.call("report_progress", { task_id: taskId, status });
    }
  };
  for (let atMs = times.startMs; atMs < times.endMs; atMs += PERIOD_MS) {
    await pause(Math.max(0, atMs - performance.now()));
    try {
      const ms = await timed(next);
      if (atMs >= times.warmMs) tally.ms.push(ms);
    } catch (error) {
      tally.errors += 1;
      console.error(error);
    }
  }
}

import { setTimeout as pause } from "node:timers/promises";

import { taskIdOf } from "../answer.ts";
import { withDirectory } from "../data-directory.ts";
import { atMost, figuresOf, repeat, type Row } from "../row.ts";
import { guvnorCommand } from "../servers.ts";
import { percentile } from "../statistics.ts";
import { type StdioClient, withClients } from "../stdio-client.ts";

export const wakeUp: Row = {
  name: "wake-up",
  title: "Wake-up of a waiting request_task",
  how: "Eight processes wait in `request_task`; another one submits a task at moments of no pattern. From the sending of `submit_plan` until one of the waiting calls is answered, both calls and both pipes included. Durability full.",
  whenMissed:
    "The waker writes its signal at most every 10 ms; each waiting process then looks in a transaction of its own, one after the other.",
  measure: async ({ quick }) => {
    const runs = await repeat(
      quick ? 1 : 5,
      async () => await measureRun(quick ? 2 : 8, quick ? 10 : 150),
    );
    return figuresOf(runs, [
      { of: "p99", name: "p99", unit: "ms", bar: atMost(100) },
      { of: "p50", name: "p50", unit: "ms" },
      { of: "max", name: "longest", unit: "ms" },
    ]);
  },
};

async function measureRun(waiters: number, rounds: number): Promise<Record<string, number>> {
  const samples = await withDirectory(async (home) => {
    const agents = ["submitter", ...Array.from({ length: waiters }, (_, index) => `w${index}`)];
    const servers = agents.map((agent) => guvnorCommand({ home, durability: "full", agent }));
    return await withClients(servers, async ([submitter, ...waiting]) => {
      if (submitter === undefined) throw new Error("there is no submitter");
      return await sample(submitter, waiting, rounds);
    });
  });
  return {
    p99: percentile(samples, 0.99),
    p50: percentile(samples, 0.5),
    max: Math.max(...samples),
  };
}

async function sample(
  submitter: StdioClient,
  waiting: readonly StdioClient[],
  rounds: number,
): Promise<number[]> {
  const over = new AbortController();
  let wokenMs: ((atMs: number) => void) | undefined;
  const loops = waiting.map(async (client) => {
    while (!over.signal.aborted) {
      // Short, so that the loops end soon after the last round.
      const id = taskIdOf(await client.call("request_task", { wait_seconds: 3 }));
      if (id === undefined) continue;
      wokenMs?.(performance.now());
      await client.call("report_progress", { task_id: id, status: "done" });
    }
  });
  const samples: number[] = [];
  await submitter.call("get_status", {});
  await pause(1000);
  for (let round = 0; round < rounds; round += 1) {
    const answered = new Promise<number>((resolve) => {
      wokenMs = resolve;
    });
    const sentMs = performance.now();
    const tasks = [{ key: `task-${round}`, title: `Do part ${round}` }];
    await submitter.call("submit_plan", { title: "Bench", tasks });
    samples.push((await answered) - sentMs);
    await pause(100 + Math.random() * 100);
  }
  over.abort();
  await Promise.all(loops);
  return samples;
}

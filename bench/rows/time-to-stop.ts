import { setTimeout as pause } from "node:timers/promises";

import { withDirectory } from "../data-directory.ts";
import { type InProcess, withGovernor } from "../governor.ts";
import { atMost, figuresOf, repeat, type Row } from "../row.ts";
import { guvnorCommand } from "../servers.ts";
import { percentile } from "../statistics.ts";
import { type StdioClient, withClients } from "../stdio-client.ts";

export const timeToStop: Row = {
  name: "time-to-stop",
  title: "Emergency stop with 64 processes",
  how: "All processes wait in `request_task`; a person stops the project. From the asking for the stop until each of the waiting calls has been answered `stopped`. Then work is resumed, and again. Durability full.",
  whenMissed:
    "Each waiting process looks in a transaction of its own, one after the other, and each makes an entry in the ledger.",
  measure: async ({ quick }) => {
    const shape = quick ? { processes: 8, rounds: 3 } : { processes: 64, rounds: 8 };
    const runs = await repeat(quick ? 1 : 3, async () => await measureRun(shape));
    return figuresOf(runs, [
      { of: "p99", name: "p99", unit: "ms", bar: atMost(1000) },
      { of: "p50", name: "p50", unit: "ms" },
      { of: "max", name: "longest", unit: "ms" },
    ]);
  },
};

interface Shape {
  readonly processes: number;
  readonly rounds: number;
}

async function measureRun({ processes, rounds }: Shape): Promise<Record<string, number>> {
  const samples = await withDirectory(async (home) => {
    const servers = Array.from({ length: processes }, (_, index) =>
      guvnorCommand({ home, durability: "full", agent: `agent-${index}` }),
    );
    return await withGovernor(
      home,
      "full",
      async (person) =>
        await withClients(servers, async (clients) => {
          for (const client of clients) await client.call("get_status", {});
          const all: number[] = [];
          for (let round = 0; round < rounds; round += 1)
            all.push(...(await stopAll(person, clients)));
          return all;
        }),
    );
  });
  return {
    p99: percentile(samples, 0.99),
    p50: percentile(samples, 0.5),
    max: Math.max(...samples),
  };
}

async function stopAll(
  person: InProcess,
  clients: readonly StdioClient[],
): Promise<readonly number[]> {
  let sentMs = 0;
  const waiting = clients.map(async (client) => {
    const answer = await client.call("request_task", { wait_seconds: 25 });
    if (answer["reason"] !== "stopped") throw new Error(JSON.stringify(answer));
    return performance.now() - sentMs;
  });
  await pause(1500);
  sentMs = performance.now();
  await person.asPerson("stop", { reason: "bench" });
  const samples = await Promise.all(waiting);
  await person.asPerson("resume", {});
  return samples;
}

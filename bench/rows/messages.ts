import { setTimeout as pause } from "node:timers/promises";

import { type Answer, partOf } from "../answer.ts";
import { withDirectory } from "../data-directory.ts";
import { atMost, figuresOf, repeat, type Row } from "../row.ts";
import { guvnorCommand } from "../servers.ts";
import { percentile } from "../statistics.ts";
import { type StdioClient, withClients } from "../stdio-client.ts";

export const messages: Row = {
  name: "messages",
  title: "A message that wakes one of 50 agents",
  how: "Fifty agents, a process each. All but one wait in `read_messages`; that one sends a message to one of them, chosen at random, at moments of no pattern. From the sending of `send_message` until the waiting call of the other is answered, both calls and both pipes included; then every tenth time a message to `#all`, until the last of the 49 is answered. Durability full.",
  whenMissed:
    "Each waiting process looks for itself in a transaction, one after the other, whomever the message is for; the processes and their clients share the cores.",
  measure: async ({ quick }) => {
    const shape = quick ? { agents: 6, rounds: 20 } : { agents: 50, rounds: 200 };
    const runs = await repeat(quick ? 1 : 3, async () => await measureRun(shape));
    return figuresOf(runs, [
      { of: "p99", name: "p99", unit: "ms", bar: atMost(100) },
      { of: "p50", name: "p50", unit: "ms" },
      { of: "max", name: "longest", unit: "ms" },
      { of: "all", name: "to all, until the last is answered, p50", unit: "ms" },
    ]);
  },
};

interface Shape {
  readonly agents: number;
  readonly rounds: number;
}

async function measureRun({ agents, rounds }: Shape): Promise<Record<string, number>> {
  return await withDirectory(async (home) => {
    const servers = Array.from({ length: agents }, (_, index) =>
      guvnorCommand({ home, durability: "full", agent: nameOf(index) }),
    );
    return await withClients(servers, async ([sender, ...waiting]) => {
      if (sender === undefined) throw new Error("there is no sender");
      return await sample(sender, waiting, rounds);
    });
  });
}

function nameOf(index: number): string {
  return `agent-${index}`;
}

async function sample(
  sender: StdioClient,
  waiting: readonly StdioClient[],
  rounds: number,
): Promise<Record<string, number>> {
  await sender.call("get_status", {});
  for (const client of waiting) await client.call("get_status", {});
  const over = new AbortController();
  /** What each of them was last given, and whoever wants to know. */
  const heard = new EventTarget();
  const loops = waiting.map(async (client) => {
    let after: Record<string, string> = {};
    while (!over.signal.aborted) {
      // Short, so that the loops end soon after the last round.
      const ids = idsOf(await client.call("read_messages", { ...after, wait_seconds: 3 }));
      const last = ids.at(-1);
      after = last === undefined ? {} : { after: last };
      for (const _ of ids) heard.dispatchEvent(new Event("message"));
    }
  });
  await pause(1000);
  const direct: number[] = [];
  const toAll: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const isToAll = round % 10 === 0;
    const one = 1 + Math.floor(Math.random() * waiting.length);
    const to = isToAll ? "#all" : nameOf(one);
    const answered = countTo(heard, isToAll ? waiting.length : 1);
    const sentMs = performance.now();
    await sender.call("send_message", { to, body: `Part ${round} is done.` });
    await answered;
    (isToAll ? toAll : direct).push(performance.now() - sentMs);
    await pause(100 + Math.random() * 100);
  }
  over.abort();
  await Promise.all(loops);
  return {
    p99: percentile(direct, 0.99),
    p50: percentile(direct, 0.5),
    max: Math.max(...direct),
    all: percentile(toAll, 0.5),
  };
}

/** Resolves when so many messages were heard. */
async function countTo(heard: EventTarget, count: number): Promise<void> {
  let left = count;
  await new Promise<void>((resolve) => {
    const listener = (): void => {
      left -= 1;
      if (left > 0) return;
      heard.removeEventListener("message", listener);
      resolve();
    };
    heard.addEventListener("message", listener);
  });
}

function idsOf(answer: Answer): readonly string[] {
  const rows = partOf(answer, "messages");
  if (!Array.isArray(rows)) return [];
  return rows.map((row: unknown) => String(partOf({ row }, "row", "id")));
}

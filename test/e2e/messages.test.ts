import { describe, expect, test } from "vitest";

import { inDatabase } from "../store/database-file.ts";
import {
  type AgentProcess,
  type Body,
  databaseOf,
  startAgent,
  temporaryDirectory,
  until,
} from "./agent-process.ts";
import { entriesOf } from "./ledger.ts";

async function startBoth(): Promise<{ home: string; ada: AgentProcess; ben: AgentProcess }> {
  const home = temporaryDirectory();
  const [ada, ben] = [await startAgent("ada", { home }), await startAgent("ben", { home })];
  await ada.ok("get_status");
  await ben.ok("get_status");
  return { home, ada, ben };
}

function bodies(answer: Body): readonly unknown[] {
  return (answer["messages"] as { readonly body: string }[]).map(({ body }) => body);
}

describe("messages between processes", () => {
  test("a waiting read is woken by what another process sends", async () => {
    const { home, ada, ben } = await startBoth();
    const waiting = ben.call("read_messages", { wait_seconds: 30 });
    const inChannel = ada.call("read_messages", { channel: "#build", wait_seconds: 30 });
    await until("both wait", () =>
      entriesOf(home).some(
        ({ action, decision }) => action === "read_messages" && decision === "system",
      ),
    );
    await ada.ok("send_message", { to: "ben", body: "over to you" });
    expect(bodies((await waiting).body)).toEqual(["over to you"]);
    await ben.ok("send_message", { to: "#build", body: "built" });
    expect(bodies((await inChannel).body)).toEqual(["built"]);
  });

  test("what was read and not acknowledged before a crash is read again by the agent's next process", async () => {
    const { home, ada, ben } = await startBoth();
    for (const body of ["one", "two", "three"]) await ada.ok("send_message", { to: "ben", body });
    expect(bodies(await ben.ok("read_messages"))).toEqual(["one", "two", "three"]);
    expect(bodies(await ben.ok("read_messages", { after: "M1" }))).toEqual(["two", "three"]);
    ben.signal("SIGKILL");
    // By the time its name is free again, its next process has it.
    const next = await until("ben is found gone", async () => {
      await ada.ok("request_task");
      const [row] = inDatabase(databaseOf(home), ({ rows }) =>
        rows<{ state: string }>("select state from agent where name = 'ben'"),
      );
      return row?.state === "offline" ? await startAgent("ben", { home }) : undefined;
    });
    const again = await next.ok("read_messages");
    expect(bodies(again)).toEqual(["two", "three"]);
    expect(again).toMatchObject({ messages: [{ again: true }, { again: true }] });
    expect(await next.ok("read_messages", { after: "M3" })).toMatchObject({ acknowledged: 2 });
  });

  test("many who speak at once are heard by all in one order", { timeout: 60_000 }, async () => {
    const home = temporaryDirectory();
    const names = ["ada", "ben", "cleo", "dora"];
    const agents = await Promise.all(names.map(async (name) => await startAgent(name, { home })));
    for (const agent of agents) await agent.ok("read_messages", { channel: "#build" });
    const each = Array.from({ length: 10 }, (_, index) => index);
    await Promise.all(
      agents.map(async (agent, of) => {
        for (const index of each) {
          await agent.ok("send_message", { to: "#build", body: `${names[of]} ${index}` });
        }
      }),
    );
    const orders = await Promise.all(agents.map(readAll));
    const posted = inDatabase(databaseOf(home), ({ rows }) =>
      rows<{ sender: string; body: string }>("select sender, body from post order by id"),
    );
    expect(posted).toHaveLength(40);
    for (const [of, order] of orders.entries()) {
      const others = posted.filter(({ sender }) => sender !== names[of]);
      expect(order).toEqual(others.map(({ body }) => body));
    }
    const sent = entriesOf(home).filter(({ action }) => action === "send_message");
    expect(sent).toHaveLength(40);
  });
});

/** Reads and acknowledges until nothing is left. */
async function readAll({ ok }: AgentProcess): Promise<readonly unknown[]> {
  const read: unknown[] = [];
  let answer = await ok("read_messages", { channel: "#build" });
  for (;;) {
    const messages = answer["messages"] as { readonly id: string }[];
    const last = messages.at(-1);
    if (last === undefined) return read;
    read.push(...bodies(answer));
    answer = await ok("read_messages", { channel: "#build", after: last.id });
  }
}

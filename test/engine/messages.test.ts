import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { JsonObject } from "../../src/engine/call.ts";
import { insertTask } from "../../src/engine/new-task.ts";
import { agentOperations } from "../../src/engine/person/agent-operations.ts";
import { messageOperations } from "../../src/engine/person/message-operations.ts";
import { stopOperations } from "../../src/engine/person/stop-operations.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, codeOf, createFleet, type Fleet } from "../support/engine-harness.ts";

let fleet: Fleet;

beforeEach(async () => {
  fleet = await createFleet({
    operations: [...TOOLS, ...agentOperations, ...messageOperations, ...stopOperations],
  });
  for (const name of ["ada", "ben", "cleo"]) await fleet.ok(name, "register_agent");
});

afterEach(async () => {
  await fleet.close();
});

async function send(
  from: string,
  to: string,
  body: string,
  more: object = {},
): Promise<JsonObject> {
  return await fleet.ok(from, "send_message", { to, body, ...more });
}

/** What a read gives: "M1 ada in #all: text". */
async function read(agent: string, args: object = {}): Promise<readonly string[]> {
  const { messages } = await fleet.ok(agent, "read_messages", args);
  return (messages as JsonObject[]).map(
    ({ id, from, channel, body, again }) =>
      `${String(id)} ${String(from)} in ${String(channel)}: ${String(body)}${again === true ? " (again)" : ""}`,
  );
}

describe("a message", () => {
  test("to one agent waits for that one alone, with the sender's name", async () => {
    expect(await send("ada", "ben", "hello")).toMatchObject({
      message_id: "M1",
      to: "ben",
      delivered_to: ["ben"],
    });
    expect(await read("ben")).toEqual(["M1 ada in ada: hello"]);
    expect(await read("cleo")).toEqual([]);
    expect(await read("ada")).toEqual([]);
    expect(await fleet.refusal("cleo", "read_messages", { message_id: "M1" })).toBe(
      "message_not_found",
    );
  });

  test("to all, to a role, to a channel goes to whoever is there", async () => {
    await fleet.ok("cleo", "register_agent", { role: "reviewer" });
    await fleet.ok("ben", "read_messages", { channel: "#build" });
    expect(await send("ada", "#all", "one")).toMatchObject({ delivered_to: ["ben", "cleo"] });
    expect(await send("ada", "#reviewer", "two")).toMatchObject({ delivered_to: ["cleo"] });
    expect(await send("ada", "#build", "three")).toMatchObject({ delivered_to: ["ben"] });
    expect(await send("ada", "#void", "four")).not.toHaveProperty("delivered_to");
    expect(await read("ben")).toEqual(["M1 ada in #all: one", "M3 ada in #build: three"]);
    expect(await read("cleo")).toEqual(["M1 ada in #all: one", "M2 ada in #reviewer: two"]);
  });

  test("in a task's thread goes to its holder, to who made it and to who spoke there", async () => {
    await fleet.ok("ada", "submit_plan", { title: "p", tasks: [{ key: "k", title: "Task" }] });
    await fleet.ok("ben", "request_task");
    expect(await send("cleo", "T1", "how far?")).toMatchObject({ delivered_to: ["ada", "ben"] });
    expect(await send("ben", "T1", "half")).toMatchObject({ delivered_to: ["ada", "cleo"] });
    expect(await read("cleo")).toEqual(["M2 ben in T1: half"]);
    expect(await read("ada", { channel: "T1" })).toEqual([
      "M1 cleo in T1: how far?",
      "M2 ben in T1: half",
    ]);
  });

  test("of a task's thread reaches whoever takes the task later", async () => {
    await fleet.ok("ada", "submit_plan", { title: "p", tasks: [{ key: "k", title: "Task" }] });
    await send("cleo", "T1", "mind the tests");
    expect(await read("ben")).toEqual([]);
    await fleet.ok("ben", "request_task");
    expect(await read("ben")).toEqual(["M1 cleo in T1: mind the tests"]);
  });

  test("about a topic reaches whoever takes a task that serves it", async () => {
    const electorate = { agents: ["ada"] };
    await fleet.ok("ada", "open_topic", { title: "Which?", problem: "?", electorate });
    await send("ada", "B1", "before");
    await fleet.write(async (ctx) => {
      const task = { key: "mediate", title: "Mediate", serves: "B1", gates: [] };
      return await insertTask(ctx, { task, planId: null, createdBy: "guvnor" });
    });
    await fleet.ok("ben", "request_task");
    await send("ada", "B1", "after");
    expect(await read("ben")).toEqual(["M1 ada in B1: before", "M2 ada in B1: after"]);
  });

  test("in a topic's thread goes to its electorate and who opened it, and is said to be open", async () => {
    const topic = { title: "Which?", problem: "?", electorate: { agents: ["ben", "cleo"] } };
    await fleet.ok("ada", "open_topic", topic);
    await fleet.ok("dora", "register_agent");
    const sent = await send("ben", "B1", "I like the first");
    expect(sent).toMatchObject({ delivered_to: ["ada", "cleo"] });
    expect(sent["next"]).toContain("ballots stay sealed, what you say does not");
    expect(await read("dora")).toEqual([]);
  });

  test("replies where the other was said, and nowhere else", async () => {
    await send("ada", "ben", "secret?");
    expect(await send("ben", "ada", "yes", { reply_to: "M1" })).toMatchObject({ message_id: "M2" });
    const { messages } = await fleet.ok("ada", "read_messages");
    expect(messages).toMatchObject([{ id: "M2", reply_to: "M1", channel: "ben" }]);
    for (const [agent, args] of [
      ["ben", { to: "#all", body: "x", reply_to: "M1" }],
      ["cleo", { to: "ada", body: "x", reply_to: "M1" }],
      ["ben", { to: "ada", body: "x", reply_to: "M9" }],
      ["ben", { to: "ada", body: "x", reply_to: "T1" }],
    ] as const) {
      expect(await fleet.refusal(agent, "send_message", args)).toBe("message_not_found");
    }
  });

  test.each([
    [{ to: "nobody", body: "x" }, "agent_unknown"],
    [{ to: "person:pat", body: "x" }, "agent_unknown"],
    [{ to: "Ben", body: "x" }, "agent_unknown"],
    [{ to: "#Build", body: "x" }, "agent_unknown"],
    [{ to: "T9", body: "x" }, "task_not_found"],
    [{ to: "B9", body: "x" }, "topic_not_found"],
    [{ to: "ada", body: "x" }, "input_invalid"],
    [{ to: "ben", body: "" }, "input_invalid"],
    [{ to: "ben", body: "x".repeat(4001) }, "input_invalid"],
    [{ to: `#${"x".repeat(64)}`, body: "x" }, "input_invalid"],
    [{ to: "ben", body: "x", from: "cleo" }, "input_invalid"],
    [{ to: "ben", body: "a\0b" }, "input_invalid"],
  ])("%j is refused", async (args, code) => {
    expect(await fleet.refusal("ada", "send_message", args)).toBe(code);
    expect(await fleet.read(async (tx) => await tx.posts.list(undefined, 9))).toEqual([]);
  });

  test("is from the agent whose session it is, whoever else is on the connection", async () => {
    const { session } = await fleet.ok("ada", "register_agent", { name: "twin" });
    await fleet.ok("ada", "send_message", { to: "ben", body: "hello", session });
    expect(await read("ben")).toEqual(["M1 twin in twin: hello"]);
    const forged = { to: "ben", body: "hello", session: "0".repeat(64) };
    expect(await fleet.refusal("cleo", "send_message", forged)).toBe("session_unknown");
  });

  test("sent again under its request_id is one message", async () => {
    const first = await send("ada", "ben", "once", { request_id: "r" });
    expect(await send("ada", "ben", "once", { request_id: "r" })).toEqual(first);
    expect(await read("ben")).toEqual(["M1 ada in ada: once"]);
  });

  test("goes to no revoked agent", async () => {
    bodyOf(await fleet.asPerson("agents_revoke", { agent: "ben", reason: "it lies" }));
    expect(await fleet.refusal("ada", "send_message", { to: "ben", body: "x" })).toBe(
      "state_conflict",
    );
    expect(await send("ada", "#all", "x")).toMatchObject({ delivered_to: ["cleo"] });
  });

  test("is in the ledger with channel, id and size, its words in the payload alone", async () => {
    await send("ada", "#all", "the words themselves");
    const entry = (await fleet.ledger()).find(({ action }) => action === "send_message");
    expect(entry).toMatchObject({
      actor: "ada",
      target: "#all",
      effects: [
        { type: "channel", id: "#all", event: "joined", agent: "ada" },
        {
          type: "message",
          id: "M1",
          event: "sent",
          channel: "#all",
          from: "ada",
          characters: 20,
          to: ["ben", "cleo"],
        },
      ],
    });
    expect(JSON.stringify(entry)).not.toContain("words");
    const payload = await fleet.read(async (tx) => await tx.audit.payload(entry?.seq ?? 0));
    expect(payload?.payload).toContain("the words themselves");
  });
});

describe("reading", () => {
  test("comes again until it is acknowledged, in the same order", async () => {
    for (const body of ["one", "two", "three"]) await send("ada", "ben", body);
    expect(await read("ben")).toEqual([
      "M1 ada in ada: one",
      "M2 ada in ada: two",
      "M3 ada in ada: three",
    ]);
    expect(await read("ben")).toHaveLength(3);
    expect(await read("ben", { after: "M2" })).toEqual(["M3 ada in ada: three (again)"]);
    expect(await fleet.ok("ben", "read_messages", { after: "M3" })).toMatchObject({
      messages: [],
      acknowledged: 1,
    });
    expect(await read("ben")).toEqual([]);
  });

  test("acknowledges in one channel what it names that channel for, else in all", async () => {
    await send("ada", "ben", "one");
    await send("cleo", "ben", "two");
    await send("ada", "ben", "three");
    await read("ben");
    expect(await read("ben", { channel: "ada", after: "M3" })).toEqual([]);
    expect(await read("ben")).toEqual(["M2 cleo in cleo: two (again)"]);
    expect(await read("ben", { after: "M3" })).toEqual([]);
  });

  test("acknowledges nothing that no answer ever held", async () => {
    await send("cleo", "ben", "one");
    await send("ada", "ben", "two");
    await read("ben", { channel: "ada" });
    expect(await read("ben", { after: "M2" })).toEqual(["M1 cleo in cleo: one"]);
  });

  test("acknowledges nothing of an answer that was lost, whatever it has seen since", async () => {
    await send("cleo", "ben", "one");
    await send("ada", "ben", "two");
    // These two never arrived.
    await read("ben", { channel: "cleo" });
    await read("ben");
    await send("ada", "ben", "three");
    expect(await read("ben", { channel: "ada" })).toHaveLength(2);
    expect(await read("ben", { after: "M3" })).toEqual(["M1 cleo in cleo: one (again)"]);
  });

  test.each([
    [{ after: "M2" }],
    [{ after: "M9" }],
    [{ after: "the last" }],
    [{ after: "M1", channel: "cleo" }],
  ])("acknowledges with what it was given alone: not %j", async (args) => {
    await send("ada", "ben", "one");
    await read("ben");
    await send("ada", "ben", "two");
    expect(await fleet.refusal("ben", "read_messages", args)).toBe("message_not_found");
    expect(await read("ben")).toHaveLength(2);
  });

  test("gives twenty at a time, cuts long ones, and shows one whole", async () => {
    const long = `${"x".repeat(3999)}!`;
    await send("ada", "ben", long);
    for (let count = 2; count <= 21; count += 1) await send("ada", "ben", `${count}`);
    const first = await fleet.ok("ben", "read_messages");
    expect(first["more"]).toBe(true);
    const messages = first["messages"] as JsonObject[];
    expect(messages).toHaveLength(20);
    expect(messages[0]).toMatchObject({ characters: 4000 });
    expect(String(messages[0]?.["body"])).toHaveLength(1000);
    const whole = await fleet.ok("ben", "read_messages", { message_id: "M1" });
    expect(whole).toMatchObject({ messages: [{ id: "M1", body: long }] });
    expect(await read("ben", { after: "M20" })).toEqual(["M21 ada in ada: 21"]);
  });

  test("joins a channel: with the last twenty that were said, and all that come", async () => {
    for (let count = 1; count <= 25; count += 1) await send("ada", "#build", `${count}`);
    const joined = await fleet.ok("ben", "read_messages", { channel: "#build" });
    expect(joined).toMatchObject({ joined: "#build" });
    const ids = (joined["messages"] as JsonObject[]).map(({ id }) => id);
    expect(ids).toEqual(Array.from({ length: 20 }, (_, index) => `M${index + 6}`));
    await send("ada", "#build", "26");
    expect(await read("ben", { after: "M25" })).toEqual(["M26 ada in #build: 26"]);
    expect(await read("cleo")).toEqual([]);
  });

  test("waits, and is woken by what comes", async () => {
    const waiting = fleet.call("ben", "read_messages", { wait_seconds: 25 });
    await fleet.advance(3000);
    await send("ada", "#all", "wake up");
    await fleet.advance(1000);
    expect(bodyOf(await waiting)).toMatchObject({ messages: [{ id: "M1", body: "wake up" }] });
  });

  test("waits in a channel that it joins with that", async () => {
    const waiting = fleet.call("ben", "read_messages", { channel: "#build", wait_seconds: 25 });
    await fleet.advance(3000);
    await send("cleo", "#all", "something else");
    await fleet.advance(1000);
    expect(await send("ada", "#build", "go")).toMatchObject({ delivered_to: ["ben"] });
    await fleet.advance(1000);
    expect(bodyOf(await waiting)).toMatchObject({ messages: [{ channel: "#build", body: "go" }] });
  });

  test("ends with nothing when the wait is over, and at once where something waits", async () => {
    const waiting = fleet.call("ben", "read_messages", { wait_seconds: 5 });
    await fleet.advance(6000);
    expect(bodyOf(await waiting)).toMatchObject({ messages: [] });
    await send("ada", "ben", "hello");
    expect(await read("ben", { wait_seconds: 25 })).toHaveLength(1);
  });

  test("acknowledges at once, also when it goes on to wait", async () => {
    await send("ada", "ben", "hello");
    await read("ben");
    const waiting = fleet.call("ben", "read_messages", { after: "M1", wait_seconds: 25 });
    await fleet.advance(1000);
    expect(await fleet.inbox("ben")).toEqual([]);
    // The process dies in the middle of the wait: what it said before stands.
    fleet.kill("ben");
    await fleet.advance(60_000);
    await waiting;
    const own = (await fleet.ledger()).filter(({ action }) => action === "read_messages");
    expect(own.map(({ decision }) => decision)).toEqual(["allow", "system", "allow"]);
  });

  test("looks only where it is concerned, and sees a stop and a revocation all the same", async () => {
    let writes = 0;
    const deps = fleet.deps("ben");
    const { store } = deps;
    Object.assign(deps, {
      store: {
        ...store,
        write: async (...args: Parameters<typeof store.write>) => {
          writes += 1;
          return await store.write(...args);
        },
      },
    });
    const waiting = fleet.call("ben", "read_messages", { wait_seconds: 25 });
    await fleet.advance(0);
    expect(writes).toBe(1);
    await send("ada", "cleo", "not for ben");
    await fleet.advance(100);
    expect(writes).toBe(1);
    bodyOf(await fleet.asPerson("stop", { reason: "enough" }));
    await fleet.advance(100);
    expect(codeOf(await waiting)).toBe("stopped");
    expect(writes).toBe(2);
    bodyOf(await fleet.asPerson("resume", {}));
    const again = fleet.call("ben", "read_messages", { wait_seconds: 25 });
    await fleet.advance(0);
    bodyOf(await fleet.asPerson("agents_revoke", { agent: "ben", reason: "it lies" }));
    await fleet.advance(100);
    expect(codeOf(await again)).toBe("agent_revoked");
    expect(writes).toBe(4);
  });

  test("after a crash gives what was not acknowledged again", async () => {
    await send("ada", "ben", "one");
    await send("ada", "ben", "two");
    await read("ben");
    fleet.kill("ben");
    expect(await read("ben")).toEqual(["M1 ada in ada: one (again)", "M2 ada in ada: two (again)"]);
  });
});

describe("the inbox", () => {
  test("counts messages and shows the first; reading does not acknowledge, after does", async () => {
    await send("ada", "ben", "hello");
    const seen = await fleet.ok("ben", "read_board");
    expect(seen).toMatchObject({
      inbox: {
        counts: { message: 1 },
        first: { id: "M1", from: "ada", text: "hello" },
        next: "Read and acknowledge with read_messages {}.",
      },
    });
    await fleet.ok("ben", "read_messages");
    await fleet.ok("ben", "read_messages", { after: "M1" });
    expect(await fleet.ok("ben", "read_board")).not.toHaveProperty("inbox");
  });

  test("get_status shows what agents said, and acknowledges only what people and guvnor said", async () => {
    await send("ada", "ben", "hello");
    bodyOf(await fleet.asPerson("say", { to: "ben", text: "a person's word" }));
    const status = await fleet.ok("ben", "get_status");
    expect(status["messages"]).toMatchObject([{ id: "M1" }, { id: "M2", from: "person:pat" }]);
    expect((await fleet.ok("ben", "get_status"))["messages"]).toMatchObject([{ id: "M1" }]);
    expect(await read("ben")).toEqual(["M1 ada in ada: hello"]);
  });

  test("is bounded: the sender is told, and others of the channel get it all the same", async () => {
    await fleet.write(async ({ tx }) => {
      for (let n = 1; n <= 1000; n += 1) {
        const id = `M${await tx.nextNumber("message")}`;
        const post = { id, channel: "ada+ben", from: "ada", text: "x", replyTo: null, atMs: 1 };
        await tx.posts.insert(post);
        await tx.messages.deliver(post, { agent: "ben", subject: null });
      }
    });
    const refused = await fleet.call("ada", "send_message", { to: "ben", body: "one more" });
    expect(codeOf(refused)).toBe("limited");
    expect(refused.body).toMatchObject({ details: { unread: 1000, agents: ["ben"] } });
    expect(await send("ada", "#all", "all")).toMatchObject({
      delivered_to: ["cleo"],
      full: ["ben"],
    });
    expect(bodyOf(await fleet.asPerson("say", { to: "ben", text: "wake up" }))).toMatchObject({
      delivered_to: ["ben"],
    });
    await read("ben");
    await read("ben", { after: "M20" });
    expect(await send("ada", "ben", "one more")).toMatchObject({ delivered_to: ["ben"] });
  });
});

describe("people", () => {
  test("speak in the same channels, and see all that was said and who read it", async () => {
    await fleet.ok("ada", "submit_plan", { title: "p", tasks: [{ key: "k", title: "Task" }] });
    await fleet.ok("ben", "request_task");
    bodyOf(await fleet.asPerson("say", { to: "T1", text: "take care" }));
    await send("ben", "T1", "I do", { reply_to: "M1" });
    expect(await read("ben")).toEqual(["M1 person:pat in T1: take care"]);
    await read("ben", { after: "M1" });
    bodyOf(await fleet.asPerson("say", { to: "ben", text: "thanks" }));
    expect(await read("ben", { channel: "person:pat" })).toEqual([
      "M3 person:pat in person:pat: thanks",
    ]);
    expect(await read("ben", { channel: "person:pat", after: "M3" })).toEqual([]);
    const list = async (args: object): Promise<unknown> =>
      bodyOf(await fleet.asPerson("messages_list", args))["messages"];
    expect(await list({ channel: "T1" })).toMatchObject([{ id: "M2" }, { id: "M1" }]);
    expect(await list({ channel: "ben+person:pat" })).toMatchObject([{ id: "M3" }]);
    expect(bodyOf(await fleet.asPerson("messages_list", { limit: 1 }))).toMatchObject({
      messages: [{ id: "M3" }],
      more: true,
    });
    const shown = bodyOf(await fleet.asPerson("messages_show", { message_id: "M1" }));
    expect(shown).toMatchObject({
      body: "take care",
      deliveries: [
        { agent: "ada" },
        { agent: "ben", given_at: expect.any(String), acknowledged_at: expect.any(String) },
      ],
    });
    expect(codeOf(await fleet.asPerson("messages_show", { message_id: "M9" }))).toBe(
      "message_not_found",
    );
  });
});

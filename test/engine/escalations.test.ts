import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { boardOperations } from "../../src/engine/person/board-operations.ts";
import { escalationOperations } from "../../src/engine/person/escalation-operations.ts";
import { messageOperations } from "../../src/engine/person/message-operations.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, codeOf, createFleet, type Fleet } from "../support/engine-harness.ts";

let fleet: Fleet;

beforeEach(async () => {
  fleet = await createFleet({
    operations: [...TOOLS, ...boardOperations, ...escalationOperations, ...messageOperations],
  });
});

afterEach(async () => {
  await fleet.close();
});

const QUESTION = { kind: "question", summary: "Which region?" };

async function resolve(id: string, text: string): Promise<unknown> {
  return bodyOf(await fleet.asPerson("escalations_resolve", { escalation_id: id, text }));
}

/** T1, held by ada. */
async function hold(): Promise<void> {
  await fleet.ok("ada", "submit_plan", { title: "p", tasks: [{ key: "k", title: "Task" }] });
  await fleet.ok("ada", "request_task");
}

async function block(blockedBy?: string): Promise<void> {
  const by = blockedBy === undefined ? {} : { blocked_by: blockedBy };
  const blocker = { kind: "question", text: "needs an answer", ...by };
  await fleet.ok("ada", "report_progress", { task_id: "T1", status: "blocked", blocker });
}

async function taskState(): Promise<unknown> {
  return await fleet.read(async (tx) => (await tx.tasks.get("T1"))?.state);
}

describe("asking a person", () => {
  test("answers when somebody should have looked, by severity", async () => {
    expect(
      await fleet.ok("ada", "request_escalation", { ...QUESTION, severity: "critical" }),
    ).toMatchObject({
      escalation_id: "E1",
      level: "L3",
      state: "open",
      due_at: "2026-01-01T00:15:00.000Z",
    });
    expect(await fleet.ok("ada", "request_escalation", QUESTION)).toMatchObject({
      due_at: "2026-01-01T04:00:00.000Z",
    });
  });

  test.each([
    [{ kind: "question" }, "input_invalid"],
    [{ summary: "s" }, "input_invalid"],
    [{ ...QUESTION, task_id: "T9" }, "task_not_found"],
    [{ escalation_id: "E9" }, "escalation_not_found"],
  ])("%j is refused", async (args, code) => {
    expect(await fleet.refusal("ada", "request_escalation", args)).toBe(code);
  });

  test("what became of it is told to its agent only", async () => {
    await fleet.ok("ada", "request_escalation", QUESTION);
    const again = { escalation_id: "E1" };
    expect(await fleet.ok("ada", "request_escalation", again)).toMatchObject({ state: "open" });
    expect(await fleet.refusal("bob", "request_escalation", again)).toBe("escalation_not_found");
    await resolve("E1", "eu-west");
    expect(await fleet.ok("ada", "request_escalation", again)).toMatchObject({
      state: "resolved",
      resolution: "eu-west",
      resolved_by: "person:pat",
      next: "Go on as the resolution says.",
    });
  });

  test("a waiting call ends with the answer, or unanswered when its time is over", async () => {
    const waiting = fleet.ok("ada", "request_escalation", { ...QUESTION, wait_seconds: 25 });
    await fleet.advance(5000);
    await resolve("E1", "eu-west");
    expect(await waiting).toMatchObject({
      escalation_id: "E1",
      resolution: "eu-west",
      inbox: { counts: { escalation: 1 } },
    });
    const later = fleet.ok("ada", "request_escalation", { ...QUESTION, wait_seconds: 25 });
    await fleet.advance(25_000);
    expect(await later).toMatchObject({ escalation_id: "E2", state: "open" });
    expect(bodyOf(await fleet.asPerson("escalations_list"))).toMatchObject({
      escalations: [{ escalation_id: "E2" }],
    });
  });
});

describe("a person's answer", () => {
  test("is acknowledged, then resolved, and neither again", async () => {
    await fleet.ok("ada", "request_escalation", QUESTION);
    const ack = { escalation_id: "E1" };
    for (let time = 0; time < 2; time += 1) {
      expect(bodyOf(await fleet.asPerson("escalations_ack", ack))).toMatchObject({
        state: "acknowledged",
        acknowledged_by: "person:pat",
      });
    }
    await resolve("E1", "yes");
    const answer = { ...ack, text: "no" };
    expect(codeOf(await fleet.asPerson("escalations_ack", ack))).toBe("state_conflict");
    expect(codeOf(await fleet.asPerson("escalations_resolve", answer))).toBe("state_conflict");
    const missing = { escalation_id: "E7", text: "no" };
    expect(codeOf(await fleet.asPerson("escalations_resolve", missing))).toBe(
      "escalation_not_found",
    );
    expect(await fleet.refusal("ada", "escalations_resolve", answer)).toBe("person_required");
  });

  test("is recorded and waits in the raiser's inbox", async () => {
    await fleet.ok("ada", "request_escalation", QUESTION);
    await resolve("E1", "eu-west");
    expect(await fleet.inbox("ada")).toEqual([
      { subject: "E1", text: "E1 (Which region?) is resolved: eu-west" },
    ]);
    expect((await fleet.ledger()).at(-1)).toMatchObject({
      actor: "person:pat",
      action: "escalations_resolve",
      target: "E1",
      effects: [
        { type: "escalation", id: "E1", from: "open", to: "resolved", resolution: "eu-west" },
        { type: "message", to: "ada" },
      ],
    });
  });

  test("shows what is overdue", async () => {
    await fleet.ok("ada", "request_escalation", { ...QUESTION, severity: "critical" });
    await fleet.advance(900_000);
    expect(bodyOf(await fleet.asPerson("escalations_list"))).toMatchObject({
      escalations: [{ overdue: true }],
    });
    await resolve("E1", "late");
    expect(bodyOf(await fleet.asPerson("escalations_list", { all: true }))).toMatchObject({
      escalations: [{ state: "resolved" }],
    });
  });

  test("lands in the task's notes and lifts its blocker", async () => {
    await hold();
    await block();
    await fleet.ok("ada", "request_escalation", { ...QUESTION, task_id: "T1" });
    expect(await resolve("E1", "eu-west")).toMatchObject({ task: { id: "T1", state: "running" } });
    expect(await fleet.read(async (tx) => (await tx.tasks.get("T1"))?.note)).toBe(
      "[2026-01-01T00:00:00.000Z person:pat] E1 (Which region?) is resolved: eu-west",
    );
    expect(await fleet.read(async (tx) => (await tx.agents.get("ada"))?.state)).toBe("executing");
    expect(await fleet.ok("ada", "request_task")).toMatchObject({ task: { id: "T1" } });
  });

  test("frees a blocked task whose holder is gone, for the same agent first", async () => {
    await hold();
    await block();
    await fleet.ok("ada", "request_escalation", { ...QUESTION, task_id: "T1" });
    fleet.kill("ada");
    // Another process looks, finds ada's gone, and ends it.
    await fleet.ok("bob", "request_task");
    expect(await resolve("E1", "eu-west")).toMatchObject({ task: { state: "ready" } });
    const attempt = await fleet.read(async (tx) => await tx.attempts.get("T1", 1));
    expect(attempt).toMatchObject({ outcome: "lost", neededPerson: true });
    expect(await fleet.ok("bob", "request_task", { task_id: "T1" })).toMatchObject({
      task: {
        id: "T1",
        attempt: "T1/2",
        note_from_last_holder: expect.stringContaining("eu-west"),
      },
    });
  });

  test("lifts a blocker that names an escalation only when it is that one", async () => {
    await hold();
    await block("E2");
    for (let count = 0; count < 3; count += 1) {
      await fleet.ok("ada", "request_escalation", { ...QUESTION, task_id: "T1" });
    }
    await resolve("E1", "one");
    expect(await taskState()).toBe("blocked");
    await resolve("E2", "two");
    expect(await taskState()).toBe("running");
  });

  test("finds the blocked task that names it, even if it named no task", async () => {
    await hold();
    await block("E1");
    await fleet.ok("ada", "request_escalation", QUESTION);
    await fleet.ok("ada", "request_escalation", { ...QUESTION, task_id: "T1" });
    await resolve("E2", "about something else");
    expect(await taskState()).toBe("blocked");
    expect(await resolve("E1", "go on")).toMatchObject({ task: { id: "T1", state: "running" } });
  });

  test("lifts any other blocker with the last open question about the task", async () => {
    await hold();
    await block();
    await fleet.ok("ada", "request_escalation", { ...QUESTION, task_id: "T1" });
    await fleet.ok("bob", "request_escalation", { ...QUESTION, task_id: "T1" });
    await resolve("E2", "two");
    expect(await taskState()).toBe("blocked");
    await resolve("E1", "one");
    expect(await taskState()).toBe("running");
    expect(await fleet.inbox("ada")).toHaveLength(2);
    expect(await fleet.inbox("bob")).toHaveLength(1);
  });

  test("keeps the end of notes that grow too long", async () => {
    await hold();
    for (let count = 1; count <= 3; count += 1) {
      await fleet.ok("ada", "request_escalation", { ...QUESTION, task_id: "T1" });
      await resolve(`E${count}`, `😀${String(count).repeat(3000)}`);
    }
    const note = await fleet.read(async (tx) => (await tx.tasks.get("T1"))?.note);
    expect(note).toHaveLength(8000);
    expect(note).toMatch(/^…1+\n\[.*3{3000}$/su);
  });
});

describe("a person says", () => {
  const TEXT = "Use the staging cluster.";

  async function say(to: string): Promise<unknown> {
    return bodyOf(await fleet.asPerson("say", { to, text: TEXT }));
  }

  test("something to one agent, which reads it with its next answer", async () => {
    await fleet.ok("ada", "read_board");
    expect(await say("ada")).toEqual({ message_id: "M1", delivered_to: ["ada"] });
    expect(await fleet.ok("ada", "read_board")).toMatchObject({
      inbox: { counts: { message: 1 }, first: { from: "person:pat", text: TEXT } },
    });
  });

  test("something to all, or to all of one role", async () => {
    await fleet.ok("ada", "register_agent", { role: "reviewer" });
    await fleet.ok("bob", "register_agent", {});
    expect(await say("#all")).toMatchObject({ delivered_to: ["ada", "bob"] });
    expect(await say("#reviewer")).toMatchObject({ delivered_to: ["ada"] });
    expect(await fleet.inbox("ada")).toEqual([
      { subject: "#all", text: TEXT },
      { subject: "#reviewer", text: TEXT },
    ]);
  });

  test("something to a task: to its holder and who made it, and to its notes where nobody works on it", async () => {
    await hold();
    expect(await say("T1")).toEqual({ message_id: "M1", delivered_to: ["ada"] });
    await fleet.ok("ada", "report_progress", { task_id: "T1", status: "released" });
    expect(await say("T1")).toEqual({ message_id: "M2", delivered_to: ["ada"], noted: "T1" });
    expect(await fleet.ok("bob", "request_task")).toMatchObject({
      task: { note_from_last_holder: `[2026-01-01T00:00:00.000Z person:pat] ${TEXT}` },
    });
  });

  test("something to both where the holder of a blocked task has left", async () => {
    await hold();
    await block();
    fleet.kill("ada");
    await fleet.ok("bob", "request_task");
    expect(await say("T1")).toMatchObject({ delivered_to: ["ada"], noted: "T1" });
  });

  test.each([
    ["nobody", "agent_unknown"],
    ["Not A Name", "agent_unknown"],
    ["#all", "agent_unknown"],
    ["#poets", "agent_unknown"],
    ["T9", "task_not_found"],
  ])("nothing to %s", async (to, code) => {
    expect(codeOf(await fleet.asPerson("say", { to, text: TEXT }))).toBe(code);
  });

  test("and no agent can say it for one", async () => {
    const word = { to: "ada", text: TEXT };
    expect(await fleet.refusal("ada", "say", word)).toBe("person_required");
  });
});

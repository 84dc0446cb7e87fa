import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { JsonObject } from "../../src/engine/call.ts";
import { agentOperations } from "../../src/engine/person/agent-operations.ts";
import { escalationOperations } from "../../src/engine/person/escalation-operations.ts";
import { stopOperations } from "../../src/engine/person/stop-operations.ts";
import { taskOperations } from "../../src/engine/person/task-operations.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, codeOf, createFleet, type Fleet } from "../support/engine-harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const QUESTION = { kind: "question", summary: "Which region?" };

let fleet: Fleet;

beforeEach(async () => {
  fleet = await createFleet({
    operations: [
      ...TOOLS,
      ...agentOperations,
      ...escalationOperations,
      ...stopOperations,
      ...taskOperations,
    ],
    guvnorYaml: "version: 1\nroles: { lead: [lea] }\n",
  });
  for (const name of ["ada", "bob", "lea"]) await fleet.ok(name, "register_agent", {});
});

afterEach(async () => {
  await fleet.close();
});

/** T1, held and blocked by ada. */
async function blockT1(blocker: object = { kind: "question", text: "Which?" }): Promise<void> {
  await fleet.ok("ada", "submit_plan", { title: "p", tasks: [{ key: "k", title: "Task" }] });
  await fleet.ok("ada", "request_task");
  await fleet.ok("ada", "report_progress", { task_id: "T1", status: "blocked", blocker });
}

async function ask(args: object = QUESTION): Promise<JsonObject> {
  return await fleet.ok("ada", "request_escalation", args);
}

async function claim(agent: string, taskId?: string): Promise<JsonObject> {
  return await fleet.ok(agent, "request_task", taskId === undefined ? {} : { task_id: taskId });
}

async function report(agent: string, taskId: string, said: object): Promise<JsonObject> {
  return await fleet.ok(agent, "report_progress", { task_id: taskId, ...said });
}

async function answer(agent: string, taskId: string, outputs: object): Promise<JsonObject> {
  return await report(agent, taskId, { status: "done", outputs });
}

async function show(id = "E1"): Promise<JsonObject> {
  return bodyOf(await fleet.asPerson("escalations_show", { escalation_id: id }));
}

async function stateOf(taskId: string): Promise<unknown> {
  return await fleet.read(async (tx) => (await tx.tasks.get(taskId))?.state);
}

/** Time goes by, with every process awake. */
async function pass(ms: number): Promise<void> {
  const step = 5 * MINUTE;
  for (let left = ms; left > 0; left -= step) {
    await fleet.advance(Math.min(step, left));
    await fleet.tick();
  }
}

describe("a question of an agent", () => {
  test("goes to a peer as a task, which the requester cannot take", async () => {
    expect(await ask()).toMatchObject({ level: "L1", due_at: "2026-01-01T02:00:00.000Z" });
    expect(await claim("ada")).toMatchObject({ reason: "nothing_ready" });
    expect(await fleet.refusal("ada", "request_task", { task_id: "T1" })).toBe("not_eligible");
    const { task } = await claim("bob");
    expect(task).toMatchObject({
      id: "T1",
      kind: "escalation",
      title: "Answer E1: Which region?",
      outputs_wanted: ["answer"],
      body: expect.stringContaining('"question": "Which region?"'),
    });
    expect(await show()).toMatchObject({ state: "acknowledged", acknowledged_by: "bob" });
  });

  test("whose answer the waiting requester gets at once, and the blocked task is free", async () => {
    await blockT1();
    const waiting = ask({ ...QUESTION, task_id: "T1", wait_seconds: 50 });
    await fleet.advance(0);
    await claim("bob");
    await answer("bob", "T2", { answer: "eu-west" });
    await fleet.advance(0);
    expect(await waiting).toMatchObject({
      escalation_id: "E1",
      state: "resolved",
      resolution: "eu-west",
      resolved_by: "bob",
    });
    expect(await stateOf("T1")).toBe("running");
    expect(await fleet.read(async (tx) => (await tx.tasks.get("T1"))?.note)).toBe(
      "[2026-01-01T00:00:00.000Z bob] E1 (Which region?) is resolved: eu-west",
    );
    expect((await fleet.ledger()).at(-1)).toMatchObject({
      actor: "bob",
      action: "report_progress",
      effects: expect.arrayContaining([
        expect.objectContaining({
          type: "escalation",
          event: "resolved",
          resolved_by: "bob",
          resolved_how: "answer",
          resolution: "eu-west",
        }),
      ]),
    });
  });

  test("needs of its task are needed to answer it", async () => {
    await fleet.ok("ada", "register_agent", { capabilities: ["sql"] });
    const tasks = [{ key: "k", title: "Task", needs: ["sql"] }];
    await fleet.ok("ada", "submit_plan", { title: "p", tasks });
    expect(await ask({ ...QUESTION, task_id: "T1" })).toMatchObject({ level: "L2" });
    await fleet.ok("bob", "register_agent", { capabilities: ["sql"] });
    expect(await ask({ ...QUESTION, task_id: "T1" })).toMatchObject({ level: "L1" });
    expect(await fleet.refusal("lea", "request_task", { task_id: "T3" })).toBe("not_eligible");
  });

  test.each([
    ["conflict", "medium", "L2"],
    ["policy", "low", "L3"],
    ["security", "low", "L3"],
    ["blocked", "critical", "L3"],
  ])("of kind %s and severity %s begins at %s", async (kind, severity, level) => {
    expect(await ask({ kind, severity, summary: "s" })).toMatchObject({ level });
  });

  test("of the only lead goes past the leads", async () => {
    const asked = await fleet.ok("lea", "request_escalation", { kind: "conflict", summary: "s" });
    expect(asked).toMatchObject({ level: "L3" });
  });

  test("of who may take no tasks counts as no peer", async () => {
    await fleet.asPerson("agents_tier", { agent: "bob", tier: "T0" });
    await fleet.asPerson("stop", { agent: "lea", reason: "r" });
    expect(await ask()).toMatchObject({ level: "L3" });
  });

  test("with words is wanted: done without an answer is not accepted", async () => {
    await ask();
    await claim("bob");
    const said = await report("bob", "T1", { status: "done", note: "It is fine." });
    expect(said).toMatchObject({ accepted: false, missing: [{ gate: "outputs" }] });
    expect(await answer("bob", "T1", { answer: "" })).toMatchObject({
      missing: [{ gate: "outputs" }],
    });
    expect(await answer("bob", "T1", { answer: "a", resolution: "decision" })).toMatchObject({
      missing: [{ gate: "answer", evidence: expect.stringContaining("Only a lead") }],
    });
    expect(await show()).toMatchObject({ state: "acknowledged" });
  });
});

describe("the climb", () => {
  test("goes from peers to leads to a person as time passes, each step in its history", async () => {
    await ask();
    await pass(2 * HOUR);
    expect(await show()).toMatchObject({
      level: "L2",
      state: "open",
      asked_in: "T2",
      climbs_at: "2026-01-01T04:00:00.000Z",
    });
    expect(await stateOf("T1")).toBe("cancelled");
    expect(await fleet.refusal("bob", "request_task", { task_id: "T2" })).toBe("not_eligible");
    expect(await fleet.inbox("lea")).toEqual([
      { subject: "E1", text: expect.stringContaining('request_task {"task_id":"T2"}') },
    ]);
    await pass(2 * HOUR);
    expect(await show()).toMatchObject({
      level: "L3",
      history: [
        { level: "L1", at: "2026-01-01T00:00:00.000Z", why: "question", asked_in: "T1" },
        { level: "L2", at: "2026-01-01T02:00:00.000Z", why: "not answered in time" },
        { level: "L3", at: "2026-01-01T04:00:00.000Z", why: "not answered in time" },
      ],
    });
    expect(await stateOf("T2")).toBe("cancelled");
    expect(await fleet.inbox("ada")).toEqual([]);
  });

  test("is settled by a call that finds it due, whether a ticker ran or not", async () => {
    await ask();
    await fleet.advance(2 * HOUR);
    expect(await claim("lea")).toMatchObject({ task: { id: "T2", kind: "escalation" } });
  });

  test("waits for who acknowledged it for a while, and the late answer counts if it is the first", async () => {
    await ask();
    await pass(HOUR + 50 * MINUTE);
    await claim("bob");
    await pass(20 * MINUTE);
    expect(await show()).toMatchObject({ level: "L1", climbs_at: "2026-01-01T02:20:00.000Z" });
    await pass(10 * MINUTE);
    expect(await show()).toMatchObject({ level: "L2", state: "open" });
    expect(await stateOf("T1")).toBe("running");
    await answer("bob", "T1", { answer: "late" });
    expect(await show()).toMatchObject({ state: "resolved", resolved_by: "bob" });
    expect(await stateOf("T2")).toBe("cancelled");
  });

  test("leaves nothing below to whoever gave it up", async () => {
    await ask();
    await claim("bob");
    await pass(2 * HOUR);
    expect(await show()).toMatchObject({ level: "L2" });
    await report("bob", "T1", { status: "released" });
    expect(await stateOf("T1")).toBe("cancelled");
    expect(await show()).toMatchObject({ level: "L2", state: "open" });
  });

  test("goes on at its time when the helper has left", async () => {
    await ask();
    await claim("bob");
    await report("bob", "T1", { status: "released" });
    expect(await show()).toMatchObject({ state: "open", climbs_at: "2026-01-01T02:00:00.000Z" });
    await claim("bob");
    fleet.kill("bob");
    await claim("lea");
    expect(await show()).toMatchObject({ acknowledged_by: "lea" });
  });

  test("is at once where a helper gives up for good, fails thrice, or a person cancels the task", async () => {
    await ask();
    await claim("bob");
    await report("bob", "T1", { status: "failed", retryable: false });
    expect(await show()).toMatchObject({
      level: "L2",
      history: [{ level: "L1" }, { why: "T1 failed" }],
    });
    for (let count = 0; count < 3; count += 1) {
      await claim("lea", "T2");
      await report("lea", "T2", { status: "failed" });
      await fleet.advance(3 * MINUTE);
    }
    expect(await show()).toMatchObject({ level: "L3" });
    await ask();
    await fleet.asPerson("tasks_cancel", { task_id: "T3", reason: "r" });
    expect(await show("E2")).toMatchObject({ level: "L2" });
    // None of it is poison of its own.
    const open = await fleet.read(async (tx) => await tx.escalations.list(["open"], 9));
    expect(open.map(({ id }) => id)).toEqual(["E1", "E2"]);
    const reopened = await fleet.asPerson("tasks_reopen", { task_id: "T1", reason: "r" });
    expect(codeOf(reopened)).toBe("state_conflict");
  });

  test("is soon where nobody is left who could answer", async () => {
    await ask();
    fleet.kill("bob");
    fleet.kill("lea");
    await pass(MINUTE);
    expect(await show()).toMatchObject({ level: "L2" });
    await fleet.asPerson("agents_revoke", { agent: "lea", reason: "r" });
    await pass(MINUTE);
    expect(await show()).toMatchObject({
      level: "L3",
      history: [{}, { why: "nobody is left who could answer" }, {}],
    });
  });

  test("stands still while everything is stopped", async () => {
    await ask();
    await pass(HOUR);
    await fleet.asPerson("stop", { reason: "r" });
    await pass(3 * HOUR);
    expect(await show()).toMatchObject({ level: "L1" });
    await fleet.asPerson("resume");
    expect(await show()).toMatchObject({ level: "L1", climbs_at: "2026-01-01T05:00:00.000Z" });
    await pass(HOUR);
    expect(await show()).toMatchObject({ level: "L2", climbs_at: "2026-01-01T07:00:00.000Z" });
  });
});

describe("a blocked task about which nobody was asked", () => {
  test("is put before peers after peer_after, once, and dropped when it goes on", async () => {
    await blockT1();
    await pass(25 * MINUTE);
    expect(await fleet.read(async (tx) => await tx.escalations.ofTask("T1"))).toEqual([]);
    await pass(5 * MINUTE);
    expect(await show()).toMatchObject({
      level: "L1",
      raised_by: "guvnor",
      task: "T1",
      detail: "Held by ada; question: Which?",
    });
    await report("ada", "T1", { status: "working" });
    expect(await show()).toMatchObject({ state: "withdrawn" });
    expect(await stateOf("T2")).toBe("cancelled");
    await fleet.advance(1000);
    await report("ada", "T1", { status: "blocked", blocker: { kind: "x", text: "again" } });
    await pass(30 * MINUTE);
    await answer("bob", String(((await claim("bob"))["task"] as JsonObject)["id"]), {
      answer: "Left.",
    });
    expect(await stateOf("T1")).toBe("running");
    expect(await fleet.inbox("ada")).toMatchObject([{ subject: "E2" }]);
  });

  test("is not, where its holder asked, or an approval is awaited", async () => {
    await blockT1({ kind: "question", text: "Which?", blocked_by: "E1" });
    await ask({ kind: "policy", summary: "s" });
    await pass(HOUR);
    const all = ["open", "resolved", "withdrawn"] as const;
    const found = await fleet.read(async (tx) => await tx.escalations.list(all, 9));
    expect(found.map(({ id }) => id)).toEqual(["E1"]);
  });

  test("is at once, where the holder says that it needs somebody's yes", async () => {
    await blockT1({ kind: "approval", text: "Please review." });
    expect(await show()).toMatchObject({ level: "L1", summary: "T1: needs approval" });
  });

  test("counts no time in which everything was stopped", async () => {
    await blockT1();
    await fleet.asPerson("stop", { reason: "r" });
    await pass(HOUR);
    await fleet.asPerson("resume");
    await pass(25 * MINUTE);
    expect(await fleet.read(async (tx) => await tx.escalations.ofTask("T1"))).toEqual([]);
  });
});

describe("what was asked about a task that has ended", () => {
  test("need not be answered any more, unless a person has it", async () => {
    await blockT1();
    await ask({ ...QUESTION, task_id: "T1" });
    await ask({ kind: "policy", summary: "s", task_id: "T1" });
    await fleet.asPerson("tasks_cancel", { task_id: "T1", reason: "r" });
    expect(await show("E1")).toMatchObject({ state: "withdrawn" });
    expect(await show("E2")).toMatchObject({ state: "open" });
    expect(await stateOf("T2")).toBe("cancelled");
  });
});

describe("an end", () => {
  test("by a person's word is an answer, a decision, or an exception until a time", async () => {
    await blockT1();
    await ask({ ...QUESTION, task_id: "T1" });
    await claim("bob");
    const resolve = async (id: string, said: object): Promise<JsonObject> =>
      bodyOf(await fleet.asPerson("escalations_resolve", { escalation_id: id, ...said }));
    const until = "2026-01-01T01:00:00.000Z";
    expect(await resolve("E1", { text: "May use npm.", exception_until: until })).toMatchObject({
      resolved_how: "exception",
      exception_until: until,
      task: { state: "running" },
    });
    expect(await stateOf("T2")).toBe("cancelled");
    expect((await claim("ada"))["task"]).toMatchObject({
      exceptions: [{ escalation: "E1", text: "May use npm.", until, granted_by: "person:pat" }],
    });
    expect(await ask({ escalation_id: "E1" })).toMatchObject({
      next: `Go on as the resolution says. This exception ends at ${until}.`,
    });
    await fleet.advance(HOUR);
    expect((await claim("ada"))["task"]).not.toHaveProperty("exceptions");
    await ask();
    expect(await resolve("E2", { text: "No.", decision: true })).toMatchObject({
      resolved_how: "decision",
    });
    await ask();
    for (const wrong of [
      { exception_until: until },
      { decision: true, exception_until: "2030-01-01T00:00:00Z" },
    ]) {
      const said = { escalation_id: "E3", text: "x", ...wrong };
      expect(codeOf(await fleet.asPerson("escalations_resolve", said))).toBe("input_invalid");
    }
  });

  test("a lead decides or grants an exception", async () => {
    await ask({ kind: "conflict", summary: "Both change src/a." });
    await claim("lea");
    const outputs = {
      answer: "Ada goes first.",
      resolution: "exception",
      exception_until: "2026-01-02T00:00:00Z",
    };
    await answer("lea", "T1", outputs);
    expect(await show()).toMatchObject({
      state: "resolved",
      resolved_by: "lea",
      resolved_how: "exception",
      exception_until: "2026-01-02T00:00:00.000Z",
    });
  });

  test("a person withdraws it, and its requester hears of it", async () => {
    await ask();
    const args = { escalation_id: "E1", reason: "It is clear now." };
    expect(bodyOf(await fleet.asPerson("escalations_withdraw", args))).toMatchObject({
      state: "withdrawn",
    });
    expect(await stateOf("T1")).toBe("cancelled");
    expect(await fleet.inbox("ada")).toMatchObject([{ subject: "E1" }]);
    expect(await ask({ escalation_id: "E1" })).toMatchObject({
      state: "withdrawn",
      next: "It was withdrawn: decide yourself or ask anew.",
    });
    expect(codeOf(await fleet.asPerson("escalations_withdraw", args))).toBe("state_conflict");
  });
});

test("settings that an older guvnor stored are read again, with what their profile says now", async () => {
  await fleet.write(async ({ tx }) => {
    const project = await tx.projects.get();
    const applied = await tx.policies.get(project?.policyHash ?? "");
    if (project === undefined || applied === undefined) throw new Error("nothing was applied");
    const { escalation: _, ...settings } = applied.settings;
    const old = { ...applied, hash: "old", settings: settings as typeof applied.settings };
    await tx.policies.insert(old);
    await tx.projects.save({ ...project, policyHash: "old" });
  });
  expect(await ask()).toMatchObject({ level: "L1", due_at: "2026-01-01T02:00:00.000Z" });
});

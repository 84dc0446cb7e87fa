import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { checkChain } from "../../src/core/audit-chain.ts";
import type { JsonObject } from "../../src/engine/call.ts";
import { policyOperations } from "../../src/engine/person/policy-operations.ts";
import { taskOperations } from "../../src/engine/person/task-operations.ts";
import { endProcess } from "../../src/engine/presence.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, codeOf, createFleet, type Fleet } from "../support/engine-harness.ts";

const OPERATIONS = [...TOOLS, ...taskOperations, ...policyOperations];
const GATED =
  "version: 1\ngates: { tests: { run: [npm, test] }, lint: { run: [npm, run, lint] } }\n";

let fleet: Fleet;

async function start(guvnorYaml?: string): Promise<void> {
  fleet = await createFleet({
    operations: OPERATIONS,
    ...(guvnorYaml === undefined ? {} : { guvnorYaml }),
  });
}

beforeEach(async () => await start());
afterEach(async () => await fleet.close());

async function plan(...tasks: (Record<string, unknown> & { key: string })[]): Promise<JsonObject> {
  const titled = tasks.map((task) => Object.assign({ title: `do ${task.key}` }, task));
  return await fleet.ok("lead", "submit_plan", { title: "plan", tasks: titled });
}

async function claim(agent: string, args: object = {}): Promise<string> {
  const { task } = await fleet.ok(agent, "request_task", args);
  return (task as { id: string } | undefined)?.id ?? "none";
}

async function done(agent: string, taskId: string, args: object = {}): Promise<JsonObject> {
  return await fleet.ok(agent, "report_progress", { task_id: taskId, status: "done", ...args });
}

async function stateOf(taskId: string): Promise<string> {
  return (await fleet.read(async (tx) => await tx.tasks.get(taskId)))?.state ?? "missing";
}

describe("claiming", () => {
  test("each task goes to one agent, in the order of its dependencies", async () => {
    await plan({ key: "a" }, { key: "b" }, { key: "c", after: ["a", "b"] });
    expect([await claim("ada"), await claim("bob"), await claim("cy")]).toEqual([
      "T1",
      "T2",
      "none",
    ]);
    await done("ada", "T1");
    expect(await claim("cy")).toBe("none");
    await done("bob", "T2");
    expect(await claim("cy")).toBe("T3");
  });

  test("an agent that holds a task gets it again, with the same fence", async () => {
    await plan({ key: "a" }, { key: "b" });
    const first = await fleet.ok("ada", "request_task");
    const again = await fleet.ok("ada", "request_task");
    expect(again["lease"]).toMatchObject({ fence: 1 });
    expect(again["task"]).toEqual(first["task"]);
  });

  test("priority comes first, then age, and why says so", async () => {
    await plan({ key: "low", priority: 10 });
    await fleet.advance(10 * 600_000);
    await plan({ key: "high", priority: 15 });
    const { task, why } = await fleet.ok("ada", "request_task");
    expect(task).toMatchObject({ id: "T1" });
    expect(why).toEqual({ priority: 10, age: 10, total: 20 });
  });

  test("a task that needs more than the agent can is not offered", async () => {
    await plan({ key: "a", needs: ["rust"] });
    expect(await fleet.ok("ada", "request_task")).toMatchObject({
      reason: "no_capability",
      missing_capabilities: ["rust"],
    });
    expect(await fleet.refusal("ada", "request_task", { task_id: "T1" })).toBe("not_eligible");
    await fleet.ok("ada", "register_agent", { capabilities: ["rust", "go"] });
    expect(await claim("ada")).toBe("T1");
  });

  test("more tasks are held only by name, and only up to the limit", async () => {
    await plan({ key: "a" }, { key: "b" }, { key: "c" }, { key: "d" });
    for (const id of ["T1", "T2", "T3"]) expect(await claim("ada", { task_id: id })).toBe(id);
    expect(await fleet.ok("ada", "request_task", { task_id: "T4" })).toMatchObject({
      reason: "limit",
    });
    expect(await fleet.refusal("bob", "request_task", { task_id: "T1" })).toBe("task_not_ready");
    expect(await fleet.refusal("bob", "request_task", { task_id: "T9" })).toBe("task_not_found");
  });

  test("a waiting call wakes when work appears, and makes one entry", async () => {
    const waiting = fleet.call("ada", "request_task", { wait_seconds: 25 });
    await fleet.advance(3000);
    await plan({ key: "a" });
    await fleet.advance(1);
    expect(bodyOf(await waiting)).toMatchObject({ task: { id: "T1" } });
    const entries = (await fleet.ledger()).filter((entry) => entry.action === "request_task");
    // The first one says that the agent was registered: that stands whatever the wait comes to.
    expect(entries.map((entry) => entry.decision)).toEqual(["system", "allow"]);
  });

  test("a wait ends with the reason, after saying on the way that it still waits", async () => {
    const said: number[] = [];
    const waiting = fleet.call(
      "ada",
      "request_task",
      { wait_seconds: 25 },
      { onWaiting: (waitedMs) => said.push(waitedMs) },
    );
    await fleet.advance(25_000);
    expect(bodyOf(await waiting)).toMatchObject({ reason: "nothing_ready" });
    expect(said).toHaveLength(2);
  });

  test("when everything is done the agent is told to end its turn", async () => {
    await plan({ key: "a" });
    await done("ada", await claim("ada"));
    expect(await fleet.ok("ada", "request_task")).toMatchObject({ reason: "plan_finished" });
    expect(await fleet.read(async (tx) => (await tx.plans.get("P1"))?.state)).toBe("done");
  });

  test("a grant that cannot be delivered is taken back, uncounted, under a new fence", async () => {
    await plan({ key: "a" });
    const answer = await fleet.call("ada", "request_task");
    await answer.takeBack?.();
    expect(await fleet.read(async (tx) => await tx.tasks.get("T1"))).toMatchObject({
      state: "ready",
      holder: null,
      lostLeases: 0,
      failures: 0,
    });
    const { lease } = await fleet.ok("bob", "request_task");
    expect(lease).toMatchObject({ fence: 2 });
    await answer.takeBack?.();
    expect(await stateOf("T1")).toBe("running");
  });
});

describe("reporting", () => {
  test("working, blocked and working again keep the lease", async () => {
    await plan({ key: "a" }, { key: "b" });
    await claim("ada");
    const report = { task_id: "T1" };
    const progress = { ...report, status: "working", percent: 40, note: "half" };
    expect(await fleet.ok("ada", "report_progress", progress)).toMatchObject({
      accepted: true,
      task: { state: "running", percent: 40 },
      lease: { fence: 1 },
    });
    const blocker = { kind: "question", text: "which?" };
    await fleet.ok("ada", "report_progress", { ...report, status: "blocked", blocker });
    expect(await claim("ada")).toBe("T2");
    expect(
      await fleet.ok("ada", "report_progress", { ...report, status: "working" }),
    ).toMatchObject({
      task: { state: "running" },
      lease: { fence: 1 },
    });
  });

  test("a late worker never overwrites a newer one's result", async () => {
    await plan({ key: "a" });
    await claim("ada");
    fleet.kill("ada");
    expect(await claim("bob")).toBe("T1");
    const late = { task_id: "T1", status: "done", fence: 1 };
    expect(await fleet.refusal("ada", "report_progress", late)).toBe("stale_lease");
    expect(await fleet.refusal("bob", "report_progress", late)).toBe("stale_lease");
    expect(await fleet.refusal("cy", "report_progress", { ...late, fence: 2 })).toBe("not_holder");
    expect(await stateOf("T1")).toBe("running");
  });

  test("a failed task waits 30 s and goes to another agent first; the third failure is final", async () => {
    await plan({ key: "a" }, { key: "b", after: ["a"], on_failure: "skip" });
    for (const [round, agent] of ["ada", "bob", "ada"].entries()) {
      expect(await claim(agent)).toBe("T1");
      await fleet.ok(agent, "report_progress", { task_id: "T1", status: "failed", note: "no" });
      if (round < 2) expect(await claim("cy")).toBe("none");
      await fleet.advance(90_000);
    }
    expect(await stateOf("T1")).toBe("failed");
    expect(await stateOf("T2")).toBe("pending");
    const asked = await fleet.read(async (tx) => await tx.escalations.list(["open"], 9));
    expect(asked).toMatchObject([{ taskId: "T1", raisedBy: "guvnor", detail: "no" }]);
  });

  test("what cannot be retried fails at once, and its dependents follow its on_failure", async () => {
    await plan(
      { key: "skip", on_failure: "skip" },
      { key: "cancel", on_failure: "cancel" },
      { key: "block" },
      { key: "after-skip", after: ["skip"] },
      { key: "after-cancel", after: ["cancel"] },
      { key: "far", after: ["after-cancel"] },
      { key: "after-block", after: ["block"] },
    );
    for (const id of ["T1", "T2", "T3"]) {
      await claim("ada", { task_id: id });
      const failure = { task_id: id, status: "failed", retryable: false };
      await fleet.ok("ada", "report_progress", failure);
    }
    const states = await Promise.all(["T4", "T5", "T6", "T7"].map(stateOf));
    expect(states).toEqual(["ready", "cancelled", "cancelled", "pending"]);
    const brief = await fleet.ok("bob", "request_task");
    expect(brief["task"]).toMatchObject({ id: "T4", after: [{ id: "T1", skipped: true }] });
  });

  test("a released task is ready at once and not counted", async () => {
    await plan({ key: "a" });
    await claim("ada");
    await fleet.ok("ada", "report_progress", { task_id: "T1", status: "released", note: "see x" });
    const { task } = await fleet.ok("bob", "request_task");
    expect(task).toMatchObject({ id: "T1", attempt: "T1/2", note_from_last_holder: "see x" });
    expect((await fleet.read(async (tx) => await tx.tasks.get("T1")))?.failures).toBe(0);
  });

  test("wanted outputs are missing until they are given", async () => {
    await plan({ key: "a", outputs_wanted: ["url", "report.md"] });
    await claim("ada");
    expect(await done("ada", "T1", { outputs: { url: "x" } })).toMatchObject({
      accepted: false,
      task: { state: "running" },
      missing: [{ gate: "outputs", evidence: expect.stringContaining("report.md") }],
    });
    const artifacts = [{ name: "report.md", path: "out/report.md" }];
    expect(await done("ada", "T1", { artifacts })).toMatchObject({
      accepted: true,
      task: { state: "done", verified: "unverified" },
    });
  });

  test("the holder of a cancelled task is told to stop", async () => {
    await plan({ key: "a" });
    await claim("ada");
    await fleet.asPerson("tasks_cancel", { task_id: "T1", reason: "not needed" });
    const report = { task_id: "T1", status: "working" };
    expect(await fleet.refusal("ada", "report_progress", report)).toBe("task_cancelled");
    expect(await fleet.inbox("ada")).toMatchObject([{ subject: "T1" }]);
  });

  test("a request repeated under its id is answered again and does nothing twice", async () => {
    await plan({ key: "a" }, { key: "b" });
    const first = await fleet.ok("ada", "request_task", { request_id: "r1" });
    await done("ada", "T1");
    expect(await fleet.ok("ada", "request_task", { request_id: "r1" })).toEqual(first);
    expect(await stateOf("T2")).toBe("ready");
    const other = { request_id: "r1", wait_seconds: 1 };
    expect(await fleet.refusal("ada", "request_task", other)).toBe("request_id_reused");
    const decisions = (await fleet.ledger()).map((entry) => entry.decision);
    expect(decisions).toContain("replayed");
  });
});

describe("presence", () => {
  test("a dead agent's task is ready for whoever asks", async () => {
    await plan({ key: "a" });
    await claim("ada");
    fleet.kill("ada");
    expect(await claim("bob")).toBe("T1");
    expect(await fleet.read(async (tx) => await tx.tasks.get("T1"))).toMatchObject({
      lostLeases: 1,
      fence: 2,
    });
    expect((await fleet.read(async (tx) => await tx.agents.get("ada")))?.state).toBe("offline");
  });

  test("the fifth lost lease makes a task poison", async () => {
    await plan({ key: "a" });
    for (let round = 1; round <= 5; round += 1) {
      expect(await claim(`agent-${round}`)).toBe("T1");
      fleet.kill(`agent-${round}`);
    }
    expect(await claim("bob")).toBe("none");
    expect(await stateOf("T1")).toBe("failed");
  });

  test("a stalled task goes to another agent that wants it, a working one does not", async () => {
    await plan({ key: "a" });
    await claim("ada");
    await fleet.advance(899_000);
    expect(await claim("bob")).toBe("none");
    await fleet.advance(2000);
    expect(await claim("bob")).toBe("T1");
    const late = { task_id: "T1", status: "working" };
    expect(await fleet.refusal("ada", "report_progress", late)).toBe("stale_lease");
  });

  test("a blocked task of a dead agent waits for its blocker, then is offered to the same agent first", async () => {
    await plan({ key: "a" });
    await claim("ada");
    await fleet.ok("ada", "report_progress", { task_id: "T1", status: "blocked" });
    fleet.kill("ada");
    expect(await claim("bob")).toBe("none");
    expect(await stateOf("T1")).toBe("blocked");
  });
});

describe("gates", () => {
  beforeEach(async () => {
    await fleet.close();
    await start(GATED);
  });

  test("done means that all gates passed", async () => {
    await plan({ key: "a" });
    await claim("ada");
    const waiting = fleet.call("ada", "report_progress", {
      task_id: "T1",
      status: "done",
      wait_seconds: 25,
    });
    await fleet.advance(1000);
    expect(await stateOf("T1")).toBe("review");
    await fleet.measureAll("bob");
    await fleet.advance(1000);
    expect(bodyOf(await waiting)).toMatchObject({ task: { state: "done", verified: "gates" } });
    expect(fleet.gates.measured.map((request) => request.gate.name)).toEqual(["tests", "lint"]);
  });

  test("a failed gate sends the work back to its holder with the evidence", async () => {
    await plan({ key: "a" });
    await claim("ada");
    fleet.gates.verdicts.set("tests", "fail");
    await done("ada", "T1");
    await fleet.measureAll("bob");
    const again = await fleet.ok("ada", "request_task");
    expect(again).toMatchObject({
      task: { id: "T1", attempt: "T1/1", missing: [{ gate: "tests" }] },
      lease: { fence: 1 },
      inbox: { counts: { task: 1 } },
    });
    fleet.gates.verdicts.clear();
    await done("ada", "T1");
    await fleet.measureAll("bob");
    expect(await stateOf("T1")).toBe("done");
  });

  test("a holder who took other work meanwhile leaves it ready, for itself first", async () => {
    await plan({ key: "a" }, { key: "b" });
    await claim("ada");
    fleet.gates.verdicts.set("lint", "fail");
    await done("ada", "T1");
    expect(await claim("ada")).toBe("T2");
    await fleet.measureAll("bob");
    expect(await stateOf("T1")).toBe("ready");
    await fleet.ok("ada", "report_progress", { task_id: "T2", status: "released" });
    const { task, lease } = await fleet.ok("ada", "request_task");
    expect(task).toMatchObject({ id: "T1", missing: [{ gate: "lint" }] });
    expect(lease).toMatchObject({ fence: 2 });
  });

  test("a holder that was taken for gone is not handed its work, whoever else revives its process", async () => {
    await plan({ key: "a" });
    const ada = await fleet.ok("one", "register_agent", { name: "ada" });
    const bob = await fleet.ok("one", "register_agent", { name: "bob" });
    const session = { session: ada["session"] };
    await claim("one", session);
    fleet.gates.verdicts.set("tests", "fail");
    await done("one", "T1", session);
    await fleet.write(async (ctx) => {
      const row = await ctx.tx.processes.get(fleet.deps("one").processId);
      if (row !== undefined) await endProcess(ctx, row, "silent");
    });
    await fleet.ok("one", "get_status", { session: bob["session"] });
    await fleet.measureAll("lead");
    expect(await stateOf("T1")).toBe("ready");
    expect(await claim("one", session)).toBe("T1");
  });

  test("what no gate could decide waits for a person, who accepts or sends back", async () => {
    await plan({ key: "a" }, { key: "b" });
    fleet.gates.verdicts.set("tests", "indeterminate");
    for (const id of ["T1", "T2"]) {
      await claim("ada", { task_id: id });
      await done("ada", id);
      await fleet.measureAll("ada");
      expect(await stateOf(id)).toBe("review");
    }
    await fleet.asPerson("tasks_accept", { task_id: "T1", reason: "looked at it" });
    expect(await fleet.read(async (tx) => await tx.tasks.get("T1"))).toMatchObject({
      state: "done",
      verifiedBy: "person",
    });
    await fleet.asPerson("tasks_send_back", { task_id: "T2", reason: "not like this" });
    expect(await stateOf("T2")).toBe("running");
    const open = await fleet.read(async (tx) => await tx.escalations.list(["open"], 9));
    expect(open).toEqual([]);
  });

  test("a person cannot decide what is still being measured, nor an agent decide at all", async () => {
    await plan({ key: "a" });
    await claim("ada");
    await done("ada", "T1");
    const decision = { task_id: "T1", reason: "yes" };
    expect(codeOf(await fleet.asPerson("tasks_accept", decision))).toBe("state_conflict");
    expect(await fleet.refusal("ada", "tasks_accept", decision)).toBe("person_required");
  });

  test("a gate that fails sends the work back even where another could not decide", async () => {
    await plan({ key: "a" });
    await claim("ada");
    fleet.gates.verdicts.set("tests", "fail").set("lint", "indeterminate");
    await done("ada", "T1");
    await fleet.measureAll("bob");
    expect(await stateOf("T1")).toBe("running");
  });

  test("a held-up task waits for the person, and being done closes what was asked", async () => {
    await plan({ key: "a", gates: ["tests"] });
    await claim("ada");
    fleet.gates.verdicts.set("tests", "fail");
    for (let round = 1; round <= 4; round += 1) {
      await done("ada", "T1");
      await fleet.measureAll("ada");
    }
    const report = { task_id: "T1", status: "done" };
    expect(await fleet.refusal("ada", "report_progress", report)).toBe("state_conflict");
    const open = await fleet.read(async (tx) => await tx.escalations.list(["open"], 9));
    expect(open).toHaveLength(1);
  });

  test("a gate run of a task that has gone on is not measured", async () => {
    await plan({ key: "a" });
    await claim("ada");
    await done("ada", "T1");
    await fleet.asPerson("tasks_cancel", { task_id: "T1", reason: "no" });
    expect(await fleet.measureAll("bob")).toBe(0);
    expect(fleet.gates.measured).toEqual([]);
  });

  test("a wait for gates ends when only a person can decide", async () => {
    await plan({ key: "a", gates: ["tests"] });
    await claim("ada");
    fleet.gates.verdicts.set("tests", "indeterminate");
    const waiting = fleet.call("ada", "report_progress", {
      task_id: "T1",
      status: "done",
      wait_seconds: 50,
    });
    await fleet.advance(1000);
    await fleet.measureAll("bob");
    await fleet.advance(1000);
    expect(bodyOf(await waiting)).toMatchObject({
      task: { state: "review" },
      next: expect.stringContaining("person"),
    });
  });

  test("a run whose process is gone is measured by another, in another workspace", async () => {
    await plan({ key: "a", gates: ["tests"] });
    await claim("ada");
    await done("ada", "T1");
    await fleet.write(async (ctx) => {
      const run = await ctx.tx.gateRuns.nextQueued();
      if (run === undefined) throw new Error("no run");
      const { processId } = fleet.deps("ada");
      await ctx.tx.gateRuns.save({ ...run, state: "running", processId, slot: 1, tries: 1 });
    });
    fleet.kill("ada");
    await claim("bob");
    expect(await fleet.measureAll("bob")).toBe(1);
    expect(fleet.gates.measured.map((request) => request.slot)).toEqual(["2"]);
    expect(await stateOf("T1")).toBe("done");
  });

  test("a result for work that went on meanwhile counts for nothing", async () => {
    await plan({ key: "a", gates: ["tests"] });
    await claim("ada");
    await done("ada", "T1");
    await fleet.asPerson("tasks_cancel", { task_id: "T1", reason: "no" });
    await fleet.asPerson("tasks_reopen", { task_id: "T1", reason: "yes" });
    await fleet.measureAll("bob");
    expect(await stateOf("T1")).toBe("ready");
  });

  test("the fourth round of review goes to a person", async () => {
    await plan({ key: "a", gates: ["tests"] });
    await claim("ada");
    fleet.gates.verdicts.set("tests", "fail");
    for (let round = 1; round <= 4; round += 1) {
      await done("ada", "T1");
      await fleet.measureAll("ada");
    }
    expect(await stateOf("T1")).toBe("blocked");
    const asked = await fleet.read(async (tx) => await tx.escalations.list(["open"], 9));
    expect(asked).toMatchObject([{ taskId: "T1", severity: "high" }]);
  });

  test("only a person may switch all gates off, and nobody names an unknown one", async () => {
    const tasks = [{ key: "a", title: "A", gates: [] }];
    const asked = { title: "p", tasks };
    expect(await fleet.refusal("ada", "submit_plan", asked)).toBe("person_required");
    expect(bodyOf(await fleet.asPerson("submit_plan", asked))).toMatchObject({ plan_id: "P1" });
    const unknown = { title: "p", tasks: [{ key: "a", title: "A", gates: ["nope"] }] };
    expect(await fleet.refusal("ada", "submit_plan", unknown)).toBe("gate_unknown");
    await claim("ada");
    expect(await done("ada", "T1")).toMatchObject({ task: { verified: "unverified" } });
  });
});

describe("plans", () => {
  test("one of which nothing was done is cancelled, not done", async () => {
    await plan({ key: "a" }, { key: "b" });
    await fleet.asPerson("tasks_cancel", { task_id: "T1", reason: "not wanted" });
    await fleet.asPerson("tasks_cancel", { task_id: "T2", reason: "not wanted" });
    expect(await fleet.read(async (tx) => (await tx.plans.get("P1"))?.state)).toBe("cancelled");
  });

  test("what goes into other tasks' briefs is bounded", async () => {
    await plan({ key: "a" });
    await claim("ada");
    const outputs = { log: "x".repeat(32_769) };
    const report = { task_id: "T1", status: "working", outputs };
    expect(await fleet.refusal("ada", "report_progress", report)).toBe("input_invalid");
  });

  test("a dry run analyses and saves nothing", async () => {
    const tasks = [
      { key: "a", title: "A", estimate_minutes: 10, needs: ["zig"] },
      { key: "b", title: "B", estimate_minutes: 20, after: ["a"] },
      { key: "c", title: "C", estimate_minutes: 25 },
    ];
    expect(
      await fleet.ok("ada", "submit_plan", { title: "p", tasks, dry_run: true }),
    ).toMatchObject({
      dry_run: true,
      analysis: {
        critical_path: ["a", "b"],
        critical_path_minutes: 30,
        total_minutes: 55,
        missing_capabilities: ["zig"],
      },
    });
    expect(await fleet.read(async (tx) => await tx.tasks.list({ limit: 9 }))).toEqual([]);
  });

  test("tasks added to a plan may wait for its keys and for ids of other plans", async () => {
    await plan({ key: "a" });
    await plan({ key: "x" });
    const added = await fleet.ok("ada", "submit_plan", {
      plan_id: "P1",
      tasks: [{ key: "b", title: "B", after: ["a", "T2"] }],
    });
    expect(added).toMatchObject({ plan_id: "P1", tasks: { b: "T3" } });
    expect(await fleet.read(async (tx) => await tx.tasks.dependenciesOf("T3"))).toEqual([
      "T1",
      "T2",
    ]);
    const again = { plan_id: "P1", tasks: [{ key: "a", title: "A" }] };
    expect(await fleet.refusal("ada", "submit_plan", again)).toBe("input_invalid");
  });

  test.each([
    { why: "a cycle", code: "dependency_cycle", tasks: [{ key: "a", after: ["a"] }] },
    { why: "an unknown key", code: "input_invalid", tasks: [{ key: "a", after: ["b"] }] },
    { why: "an unknown id", code: "input_invalid", tasks: [{ key: "a", after: ["T9"] }] },
    { why: "a doubled key", code: "input_invalid", tasks: [{ key: "a" }, { key: "a" }] },
    { why: "a key like an id", code: "input_invalid", tasks: [{ key: "T3" }] },
  ])("$why is refused as a whole: $code", async ({ tasks, code }) => {
    const titled = [
      { key: "fine", title: "x" },
      ...tasks.map((task) => Object.assign({ title: "x" }, task)),
    ];
    const answer = await fleet.refusal("ada", "submit_plan", { title: "p", tasks: titled });
    expect(answer).toBe(code);
    expect(await fleet.read(async (tx) => await tx.tasks.list({ limit: 9 }))).toEqual([]);
  });

  test("a plan needs a title, and integrating needs git", async () => {
    const tasks = [{ key: "a", title: "A" }];
    expect(await fleet.refusal("ada", "submit_plan", { tasks })).toBe("input_invalid");
    const integrating = { title: "p", tasks, integrate: true };
    expect(await fleet.refusal("ada", "submit_plan", integrating)).toBe("git_unavailable");
  });

  test("reopening a done task makes its waiting dependents wait again", async () => {
    await plan({ key: "a" }, { key: "b", after: ["a"] });
    await done("ada", await claim("ada"));
    expect(await stateOf("T2")).toBe("ready");
    await fleet.asPerson("tasks_reopen", { task_id: "T1", reason: "wrong" });
    expect([await stateOf("T1"), await stateOf("T2")]).toEqual(["ready", "pending"]);
    await done("ada", await claim("ada"));
    expect(await stateOf("T2")).toBe("ready");
  });
});

describe("what must not get stuck or lost", () => {
  test("a key and the id of the same task are one dependency", async () => {
    await plan({ key: "a" });
    const tasks = [{ key: "b", title: "B", after: ["a", "T1"] }];
    await fleet.ok("lead", "submit_plan", { plan_id: "P1", tasks });
    await done("ada", await claim("ada"));
    expect(await stateOf("T2")).toBe("ready");
  });

  test("a claim that was taken back is not answered again under its request_id", async () => {
    await plan({ key: "a" });
    const asked = { request_id: "r1" };
    const answer = await fleet.call("ada", "request_task", asked);
    await answer.takeBack?.();
    expect(await claim("bob")).toBe("T1");
    expect(await fleet.ok("ada", "request_task", asked)).toMatchObject({ reason: "nothing_ready" });
  });

  test("a task that waits only for its retry is no reason to send its agent away", async () => {
    await plan({ key: "a" }, { key: "b", needs: ["gpu"] });
    await claim("ada");
    await fleet.ok("ada", "report_progress", { task_id: "T1", status: "failed" });
    expect(await fleet.ok("ada", "request_task")).toMatchObject({
      reason: "nothing_ready",
      retry_after_seconds: expect.any(Number),
    });
  });

  test("where only a person can go on, the agent is told to end its turn", async () => {
    await plan({ key: "a" }, { key: "b", after: ["a"] });
    await claim("ada");
    await fleet.ok("ada", "report_progress", { task_id: "T1", status: "failed", retryable: false });
    expect(await fleet.ok("ada", "request_task")).toMatchObject({
      reason: "nothing_ready",
      waiting_on: [{ id: "T1", state: "failed" }],
      next: expect.stringContaining("end your turn"),
    });
  });

  test("a task blocked by another one goes on when that is done", async () => {
    await plan({ key: "a" }, { key: "b" });
    await claim("ada");
    const blocker = { kind: "task", text: "needs b", blocked_by: "T2" };
    await fleet.ok("ada", "report_progress", { task_id: "T1", status: "blocked", blocker });
    await done("bob", await claim("bob"));
    expect(await fleet.ok("ada", "request_task")).toMatchObject({ task: { id: "T1" } });
  });

  test("a blocked task whose holder leaves is put before a person, whose answer frees it", async () => {
    await plan({ key: "a" });
    await claim("ada");
    await fleet.ok("ada", "report_progress", { task_id: "T1", status: "blocked" });
    fleet.kill("ada");
    await claim("bob");
    const asked = await fleet.read(async (tx) => await tx.escalations.list(["open"], 9));
    expect(asked).toMatchObject([{ taskId: "T1", raisedBy: "guvnor" }]);
  });

  test("a dead agent's second task is not taken from under a cancelled first", async () => {
    await plan({ key: "a", on_failure: "cancel" }, { key: "b", after: ["a"] });
    for (let round = 1; round <= 4; round += 1) {
      await claim(`agent-${round}`, { task_id: "T1" });
      fleet.kill(`agent-${round}`);
      await claim("bob");
      await fleet
        .ok("bob", "report_progress", { task_id: "T1", status: "released" })
        .catch(() => {});
    }
    await done("bob", await claim("bob", { task_id: "T1" }));
    await claim("ada", { task_id: "T2" });
    await fleet.asPerson("tasks_reopen", { task_id: "T1", reason: "again" });
    await fleet.write(async (ctx) => {
      const task = await ctx.tx.tasks.get("T1");
      if (task !== undefined) await ctx.tx.tasks.save({ ...task, lostLeases: 4 });
    });
    await claim("ada", { task_id: "T1" });
    fleet.kill("ada");
    await claim("bob");
    expect([await stateOf("T1"), await stateOf("T2")]).toEqual(["failed", "cancelled"]);
  });

  test("a failed task is not taken by name before its time", async () => {
    await plan({ key: "a" });
    await claim("ada");
    await fleet.ok("ada", "report_progress", { task_id: "T1", status: "failed" });
    expect(await fleet.refusal("ada", "request_task", { task_id: "T1" })).toBe("task_not_ready");
  });

  test("what an agent tries of people's powers is recorded under its name", async () => {
    await fleet.refusal("ada", "tasks_cancel", { task_id: "T1", reason: "x" });
    expect((await fleet.ledger()).at(-1)).toMatchObject({
      actor: "ada",
      reason: "person_required",
    });
  });

  test.each(["guvnor", "person", "system", "unknown"])("no agent is called %s", async (name) => {
    expect(await fleet.refusal("ada", "register_agent", { name })).toBe("input_invalid");
  });
});

describe("who calls", () => {
  test("a second agent on a connection makes the session necessary", async () => {
    const ada = await fleet.ok("one", "register_agent", { name: "ada" });
    const bob = await fleet.ok("one", "register_agent", { name: "bob" });
    expect(await fleet.refusal("one", "request_task")).toBe("session_required");
    await plan({ key: "a" });
    expect(await claim("one", { session: bob["session"] })).toBe("T1");
    expect(await claim("one", { session: ada["session"] })).toBe("none");
    expect(await fleet.refusal("one", "request_task", { session: "x" })).toBe("session_unknown");
  });

  test("an agent that never registered gets its session when a second one makes it necessary", async () => {
    await plan({ key: "a" });
    expect(await claim("one")).toBe("T1");
    const bob = await fleet.ok("one", "register_agent", { name: "bob" });
    const { body } = await fleet.call("one", "report_progress", {
      task_id: "T1",
      status: "working",
    });
    expect(body).toMatchObject({
      code: "session_required",
      fix: expect.stringContaining('register_agent {"name":"one"}'),
    });
    const one = await fleet.ok("one", "register_agent", { name: "one" });
    expect(one).toMatchObject({ agent: "one", tasks: [{ id: "T1" }] });
    for (const { session } of [one, bob] as { session: string }[]) {
      await fleet.ok("one", "get_status", { session });
    }
    // Both have a session now: nobody can be taken for either.
    expect(await fleet.ok("one", "register_agent", { name: "one" })).toMatchObject({
      agent: "one-2",
    });
  });

  test("a name in use gets a suffix, an offline one is resumed", async () => {
    await fleet.ok("one", "register_agent", { name: "ada" });
    expect(await fleet.ok("two", "register_agent", { name: "ada" })).toMatchObject({
      agent: "ada-2",
    });
    fleet.kill("one");
    expect(await fleet.ok("three", "register_agent", { name: "ada" })).toMatchObject({
      agent: "ada",
    });
  });

  test("a session brings its agent and its task to another process", async () => {
    const { session } = await fleet.ok("one", "register_agent", { name: "ada" });
    await plan({ key: "a" });
    await claim("one");
    const again = await fleet.ok("two", "register_agent", { session });
    expect(again).toMatchObject({ agent: "ada", session, tasks: [{ id: "T1" }] });
    expect(await done("two", "T1", { session })).toMatchObject({ accepted: true });
    const other = { session, name: "bob" };
    expect(await fleet.refusal("three", "register_agent", other)).toBe("input_invalid");
  });

  test("the only agent of a connection registers again under its name", async () => {
    await fleet.ok("one", "register_agent", { name: "ada", capabilities: ["b", "a"] });
    expect(await fleet.ok("one", "register_agent", {})).toMatchObject({
      agent: "ada",
      capabilities: ["a", "b"],
    });
  });

  test.each(["Ada", "", "a b", "../x", "-a", "a".repeat(65), "ａｄａ"])(
    "%j is no agent name",
    async (name) => {
      expect(await fleet.refusal("one", "register_agent", { name })).toBe("input_invalid");
    },
  );
});

describe("status", () => {
  test("me shows the whole inbox and acknowledges it", async () => {
    await plan({ key: "a" });
    await claim("ada");
    await fleet.asPerson("tasks_cancel", { task_id: "T1", reason: "because" });
    expect(await fleet.ok("ada", "get_status")).toMatchObject({
      scope: "me",
      messages: [{ from: "person:pat", subject: "T1" }],
    });
    expect(await fleet.ok("ada", "get_status", { scope: "me" })).not.toHaveProperty("messages");
  });

  test("lists show twenty rows and where the next ones begin", async () => {
    await plan(...Array.from({ length: 45 }, (_, index) => ({ key: `k${index}` })));
    const first = await fleet.ok("ada", "get_status", { scope: "plan" });
    expect(first["tasks"]).toHaveLength(20);
    expect(first).toMatchObject({ cursor: "T20", counts: { ready: 45 } });
    const third = await fleet.ok("ada", "get_status", { scope: "project", cursor: "T40" });
    expect(third["tasks"]).toHaveLength(5);
    expect(third).not.toHaveProperty("cursor");
    const agents = await fleet.ok("ada", "get_status", { scope: "agents" });
    expect(agents["agents"]).toMatchObject([{ id: "ada" }, { id: "lead" }]);
  });

  test("a task shows its attempts and gate runs", async () => {
    await plan({ key: "a" });
    await done("ada", await claim("ada"));
    expect(await fleet.ok("bob", "get_status", { scope: "task", id: "T1" })).toMatchObject({
      task: {
        state: "done",
        verified: "unverified",
        attempts: [{ agent: "ada", outcome: "done" }],
      },
    });
    expect(await fleet.refusal("bob", "get_status", { scope: "task" })).toBe("task_not_found");
    expect(await fleet.refusal("bob", "get_status", { scope: "plan", id: "P9" })).toBe(
      "plan_not_found",
    );
  });
});

describe("the ledger", () => {
  test("has one entry for each call, refused ones too, in one chain", async () => {
    await plan({ key: "a" });
    await claim("ada");
    await fleet.refusal("ada", "request_task", { nope: 1 });
    await fleet.refusal("ada", "no_such_tool");
    await fleet.refusal("ada", "report_progress", { task_id: "T9", status: "done" });
    const entries = await fleet.ledger();
    expect(entries.slice(1).map((entry) => [entry.action, entry.decision, entry.reason])).toEqual([
      ["submit_plan", "allow", null],
      ["request_task", "allow", null],
      ["request_task", "refuse", "input_invalid"],
      ["no_such_tool", "refuse", "tool_unknown"],
      ["report_progress", "refuse", "task_not_found"],
    ]);
    const rows = await fleet.read(async (tx) => await tx.audit.list(1, 100));
    expect(checkChain(rows)).toMatchObject({ ok: true, checked: entries.length });
  });

  test("a handler that breaks undoes its writes, keeps the entry and answers with an id", async () => {
    const broken = {
      ...TOOLS[0],
      name: "break",
      input: OPERATIONS[0]?.input,
      class: "write",
      handle: async (ctx: { tx: { tasks: { insert: (task: never) => Promise<void> } } }) => {
        await ctx.tx.tasks.insert({} as never);
        return { answer: {} };
      },
    };
    await fleet.close();
    const silenced = console.error;
    console.error = () => undefined;
    try {
      fleet = await createFleet({ operations: [...OPERATIONS, broken as never] });
      const answer = await fleet.call("ada", "break");
      expect(answer).toMatchObject({ isError: true, body: { code: "internal" } });
      expect(JSON.stringify(answer.body)).not.toContain("    at ");
      expect((await fleet.ledger()).at(-1)).toMatchObject({ decision: "error", action: "break" });
    } finally {
      console.error = silenced;
    }
  });
});

test("settings are applied by people, kept by hash, and inert while invalid", async () => {
  const apply = async (source: string): Promise<JsonObject> =>
    (await fleet.asPerson("policy_apply", { source, file: "guvnor.yaml" })).body;
  expect(await apply(GATED)).toMatchObject({ applied: true, gates: ["tests", "lint"] });
  expect(await apply(GATED)).toMatchObject({ applied: false, changed: false });
  expect(await apply("version: 1\ngates: { tests: { rum: [x] } }\n")).toMatchObject({
    code: "config_invalid",
    message: expect.stringContaining("guvnor.yaml:2:"),
  });
  expect(await fleet.ok("ada", "register_agent")).toMatchObject({ gates: ["tests", "lint"] });
  expect(await fleet.refusal("ada", "policy_apply", { source: GATED, file: "x" })).toBe(
    "person_required",
  );
});

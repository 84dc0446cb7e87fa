import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { stateFor } from "../../src/core/agent.ts";
import { agentOperations } from "../../src/engine/person/agent-operations.ts";
import { approvalOperations } from "../../src/engine/person/approval-operations.ts";
import { escalationOperations } from "../../src/engine/person/escalation-operations.ts";
import { stopOperations } from "../../src/engine/person/stop-operations.ts";
import { taskOperations } from "../../src/engine/person/task-operations.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, createFleet, type Fleet } from "../support/engine-harness.ts";

const SETTINGS = `version: 1
gates: { tests: { run: [npm, test] } }
policy:
  rules:
    - { id: ask, on: [report_progress], when: 'task.kind == "deploy" && input.status == "done"', effect: require_approval, reason: r }
breakers: { agent: { min_calls: 1, error_ratio: 0.5, window: 10m, open_for: 1m, max_open: 1m, probes: 1 } }
`;

let fleet: Fleet;

beforeEach(async () => {
  fleet = await createFleet({
    operations: [
      ...TOOLS,
      ...agentOperations,
      ...approvalOperations,
      ...escalationOperations,
      ...stopOperations,
      ...taskOperations,
    ],
    guvnorYaml: SETTINGS,
  });
  await fleet.ok("ada", "register_agent", {});
});

afterEach(async () => {
  await fleet.close();
});

/** As get_status shows it to ada and to others; both must say the same. */
async function stateOf(): Promise<unknown> {
  const { agents } = await fleet.ok("bob", "get_status", { scope: "agents" });
  const row = (agents as { id: string; state: string }[]).find(({ id }) => id === "ada");
  const own = await fleet.call("ada", "get_status", { scope: "me" });
  if (!own.isError) expect(own.body["state"]).toBe(row?.state);
  return row?.state;
}

async function submit(...tasks: object[]): Promise<void> {
  const rows = tasks.map((task, index) =>
    Object.assign({ key: `k${index}`, title: `Task ${index}` }, task),
  );
  await fleet.asPerson("submit_plan", { title: "p", tasks: rows });
}

async function report(taskId: string, said: object): Promise<void> {
  await fleet.ok("ada", "report_progress", { task_id: taskId, ...said });
}

const BLOCKED = { status: "blocked", blocker: { kind: "question", text: "Which?" } };

describe("an agent", () => {
  test("goes through all states that its work brings", async () => {
    await submit({});
    expect(await stateOf()).toBe("idle");
    await fleet.ok("ada", "request_task");
    expect(await stateOf()).toBe("analyzing");
    await report("T1", { status: "working" });
    expect(await stateOf()).toBe("executing");
    await report("T1", BLOCKED);
    expect(await stateOf()).toBe("blocked");
    const question = { kind: "policy", summary: "Which?", task_id: "T1", wait_seconds: 50 };
    const waiting = fleet.ok("ada", "request_escalation", question);
    await fleet.advance(0);
    expect(await stateOf()).toBe("blocked");
    await fleet.asPerson("escalations_resolve", { escalation_id: "E1", text: "The left one." });
    await fleet.advance(0);
    expect(await waiting).toMatchObject({ state: "resolved" });
    expect(await stateOf()).toBe("executing");
    await report("T1", { status: "done" });
    expect(await stateOf()).toBe("handoff");
    fleet.gates.verdicts.set("tests", "fail");
    await fleet.measureAll("bob");
    expect(await stateOf()).toBe("executing");
    fleet.gates.verdicts.set("tests", "pass");
    await report("T1", { status: "done" });
    await fleet.measureAll("bob");
    expect(await stateOf()).toBe("idle");
  });

  test("is at what it runs, then at what holds it up, then at what is measured", async () => {
    await submit({}, {}, {});
    await fleet.ok("ada", "request_task");
    await report("T1", BLOCKED);
    await fleet.ok("ada", "request_task");
    expect(await stateOf()).toBe("analyzing");
    await report("T1", { status: "released" });
    expect(await stateOf()).toBe("analyzing");
    await report("T2", { status: "working" });
    await fleet.ok("ada", "request_task", { task_id: "T1" });
    await report("T1", BLOCKED);
    await report("T2", { status: "working" });
    expect(await stateOf()).toBe("executing");
    await report("T2", { status: "done" });
    expect(await stateOf()).toBe("blocked");
    await report("T1", { status: "released" });
    expect(await stateOf()).toBe("handoff");
    await fleet.measureAll("bob");
    expect(await stateOf()).toBe("idle");
  });

  test("goes on when what it waited for is done, approved, or taken from it", async () => {
    await submit({ kind: "deploy" }, {});
    await fleet.ok("ada", "request_task");
    await fleet.refusal("ada", "report_progress", { task_id: "T1", status: "done" });
    expect(await stateOf()).toBe("blocked");
    await fleet.asPerson("approvals_grant", { approval_id: "A1" });
    expect(await stateOf()).toBe("executing");
    await report("T1", { ...BLOCKED, blocker: { kind: "task", text: "t", blocked_by: "T2" } });
    await fleet.ok("bob", "request_task");
    await fleet.ok("bob", "report_progress", { task_id: "T2", status: "done" });
    await fleet.measureAll("bob");
    expect(await stateOf()).toBe("executing");
    await fleet.asPerson("tasks_cancel", { task_id: "T1", reason: "r" });
    expect(await stateOf()).toBe("idle");
  });

  test("that leaves is offline, and comes back to what waits for it", async () => {
    await submit({});
    await fleet.ok("ada", "request_task");
    await report("T1", BLOCKED);
    fleet.kill("ada");
    await fleet.ok("bob", "request_task");
    const { agents } = await fleet.ok("bob", "get_status", { scope: "agents" });
    expect(agents).toMatchObject([{ id: "ada", state: "offline" }, {}]);
    await fleet.ok("ada", "register_agent", { name: "ada" });
    expect(await stateOf()).toBe("blocked");
  });

  test("that is held back is quarantined, one without its token revoked", async () => {
    await submit({}, {});
    await fleet.ok("ada", "request_task");
    await fleet.asPerson("stop", { agent: "ada", reason: "r" });
    expect(await stateOf()).toBe("quarantined");
    await fleet.asPerson("resume", { agent: "ada" });
    expect(await stateOf()).toBe("analyzing");
    await report("T1", { status: "failed" });
    await fleet.ok("ada", "request_task");
    await report("T2", { status: "failed" });
    expect(await stateOf()).toBe("quarantined");
    await fleet.advance(90_000);
    expect(await stateOf()).toBe("idle");
    await fleet.asPerson("agents_revoke", { agent: "ada", reason: "r" });
    expect(await stateOf()).toBe("revoked");
    expect(bodyOf(await fleet.asPerson("agents_list"))).toMatchObject({
      agents: [{ name: "ada", state: "revoked" }, {}],
    });
  });
});

test.each([
  ["idle", [], "idle"],
  ["executing", [], "idle"],
  ["analyzing", ["running", "blocked"], "analyzing"],
  ["idle", ["running"], "executing"],
  ["executing", ["review", "blocked"], "blocked"],
  ["executing", ["review"], "handoff"],
] as const)("from %s, holding %j: %s", (current, held, state) => {
  expect(
    stateFor(
      current,
      held.map((each) => ({ state: each })),
    ),
  ).toBe(state);
});

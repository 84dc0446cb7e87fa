import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { JsonObject } from "../../../src/engine/call.ts";
import type { GitPort } from "../../../src/engine/ports.ts";
import { type Fleet, issuerFor } from "../../support/engine-harness.ts";
import {
  agentNamed,
  asPerson,
  claimed,
  expectSoundLedger,
  planTasks,
  report,
  rulesFleet,
  taskNamed,
} from "../../support/rules-fleet.ts";

const DEPLOY = `
policy:
  rules:
    - id: prod
      on: [report_progress]
      when: task.kind == "deploy" && input.status == "done"
      effect: require_approval
      reason: deploys are confirmed
`;
const TWO = DEPLOY.replace(
  "effect: require_approval",
  "effect: require_approval\n      approvers: { role: security, count: 2 }",
).concat("roles: { operator: [pat], security: [sam, sue, kim] }\n");

let fleet: Fleet;
/** What every name resolves to, and what lies about uncommitted. */
let refs: Record<string, string> = {};
let uncommitted: readonly string[] = [];

const git = {
  workingTree: async () =>
    await Promise.resolve({ head: refs["HEAD"], branch: undefined, uncommitted }),
  resolveCommit: async (revision: string) => await Promise.resolve(refs[revision]),
  lastChangeMs: async () => await Promise.resolve(undefined),
} as unknown as GitPort;

async function start(yaml: string, options: object = {}): Promise<void> {
  fleet = await rulesFleet(yaml, { git, ...options });
  await planTasks(fleet, 2, { kind: "deploy" });
}

beforeEach(async () => {
  refs = { HEAD: "c1", main: "c1" };
  uncommitted = [];
  await start(DEPLOY);
});
afterEach(async () => {
  await expectSoundLedger(fleet);
  await fleet.close();
});

async function done(agent: string, args: object = {}): Promise<JsonObject> {
  return await report(fleet, agent, "T1", { status: "done", ...args });
}

async function grant(id: string, person = "pat"): Promise<JsonObject> {
  return (await fleet.asPerson("approvals_grant", { approval_id: id }, person)).body;
}

async function approval(id: string): Promise<string | undefined> {
  return (await fleet.read(async (tx) => await tx.approvals.get(id)))?.approval.state;
}

function idOf({ details }: JsonObject): unknown {
  return (details as { approval_id?: string } | undefined)?.approval_id;
}

describe("a call that needs a person", () => {
  test("is held back, its task is blocked, and the agent may take other work", async () => {
    await claimed(fleet, "ada");
    expect(await done("ada")).toMatchObject({
      code: "approval_required",
      details: { approval_id: "A1" },
    });
    expect(await taskNamed(fleet, "T1")).toMatchObject({
      state: "blocked",
      holder: "ada",
      blocker: { kind: "approval", blockedBy: "A1" },
    });
    expect((await fleet.ok("ada", "get_status"))["next"]).toBe(
      'T1 waits for A1: a person must say yes. Call request_task {"wait_seconds":25} for other work.',
    );
    expect(await claimed(fleet, "ada")).toBe("T2");
    expect((await fleet.ok("ada", "get_status"))["next"]).toBe(
      "T1 waits for A1: a person must say yes. Go on with T2; request_task gives its brief again.",
    );
    expect(
      (await fleet.ledger()).find(({ reason }) => reason === "approval_required"),
    ).toMatchObject({ decision: "deny", rule: "prod", approval: "A1", actor: "ada" });
    expect(await asPerson(fleet, "approvals_show", { approval_id: "A1" })).toMatchObject({
      approval: { state: "requested", task: "T1", arguments: { status: "done", commit: "c1" } },
    });
  });

  test("runs once it is granted, once only, and the entry names the approval", async () => {
    await claimed(fleet, "ada");
    await done("ada");
    await grant("A1");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running", holder: "ada" });
    expect((await fleet.inbox("ada")).at(-1)?.text).toContain("A1 is granted");
    expect(await done("ada")).toMatchObject({ accepted: true, task: { state: "done" } });
    expect(await approval("A1")).toBe("used");
    expect((await fleet.ledger()).at(-1)).toMatchObject({ rule: "prod", approval: "A1" });
    await asPerson(fleet, "tasks_reopen", { task_id: "T1", reason: "again" });
    await claimed(fleet, "ada", { task_id: "T1" });
    expect(idOf(await done("ada"))).toBe("A2");
  });

  test("asked again makes no second request, and time makes nothing of the first", async () => {
    await claimed(fleet, "ada");
    expect(idOf(await done("ada"))).toBe("A1");
    await fleet.advance(400 * 86_400_000);
    await fleet.tick();
    expect(idOf(await done("ada"))).toBe("A1");
    expect(await approval("A1")).toBe("requested");
  });

  test("runs with the stored arguments, but for the lease", async () => {
    await claimed(fleet, "ada");
    await done("ada", { note: "as approved", outputs: { a: 1 }, fence: 1 });
    await grant("A1");
    await done("ada", { note: "something else", outputs: { a: 2 }, fence: 1 });
    expect(await fleet.read(async (tx) => await tx.tasks.get("T1"))).toMatchObject({
      note: "as approved",
      outputs: { a: 1 },
    });
  });

  test("keeps no session with what is stored", async () => {
    const { session } = await fleet.ok("ada", "register_agent", { name: "ada" });
    await claimed(fleet, "ada");
    await done("ada", { session });
    const stored = await fleet.read(async (tx) => await tx.approvals.get("A1"));
    expect(JSON.stringify(stored)).not.toContain(session);
  });

  test("another commit does not ride on a grant, whatever name it goes by", async () => {
    await claimed(fleet, "ada");
    await done("ada", { commit: "main" });
    await grant("A1");
    refs = { HEAD: "c2", main: "c2" };
    expect(idOf(await done("ada", { commit: "main" }))).toBe("A2");
    expect(idOf(await done("ada"))).toBe("A2");
    expect(await approval("A1")).toBe("granted");
    refs = { HEAD: "c2", main: "c2", other: "c1" };
    // The very commit that was approved, under another name, is the same action.
    expect(await done("ada", { commit: "other" })).toMatchObject({ accepted: true });
    expect(await fleet.read(async (tx) => (await tx.tasks.get("T1"))?.commit)).toBe("c1");
  });

  test("that is refused after all does not use the grant up", async () => {
    await claimed(fleet, "ada");
    await done("ada");
    await grant("A1");
    expect(await done("ada", { fence: 9 })).toMatchObject({ code: "stale_lease" });
    uncommitted = ["left.txt"];
    expect(await done("ada")).toMatchObject({ accepted: false });
    expect(await approval("A1")).toBe("granted");
    uncommitted = [];
    expect(await done("ada")).toMatchObject({ accepted: true });
  });

  test("finds the grant expired after a day, and asks anew", async () => {
    await claimed(fleet, "ada");
    await done("ada");
    await grant("A1");
    await fleet.advance(24 * 3_600_000);
    expect(idOf(await done("ada"))).toBe("A2");
    await fleet.tick();
    expect(await approval("A1")).toBe("expired");
  });

  test("is not asked about where it would be refused all the same", async () => {
    await claimed(fleet, "ada");
    expect(await done("bob")).toMatchObject({ code: "not_holder" });
    expect(await done("ada", { fence: 9 })).toMatchObject({ code: "stale_lease" });
    expect(await fleet.read(async (tx) => await tx.approvals.list(undefined, 10))).toEqual([]);
    expect(await done("ada")).toMatchObject({ code: "approval_required" });
  });

  test("is not asked about any more once its task is over", async () => {
    await claimed(fleet, "ada");
    await done("ada");
    await asPerson(fleet, "tasks_cancel", { task_id: "T1", reason: "not wanted" });
    expect(await approval("A1")).toBe("withdrawn");
    expect(await grant("A1")).toMatchObject({ code: "state_conflict" });
  });
});

describe("who says yes", () => {
  test("needs the role, two different people are two, and an agent is nobody", async () => {
    await fleet.close();
    await start(TWO);
    await claimed(fleet, "ada");
    await done("ada");
    expect(await grant("A1", "pat")).toMatchObject({
      code: "person_required",
      message:
        "A1 needs somebody with the role security. You are pat; the role security has sam, sue, kim.",
      details: { problem: "lacks_role", role: "security", you: "pat" },
    });
    expect(
      (await fleet.asPerson("approvals_refuse", { approval_id: "A1" }, "pat")).body,
    ).toMatchObject({ details: { problem: "lacks_role" } });
    expect(await grant("A1", "sam")).toMatchObject({ approval: { state: "requested" } });
    expect(await grant("A1", "sam")).toMatchObject({ code: "state_conflict" });
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "blocked" });
    expect(idOf(await done("ada"))).toBe("A1");
    expect(await fleet.refusal("ada", "approvals_grant", { approval_id: "A1" })).toBe(
      "person_required",
    );
    expect(await grant("A1", "sue")).toMatchObject({
      approval: { state: "granted", granted_by: ["person:sam", "person:sue"] },
    });
    expect(await done("ada")).toMatchObject({ accepted: true });
    expect(await grant("A9", "sue")).toMatchObject({ code: "approval_not_found" });
  });

  test("can be nobody: a role that guvnor.yaml gives to nobody", async () => {
    await fleet.close();
    await start(
      DEPLOY.replace("require_approval", "require_approval\n      approvers: { role: admin }"),
    );
    await claimed(fleet, "ada");
    await done("ada");
    const { message, fix } = await grant("A1", "pat");
    expect(message).toBe(
      "A1 needs somebody with the role admin. You are pat; nobody has the role admin.",
    );
    expect(fix).toContain("List people under roles");
  });

  test("one no is enough, whoever said yes; the task goes on and the agent is told why", async () => {
    await fleet.close();
    await start(TWO);
    await claimed(fleet, "ada");
    await done("ada");
    await grant("A1", "sam");
    await asPerson(fleet, "approvals_refuse", { approval_id: "A1", reason: "not today" }, "kim");
    expect(await approval("A1")).toBe("refused");
    expect(await grant("A1", "sue")).toMatchObject({ code: "state_conflict" });
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running", holder: "ada" });
    expect((await fleet.inbox("ada")).at(-1)?.text).toContain("not today");
    expect(idOf(await done("ada"))).toBe("A2");
  });

  test("a smaller yes under older rules does not count for stricter ones", async () => {
    await claimed(fleet, "ada");
    await done("ada");
    await grant("A1");
    await asPerson(fleet, "policy_apply", { source: `version: 1\n${TWO}`, file: "guvnor.yaml" });
    expect(idOf(await done("ada"))).toBe("A2");
  });

  test("several rules are several approvals, and all are needed", async () => {
    await fleet.close();
    await start(
      `${DEPLOY}    - { id: also, on: [report_progress], when: input.status == "done", effect: require_approval, reason: always }\n`,
    );
    await claimed(fleet, "ada");
    expect(await done("ada")).toMatchObject({ details: { approvals: ["A1", "A2"] } });
    await grant("A1");
    expect(await done("ada")).toMatchObject({ code: "approval_required" });
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "blocked" });
    await grant("A2");
    expect(await done("ada")).toMatchObject({ accepted: true });
    expect([await approval("A1"), await approval("A2")]).toEqual(["used", "used"]);
  });
});

describe("with credentials, where principals are known", () => {
  let secrets: Record<string, string> = {};
  beforeEach(async () => {
    await fleet.close();
    secrets = {};
    await start(DEPLOY, {
      issuerOf: (name: string) => issuerFor(secrets[name]),
    });
    for (const [process, name] of [
      ["ada", "pat"],
      ["bob", "sue"],
      ["cy", "kim"],
    ] as const) {
      secrets[process] = String((await asPerson(fleet, "tokens_enrol", { name }))["credential"]);
    }
  });

  test("an enrolment names who answers for its agents; without it everybody may approve what they ask", async () => {
    for (const [process, given] of [
      ["ada", { name: "laptop", principal: "pat" }],
      ["bob", { name: "tower" }],
    ] as const) {
      secrets[process] = String((await asPerson(fleet, "tokens_enrol", given))["credential"]);
    }
    await claimed(fleet, "ada", { task_id: "T1" });
    await done("ada");
    expect(await grant("A1", "pat")).toMatchObject({ details: { problem: "is_party" } });
    await claimed(fleet, "bob", { task_id: "T2" });
    expect(idOf(await report(fleet, "bob", "T2", "done"))).toBe("A2");
    expect(await grant("A2", "pat")).toMatchObject({ approval: { state: "granted" } });
  });

  test("whoever answers for the agent does not approve what it asks, before or after it registers again", async () => {
    await claimed(fleet, "ada");
    await fleet.ok("ada", "register_agent", { name: "ada" });
    expect(await agentNamed(fleet, "ada")).toMatchObject({ principal: "pat" });
    await done("ada");
    expect(await grant("A1", "pat")).toMatchObject({
      code: "person_required",
      details: { problem: "is_party" },
    });
    expect(await grant("A1", "sue")).toMatchObject({ approval: { state: "granted" } });
    expect((await fleet.ledger()).findLast(({ actor }) => actor === "ada")?.principal).toBe("pat");
  });

  test("nor does who answers for one that worked on the task before", async () => {
    await claimed(fleet, "bob");
    await report(fleet, "bob", "T1", "released");
    await claimed(fleet, "ada", { task_id: "T1" });
    await done("ada");
    expect(await grant("A1", "sue")).toMatchObject({ details: { problem: "is_party" } });
    expect(await grant("A1", "kim")).toMatchObject({ approval: { state: "granted" } });
  });

  test("nor does an agent take over a grant that its own principal gave to another", async () => {
    await claimed(fleet, "ada");
    await done("ada");
    await grant("A1", "sue");
    await asPerson(fleet, "agents_revoke", { agent: "ada", reason: "gone" });
    expect(await claimed(fleet, "bob", { task_id: "T1" })).toBe("T1");
    expect(idOf(await done("bob"))).toBe("A2");
    await report(fleet, "bob", "T1", "released");
    expect(await claimed(fleet, "cy", { task_id: "T1" })).toBe("T1");
    expect(await done("cy")).toMatchObject({ accepted: true });
  });
});

async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await fleet.advance(1000);
    await fleet.tick();
  }
}

describe("when the agent is gone", () => {
  test("the grant hangs on the task: its next holder reports the very same result", async () => {
    await fleet.ok("bob", "get_status");
    await claimed(fleet, "ada");
    await done("ada", { fence: 1, note: "by ada" });
    fleet.kill("ada");
    await pass(5);
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "blocked", holder: "ada" });
    await grant("A1");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready", holder: null });
    const attempts = await fleet.read(async (tx) => await tx.attempts.listRunning());
    expect(attempts).toEqual([]);
    await fleet.advance(60_000);
    expect(await claimed(fleet, "bob", { task_id: "T1" })).toBe("T1");
    expect(await done("bob", { fence: 2 })).toMatchObject({
      accepted: true,
      task: { state: "done" },
    });
    expect(await approval("A1")).toBe("used");
    expect((await fleet.ledger()).at(-1)).toMatchObject({ actor: "bob", approval: "A1" });
  });

  test("a request hangs on it too, and nobody else than the holder can use either", async () => {
    await claimed(fleet, "ada");
    await done("ada");
    await asPerson(fleet, "agents_revoke", { agent: "ada", reason: "gone" });
    await claimed(fleet, "bob", { task_id: "T1" });
    expect(idOf(await done("bob"))).toBe("A1");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "blocked", holder: "bob" });
    await grant("A1");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running", holder: "bob" });
    expect(await done("cy")).toMatchObject({ code: "not_holder" });
    expect(await approval("A1")).toBe("granted");
    expect(await done("bob")).toMatchObject({ accepted: true });
  });

  test("another result of the next holder needs another yes", async () => {
    await claimed(fleet, "ada");
    await done("ada");
    await grant("A1");
    await asPerson(fleet, "agents_revoke", { agent: "ada", reason: "gone" });
    await claimed(fleet, "bob", { task_id: "T1" });
    refs = { HEAD: "c9" };
    expect(idOf(await done("bob"))).toBe("A2");
  });
});

describe("claims that a person must approve", () => {
  const ASKED = `
policy:
  rules:
    - { id: kind, on: [request_task], when: task.kind == "deploy", effect: require_approval, reason: deploys are given out by people }
    - { id: never, on: [request_task], when: task.kind == "secret", effect: deny, severity: low, reason: not for agents }
`;

  test("are not handed out by chance; an agent without other work is told to ask", async () => {
    await fleet.close();
    await start(ASKED);
    await planTasks(fleet, 1, { kind: "code" });
    expect(await claimed(fleet, "ada")).toBe("T3");
    expect(await fleet.ok("bob", "request_task")).toMatchObject({
      reason: "nothing_ready",
      needs_approval: ["T1", "T2"],
      next: expect.stringContaining('request_task {"task_id":"T1"}') as unknown,
    });
    expect(await fleet.refusal("bob", "request_task", { task_id: "T1" })).toBe("approval_required");
    expect(await fleet.ok("bob", "request_task")).toMatchObject({
      needs_approval: ["T1", "T2"],
      next: expect.stringContaining('request_task {"task_id":"T2"}') as unknown,
    });
    expect(await fleet.refusal("bob", "request_task", { task_id: "T2" })).toBe("approval_required");
    const none = await fleet.ok("bob", "request_task");
    expect(none).not.toHaveProperty("needs_approval");
    await grant("A1");
    expect(await claimed(fleet, "bob", { task_id: "T1" })).toBe("T1");
  });

  test("do not stand in the way of what is further down, however many there are", async () => {
    await fleet.close();
    await start(ASKED);
    await planTasks(fleet, 40, { kind: "secret", priority: 90 });
    await planTasks(fleet, 1, { kind: "code", priority: 1 });
    expect(await claimed(fleet, "ada")).toBe("T43");
  });
});

import { afterEach, describe, expect, test } from "vitest";

import type { Fleet } from "../../support/engine-harness.ts";
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

/** Four verified tasks rise, three failures fall; limits and breakers are not what is tested here. */
const TIERS = `
gates: { tests: { run: [npm, test] } }
tiers:
  promote: { verified: 4, tasks: 2 }
  demote: { violations: 3, failures: 3, within: 1d }
breakers: { agent: null }
limits: [{ id: errors, of: agent, metric: errors, max: 1000, per: 1m }]
`;
const DAY_MS = 86_400_000;

let fleet: Fleet;

async function start(yaml: string): Promise<void> {
  fleet = await rulesFleet(yaml);
  for (const agent of ["lead", "ada", "bob"]) await fleet.ok(agent, "get_status");
}

afterEach(async () => {
  await expectSoundLedger(fleet);
  await fleet.close();
});

async function tier(agent: string, to?: string): Promise<string> {
  if (to !== undefined) await asPerson(fleet, "agents_tier", { agent, tier: to });
  return (await agentNamed(fleet, agent)).tier;
}

async function finish(agent: string, status = "done"): Promise<void> {
  const id = String(await claimed(fleet, agent));
  await report(fleet, agent, id, status);
  await fleet.measureAll(agent);
}

describe("what a tier may", () => {
  test("T0 reads, T1 writes too, T2 coordinates; registering is everybody's", async () => {
    await start(TIERS);
    await planTasks(fleet, 1);
    await tier("ada", "T0");
    expect(await fleet.refusal("ada", "request_task")).toBe("policy_denied");
    expect(await fleet.refusal("ada", "submit_plan", plan())).toBe("policy_denied");
    await fleet.ok("ada", "read_board");
    await fleet.ok("ada", "register_agent", { name: "ada" });
    await tier("ada", "T1");
    expect(await claimed(fleet, "ada")).toBe("T1");
    expect(await fleet.refusal("ada", "submit_plan", plan())).toBe("policy_denied");
    await tier("ada", "T2");
    await fleet.ok("ada", "submit_plan", plan());
    const denied = (await fleet.ledger()).filter(({ decision }) => decision === "deny");
    expect(denied.map(({ rule }) => rule)).toEqual(["tier:T0", "tier:T0", "tier:T1"]);
  });

  test("in strict new agents start at T0 and rise by people only", async () => {
    await start("profile: strict\n");
    expect(await tier("ada")).toBe("T0");
    expect(await fleet.refusal("ada", "request_task")).toBe("policy_denied");
    expect(await tier("ada", "T1")).toBe("T1");
    expect(await claimed(fleet, "ada")).toBe("nothing_ready");
    expect(await fleet.refusal("ada", "agents_tier", { agent: "ada", tier: "T2" })).toBe(
      "person_required",
    );
  });
});

function plan(): object {
  return { title: "p", tasks: [{ key: "x", title: "x" }] };
}

describe("promotion", () => {
  test("comes from work that gates verified on tasks of others", async () => {
    await start(TIERS);
    await planTasks(fleet, 4);
    await tier("ada", "T1");
    for (let task = 0; task < 3; task += 1) await finish("ada");
    expect(await tier("ada")).toBe("T1");
    await finish("ada");
    expect(await tier("ada")).toBe("T2");
    const change = (await fleet.ledger())
      .flatMap(({ effects }) => effects)
      .findLast(({ event }) => event === "tier");
    expect(change).toMatchObject({ id: "ada", from: "T1", to: "T2", why: "verified_outcomes" });
  });

  test("does not come from calls, unverified work, tasks of one's own, or what a person waved through", async () => {
    await start(TIERS);
    await tier("ada", "T1");
    for (let call = 0; call < 50; call += 1) await fleet.ok("ada", "get_status");
    await planTasks(fleet, 5, { gates: ["tests"] });
    fleet.gates.verdicts.set("tests", "indeterminate");
    for (let task = 0; task < 5; task += 1) {
      const id = String(await claimed(fleet, "ada"));
      await report(fleet, "ada", id, "done");
      await fleet.measureAll("ada");
      await asPerson(fleet, "tasks_accept", { task_id: id, reason: "fine" });
    }
    fleet.gates.verdicts.set("tests", "pass");
    await fleet.ok("lead", "get_status");
    await tier("ada", "T2");
    await planTasks(fleet, 8, {}, "ada");
    await tier("ada", "T1");
    for (let task = 0; task < 8; task += 1) await finish("ada");
    expect(await tier("ada")).toBe("T1");
  });

  test("does not come from tasks that a sibling on the same connection made", async () => {
    await start(TIERS);
    await tier("ada", "T1");
    const { session } = await fleet.ok("ada", "register_agent", { name: "boss" });
    const { session: own } = await fleet.ok("ada", "register_agent", { name: "mule" });
    await tier("mule", "T1");
    await fleet.ok("ada", "submit_plan", {
      session,
      title: "made up",
      tasks: Array.from({ length: 8 }, (_, key) => ({ key: `k${key}`, title: "x" })),
    });
    for (let task = 1; task <= 8; task += 1) {
      await fleet.ok("ada", "request_task", { session: own });
      await fleet.ok("ada", "report_progress", {
        session: own,
        task_id: `T${task}`,
        status: "done",
      });
      await fleet.measureAll("ada");
    }
    expect(await taskNamed(fleet, "T8")).toMatchObject({ state: "done", verifiedBy: "gates" });
    expect(await tier("mule")).toBe("T1");
  });

  test("does not come without gates at all", async () => {
    await start(TIERS.replace("gates: { tests: { run: [npm, test] } }", ""));
    await tier("ada", "T1");
    await planTasks(fleet, 6);
    for (let task = 0; task < 6; task += 1) await finish("ada");
    expect(await tier("ada")).toBe("T1");
  });

  test("is barred by a violation while it weighs: within the time of demote", async () => {
    await start(
      `${TIERS}policy: { rules: [{ id: r, on: [read_board], effect: deny, severity: low, reason: no }] }\n`,
    );
    await tier("ada", "T1");
    await fleet.refusal("ada", "read_board");
    await fleet.advance(DAY_MS / 2);
    await planTasks(fleet, 10);
    for (let task = 0; task < 5; task += 1) await finish("ada");
    expect(await tier("ada")).toBe("T1");
    await fleet.advance(2 * DAY_MS);
    await finish("ada");
    expect(await tier("ada")).toBe("T2");
  });

  test("does not happen to a frozen agent, and starts over when it is thawed", async () => {
    await start(TIERS);
    await tier("ada", "T1");
    await asPerson(fleet, "agents_tier", { agent: "ada", freeze: true });
    await planTasks(fleet, 9);
    for (let task = 0; task < 5; task += 1) await finish("ada");
    expect(await tier("ada")).toBe("T1");
    expect(await asPerson(fleet, "agents_list")).toMatchObject({
      agents: [{ name: "ada", frozen_by: "person:pat", tier: "T1" }, {}, {}],
    });
    await asPerson(fleet, "agents_tier", { agent: "ada", thaw: true });
    for (let task = 0; task < 3; task += 1) await finish("ada");
    expect(await tier("ada")).toBe("T1");
    await finish("ada");
    expect(await tier("ada")).toBe("T2");
  });
});

describe("demotion", () => {
  test("follows failures, one step, and a rise has to wait for a day", async () => {
    await start(TIERS);
    await planTasks(fleet, 12);
    for (let task = 0; task < 3; task += 1) await finish("ada", "failed");
    expect(await tier("ada")).toBe("T1");
    for (let task = 0; task < 5; task += 1) await finish("ada");
    expect(await tier("ada")).toBe("T1");
    await fleet.advance(DAY_MS);
    await finish("ada");
    expect(await tier("ada")).toBe("T2");
  });

  test("follows violations that add up, a grave one at once", async () => {
    const rules = `policy:
  rules:
    - { id: small, on: [read_board], effect: deny, severity: low, reason: no }
    - { id: grave, on: [open_topic], effect: deny, severity: high, reason: no }
`;
    await start(TIERS + rules);
    for (let time = 0; time < 2; time += 1) await fleet.refusal("ada", "read_board");
    expect(await tier("ada")).toBe("T2");
    await fleet.refusal("ada", "read_board");
    expect(await tier("ada")).toBe("T1");
    await fleet.refusal("bob", "open_topic", { title: "t", problem: "p" });
    expect(await tier("bob")).toBe("T1");
  });

  test("is left to people where the settings say so, however grave it was", async () => {
    await start(
      `${TIERS.replace(/demote: .*/, "demote: null")}policy: { rules: [{ id: r, on: [read_board], effect: deny, severity: high, reason: no }] }\n`,
    );
    for (let time = 0; time < 10; time += 1) await fleet.refusal("ada", "read_board");
    await planTasks(fleet, 12);
    for (let task = 0; task < 12; task += 1) await finish("ada", "failed");
    expect(await tier("ada")).toBe("T2");
  });

  test("to where an agent may not report any more gives its tasks to others, uncounted", async () => {
    await start(
      `${TIERS}policy: { rules: [{ id: r, on: [read_board], effect: deny, severity: high, reason: no }] }\n`,
    );
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await fleet.refusal("ada", "read_board");
    expect(await tier("ada")).toBe("T1");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ holder: "ada" });
    await fleet.refusal("ada", "read_board");
    expect(await tier("ada")).toBe("T0");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready", lostLeases: 0 });
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "idle" });
  });
});

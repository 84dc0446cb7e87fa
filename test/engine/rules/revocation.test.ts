import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { codeOf, type Fleet, issuerFor } from "../../support/engine-harness.ts";
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

let fleet: Fleet;

beforeEach(async () => {
  fleet = await rulesFleet("profile: standard\ngates: { tests: { run: [npm, test] } }\n");
});
afterEach(async () => {
  await expectSoundLedger(fleet);
  await fleet.close();
});

async function start(yaml: string, options: object = {}): Promise<void> {
  await fleet.close();
  fleet = await rulesFleet(yaml, options);
}

async function revoke(agent: string): Promise<void> {
  await asPerson(fleet, "agents_revoke", { agent, reason: "enough" });
}

async function register(process: string, name: string): Promise<string> {
  return String((await fleet.ok(process, "register_agent", { name }))["session"]);
}

async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await fleet.advance(1000);
    await fleet.tick();
  }
}

describe("an agent that is revoked", () => {
  test("loses its tasks at once, uncounted, under a new fence, and is refused everything", async () => {
    await planTasks(fleet, 3);
    await claimed(fleet, "ada", { task_id: "T1" });
    await report(fleet, "ada", "T1", "blocked");
    await claimed(fleet, "ada", { task_id: "T2" });
    const waiting = fleet.call("bob", "request_task", { task_id: "T3" });
    await waiting;
    await revoke("ada");
    for (const id of ["T1", "T2"]) {
      expect(await taskNamed(fleet, id)).toMatchObject({
        state: "ready",
        holder: null,
        lostLeases: 0,
        failures: 0,
      });
    }
    for (const tool of ["request_task", "get_status", "read_board", "register_agent"]) {
      expect(await fleet.refusal("ada", tool)).toBe("agent_revoked");
    }
    expect(await report(fleet, "ada", "T2", "done")).toMatchObject({ code: "agent_revoked" });
    expect(await claimed(fleet, "cy", { task_id: "T2" })).toBe("T2");
    expect(await fleet.read(async (tx) => (await tx.tasks.get("T2"))?.fence)).toBe(2);
  });

  test("that waits is told at once", async () => {
    const waiting = fleet.call("ada", "request_task", { wait_seconds: 50 });
    await fleet.advance(1000);
    await revoke("ada");
    await fleet.advance(1);
    expect(codeOf(await waiting)).toBe("agent_revoked");
  });

  test("stays so when what it handed in is measured, whatever the gates say", async () => {
    await planTasks(fleet, 2);
    for (const [agent, verdict] of [
      ["ada", "pass"],
      ["bob", "fail"],
    ] as const) {
      const id = await claimed(fleet, agent);
      await report(fleet, agent, String(id), "done");
      await revoke(agent);
      fleet.gates.verdicts.set("tests", verdict);
      await fleet.measureAll(agent);
      expect(await agentNamed(fleet, agent)).toMatchObject({ state: "revoked" });
      expect(await fleet.refusal(agent, "get_status")).toBe("agent_revoked");
    }
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "done" });
    // What must be mended is not given back to somebody who may not call.
    expect(await taskNamed(fleet, "T2")).toMatchObject({ state: "ready", holder: null });
  });

  test("does not come back under another name on the same connection", async () => {
    await fleet.ok("ada", "get_status");
    await revoke("ada");
    for (const name of ["ada", "ada-2", "eve"]) {
      expect(await fleet.refusal("ada", "register_agent", { name })).toBe("agent_revoked");
    }
    const agents = await fleet.read(async (tx) => await tx.agents.list());
    expect(agents.map(({ name }) => name)).toEqual(["ada"]);
  });

  test("does not come back with a restart under its name, with its session or without", async () => {
    const session = await register("ada", "ada");
    await revoke("ada");
    fleet.kill("ada");
    await pass(5);
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "revoked" });
    expect(await fleet.refusal("ada", "register_agent", { name: "ada" })).toBe("agent_revoked");
    expect(await fleet.refusal("ada", "register_agent", { session })).toBe("agent_revoked");
    expect(await fleet.refusal("ada", "get_status", { session })).toBe("agent_revoked");
    expect(await fleet.refusal("ada", "get_status")).toBe("agent_revoked");
  });

  test("leaves the other agents of its connection alone, which can register again with their sessions", async () => {
    const ada = await register("host", "ada");
    const bob = await register("host", "bob");
    await planTasks(fleet, 2);
    await claimed(fleet, "host", { session: ada });
    await claimed(fleet, "host", { session: bob });
    await revoke("ada");
    expect(await fleet.refusal("host", "get_status", { session: ada })).toBe("agent_revoked");
    expect(await fleet.ok("host", "get_status", { session: bob })).toMatchObject({ agent: "bob" });
    expect(await fleet.ok("host", "register_agent", { session: bob })).toMatchObject({
      agent: "bob",
      tasks: [{ id: "T2" }],
    });
    // Nobody else gets in by this connection: it might be the one that was revoked.
    expect(await fleet.refusal("host", "register_agent", { name: "cy" })).toBe("agent_revoked");
    expect(await taskNamed(fleet, "T2")).toMatchObject({ state: "running", holder: "bob" });
  });

  test("is let in again by a person, with nothing of what it held", async () => {
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await revoke("ada");
    expect(codeOf(await fleet.asPerson("agents_restore", { agent: "bob" }))).toBe("agent_unknown");
    await asPerson(fleet, "agents_restore", { agent: "ada" });
    expect(codeOf(await fleet.asPerson("agents_restore", { agent: "ada" }))).toBe("state_conflict");
    expect(await fleet.ok("ada", "get_status")).toMatchObject({ agent: "ada", state: "idle" });
    expect(await report(fleet, "ada", "T1", "done")).toMatchObject({ code: "stale_lease" });
    expect(await claimed(fleet, "ada")).toBe("T1");
    expect(await fleet.inbox("ada")).toEqual([]);
  });
});

/** A rule about boards, with what it does and how grave that is. */
function boardRule(effect: string, severity: string): string {
  return `policy: { rules: [{ id: r, on: [read_board], effect: ${effect}, severity: ${severity}, reason: hands off }] }\n`;
}

describe("violations", () => {
  test("that are critical revoke the agent in standard, and in strict all of its connection", async () => {
    for (const [profile, tells] of [
      ["standard", "idle"],
      ["strict", "revoked"],
    ]) {
      await start(`profile: ${profile}\n${boardRule("deny", "critical")}`);
      const ada = await register("host", "ada");
      const bob = await register("host", "bob");
      await fleet.ok("far", "get_status");
      expect(await fleet.refusal("host", "read_board", { session: ada })).toBe("policy_denied");
      expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "revoked" });
      expect(await agentNamed(fleet, "bob")).toMatchObject({ state: tells });
      expect(await agentNamed(fleet, "far")).toMatchObject({ state: "idle" });
      const after = await fleet.call("host", "get_status", { session: bob });
      expect(after.isError).toBe(tells === "revoked");
      await expectSoundLedger(fleet);
    }
  });

  test("that are critical take the credential with them, and every agent that goes by it", async () => {
    let secret = "";
    await start(`profile: strict\n${boardRule("deny", "critical")}`, {
      issuerOf: (name: string) => issuerFor(name.startsWith("e") ? secret : undefined),
    });
    secret = String((await asPerson(fleet, "tokens_enrol", { name: "team" }))["credential"]);
    for (const agent of ["eve", "emil", "ada"]) await fleet.ok(agent, "get_status");
    await fleet.refusal("eve", "read_board");
    expect(await agentNamed(fleet, "emil")).toMatchObject({ state: "revoked" });
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "idle" });
    expect(await fleet.refusal("else", "get_status")).toBe("token_invalid");
  });

  test("that only warn are recorded and let the call go on, unless they cost the token", async () => {
    await start(boardRule("warn", "low"));
    await fleet.ok("ada", "read_board");
    expect(await asPerson(fleet, "violations_list", { agent: "ada" })).toMatchObject({
      violations: [{ id: "V1", rule: "r", action: "recorded", severity: "low" }],
    });
    await start(boardRule("warn", "critical").replace("read_board", "request_task"));
    await planTasks(fleet, 1);
    expect(await fleet.refusal("ada", "request_task")).toBe("agent_revoked");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready" });
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "revoked" });
  });

  test.each([
    ["profile: open\n", "denied", []],
    ["profile: standard\n", "revoked", ["ada"]],
    ["profile: strict\n", "revoked", ["ada", "bob"]],
    ["violations: { critical: stop }\n", "stopped", []],
  ])("under %j say what was done: %s", async (settings, action, revoked) => {
    await start(`${settings}${boardRule("deny", "critical")}`);
    const session = await register("host", "ada");
    await register("host", "bob");
    await fleet.refusal("host", "read_board", { session });
    expect(await asPerson(fleet, "violations_list")).toMatchObject({
      violations: [{ agent: "ada", severity: "critical", action }],
    });
    const effects = (await fleet.ledger()).flatMap((entry) => entry.effects);
    expect(effects.find(({ type }) => type === "violation")).toMatchObject({ action });
    const agents = await fleet.read(async (tx) => await tx.agents.list());
    const out = agents.filter(({ state }) => state === "revoked").map(({ name }) => name);
    expect(out).toEqual(revoked);
  });

  test("can stop the project where the settings say so", async () => {
    await start(`${boardRule("deny", "high")}violations: { high: stop }\n`);
    await fleet.refusal("ada", "read_board");
    expect(await claimed(fleet, "bob")).toBe("stopped");
    expect(await asPerson(fleet, "stops_list")).toMatchObject({ stops: [{ by: "guvnor" }] });
  });

  test("by rules on trial are noted and change nothing", async () => {
    await start(boardRule("deny", "critical").replace("id: r,", "id: r, mode: shadow,"));
    await fleet.ok("ada", "read_board");
    const last = (await fleet.ledger()).at(-1);
    expect(last?.effects).toContainEqual({
      type: "policy",
      id: "r",
      event: "shadow",
      effect: "deny",
    });
    expect(await asPerson(fleet, "violations_list")).toEqual({ violations: [] });
  });
});

describe("a stall in strict", () => {
  beforeEach(async () => {
    await start("profile: strict\n");
    const ada = await register("host", "ada");
    const bob = await register("host", "bob");
    await fleet.ok("lead", "get_status");
    for (const agent of ["ada", "bob", "lead"]) {
      await asPerson(fleet, "agents_tier", { agent, tier: "T2" });
    }
    await planTasks(fleet, 2);
    await claimed(fleet, "host", { session: ada });
    await claimed(fleet, "host", { session: bob });
    sessions = { ada, bob };
  });
  let sessions = { ada: "", bob: "" };

  test("of 60 s revokes that agent and no other one of its connection", async () => {
    for (let time = 0; time < 7; time += 1) {
      await fleet.ok("host", "get_status", { session: sessions.bob });
      await pass(10);
    }
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "revoked" });
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready", lostLeases: 0 });
    expect(await agentNamed(fleet, "bob")).not.toMatchObject({ state: "revoked" });
    expect(await taskNamed(fleet, "T2")).toMatchObject({ holder: "bob" });
  });

  test("is none while a call waits, or while everything is stopped", async () => {
    const questions = { kind: "question", summary: "why?", session: sessions.ada };
    await fleet.ok("host", "request_escalation", questions);
    await asPerson(fleet, "stop", { reason: "pause" });
    await pass(300);
    await asPerson(fleet, "resume");
    await pass(50);
    expect(await agentNamed(fleet, "ada")).not.toMatchObject({ state: "revoked" });
    await pass(20);
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "revoked" });
  });
});

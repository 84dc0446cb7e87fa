import { afterEach, describe, expect, test } from "vitest";

import { agentOperations } from "../../src/engine/person/agent-operations.ts";
import { approvalOperations } from "../../src/engine/person/approval-operations.ts";
import { policyOperations } from "../../src/engine/person/policy-operations.ts";
import { stopOperations } from "../../src/engine/person/stop-operations.ts";
import { tokenOperations } from "../../src/engine/person/token-operations.ts";
import type { GlobalStop } from "../../src/engine/ports.ts";
import { TOOLS } from "../../src/tools/index.ts";
import {
  bodyOf,
  codeOf,
  createFleet,
  type Fleet,
  type FleetOptions,
  issuerFor,
} from "../support/engine-harness.ts";

const OPERATIONS = [
  ...TOOLS,
  ...agentOperations,
  ...approvalOperations,
  ...policyOperations,
  ...stopOperations,
  ...tokenOperations,
];

let fleet: Fleet;

async function open(options: Partial<FleetOptions> = {}): Promise<void> {
  fleet = await createFleet({ operations: OPERATIONS, ...options });
}

/** Processes that start from now on come with this credential. */
async function enrol(asked: object): Promise<void> {
  let secret: string | undefined;
  await open({ issuerOf: () => issuerFor(secret) });
  const answer = bodyOf(await fleet.asPerson("tokens_enrol", { name: "laptop", ...asked }));
  secret = String(answer["credential"]);
}

async function claim(): Promise<unknown> {
  return (await fleet.ok("ada", "request_task"))["reason"];
}

afterEach(async () => {
  await fleet.close();
});

describe("putting settings in force", () => {
  const BROKEN = `version: 1
policy: { rules: [{ id: bad, on: [vote], when: "task.knd == 'x'", effect: deny, reason: no }] }
`;

  test("refuses a rule that cannot be compiled, and goes on with what was in force", async () => {
    await open();
    const asked = { source: BROKEN, file: "guvnor.yaml" };
    const refused = await fleet.asPerson("policy_apply", asked);
    expect(codeOf(refused)).toBe("config_invalid");
    expect(refused.body["message"]).toContain("guvnor.yaml:2:");
    expect(await fleet.ok("ada", "get_status")).toMatchObject({ agent: "ada" });
    expect(bodyOf(await fleet.asPerson("stops_list"))).toEqual({ stops: [] });
  });

  test("makes no project on a rule that cannot be compiled", async () => {
    await expect(open({ guvnorYaml: BROKEN })).rejects.toThrow("knd");
    await open();
  });
});

describe("an enrolment", () => {
  test("for one agent is good for no other", async () => {
    await enrol({ agent: "bob" });
    expect(await fleet.ok("bob", "get_status")).toMatchObject({ agent: "bob" });
    expect(await fleet.refusal("ada", "get_status")).toBe("token_invalid");
    expect(await fleet.refusal("ada", "register_agent", { name: "ada" })).toBe("token_invalid");
  });

  test("for some tools refuses the others from the first call on, but lets its agent register", async () => {
    await enrol({ tools: ["request_*"] });
    expect(await fleet.refusal("ada", "get_status")).toBe("token_invalid");
    await fleet.ok("bob", "register_agent", { name: "bob" });
    await fleet.ok("bob", "register_agent", { name: "bob" });
    await fleet.ok("bob", "request_task");
    expect(await fleet.refusal("bob", "get_status")).toBe("token_invalid");
  });

  test("is a ceiling for the tier, whatever else lifts the agent", async () => {
    await enrol({ tier: "T1" });
    expect(await fleet.ok("ada", "register_agent", { name: "ada" })).toMatchObject({ tier: "T1" });
    const topic = { title: "t", problem: "p" };
    expect(await fleet.refusal("ada", "open_topic", topic)).toBe("policy_denied");
    await fleet.asPerson("agents_tier", { agent: "ada", tier: "T2" });
    expect(await fleet.refusal("ada", "open_topic", topic)).toBe("policy_denied");
    await fleet.asPerson("agents_tier", { agent: "ada", tier: "T0" });
    expect(await fleet.refusal("ada", "request_task")).toBe("policy_denied");
  });

  test("revoked ends its agents at their next call, and the name stays known", async () => {
    await enrol({});
    await fleet.ok("ada", "get_status");
    const revoked = { name: "laptop", reason: "lost" };
    expect(bodyOf(await fleet.asPerson("tokens_revoke", revoked))).toMatchObject({
      agents: ["ada"],
    });
    expect(await fleet.refusal("ada", "get_status")).toBe("agent_revoked");
    expect(await fleet.refusal("bob", "get_status")).toBe("token_invalid");
    expect(codeOf(await fleet.asPerson("tokens_enrol", { name: "laptop" }))).toBe("state_conflict");
  });
});

describe("what is said for all projects", () => {
  const KEY = "k".repeat(64);
  let said: GlobalStop | undefined;

  function say(state: GlobalStop["state"], more: Partial<GlobalStop> = {}): void {
    const keyHash = state === "resumed" ? KEY : null;
    said = { state, reason: "fire", by: "person:pat", atMs: fleet.clock.now(), keyHash, ...more };
  }

  async function openStopped(): Promise<void> {
    said = undefined;
    await open({ globalStop: () => said, operatorKeyHash: KEY });
    say("stopped");
    expect(await claim()).toBe("stopped");
  }

  test("stops and resumes", async () => {
    await openStopped();
    await fleet.advance(1000);
    say("resumed");
    expect(await claim()).toBe("nothing_ready");
  });

  test("holds on when the file vanishes", async () => {
    await openStopped();
    said = undefined;
    expect(await claim()).toBe("stopped");
  });

  test("is not resumed by what was said before it: an old file that was put back", async () => {
    await openStopped();
    say("resumed", { atMs: fleet.clock.now() - 1 });
    expect(await claim()).toBe("stopped");
    const entries = (await fleet.ledger()).length;
    await fleet.tick();
    await fleet.tick();
    expect((await fleet.ledger()).length).toBe(entries);
  });

  test("is not resumed by another key than the project's", async () => {
    await openStopped();
    await fleet.advance(1000);
    say("resumed", { keyHash: "x".repeat(64) });
    expect(await claim()).toBe("stopped");
  });
});

test("what a person says with a yes reaches the agent that asked", async () => {
  await open({
    guvnorYaml: `version: 1
policy: { rules: [{ id: ask, on: [open_topic], effect: require_approval, reason: ask first }] }
`,
  });
  const topic = { title: "t", problem: "p" };
  expect(await fleet.refusal("ada", "open_topic", topic)).toBe("approval_required");
  const granted = { approval_id: "A1", reason: "only this once" };
  expect(bodyOf(await fleet.asPerson("approvals_grant", granted))).toMatchObject({
    approval: { state: "granted", reason: "only this once" },
  });
  expect(JSON.stringify(await fleet.inbox("ada"))).toContain("only this once");
  expect(await fleet.ok("ada", "open_topic", topic)).toMatchObject({ topic_id: "B1" });
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { JsonObject } from "../../../src/engine/call.ts";
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

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

let fleet: Fleet;
let secrets: Record<string, string> = {};

beforeEach(async () => {
  secrets = {};
  fleet = await rulesFleet("profile: standard\n", {
    issuerOf: (name: string) => issuerFor(secrets[name.split("-")[0] ?? ""]),
  });
});
afterEach(async () => {
  await expectSoundLedger(fleet);
  await fleet.close();
});

async function tokenEvents(): Promise<unknown[]> {
  return (await fleet.ledger())
    .flatMap(({ effects }) => effects)
    .filter(({ type }) => type === "token")
    .map(({ event }) => event);
}

/** A credential for the process of that name, and for those called NAME-2 … */
async function enrol(name: string, given: object = {}): Promise<void> {
  const { credential } = await asPerson(fleet, "tokens_enrol", { name, ...given });
  secrets[name] = String(credential);
}

async function problem(process: string, tool = "get_status", args = {}): Promise<unknown> {
  const { body } = await fleet.call(process, tool, args);
  return (body["details"] as JsonObject | undefined)?.["problem"] ?? body["code"] ?? "ok";
}

describe("an agent's token", () => {
  test("is issued with its first call, renewed after half an hour of use, and replaced after two quiet hours", async () => {
    await fleet.ok("ada", "get_status");
    await fleet.advance(29 * MINUTE_MS);
    await fleet.ok("ada", "get_status");
    expect(await tokenEvents()).toEqual(["issued"]);
    await fleet.advance(MINUTE_MS);
    await fleet.ok("ada", "get_status");
    expect(await tokenEvents()).toEqual(["issued", "renewed"]);
    const before = (await agentNamed(fleet, "ada")).tokenHash;
    await fleet.advance(2 * HOUR_MS);
    await fleet.ok("ada", "get_status");
    expect(await tokenEvents()).toEqual(["issued", "renewed", "issued"]);
    expect((await agentNamed(fleet, "ada")).tokenHash).not.toBe(before);
  });

  test("is stored as a hash, and is over with its process", async () => {
    await fleet.ok("ada", "get_status");
    const { tokenHash } = await agentNamed(fleet, "ada");
    expect(tokenHash).toMatch(/^[0-9a-f]{64}$/);
    fleet.kill("ada");
    await fleet.ok("ada", "get_status");
    const old = await fleet.read(async (tx) => await tx.tokens.get(tokenHash ?? ""));
    expect(old?.token.revokedWhy).toBe("its process ended (gone)");
    expect((await agentNamed(fleet, "ada")).tokenHash).not.toBe(tokenHash);
  });

  test("that was revoked is not replaced, even when its time is over too", async () => {
    await fleet.ok("ada", "get_status");
    const { tokenHash } = await agentNamed(fleet, "ada");
    await fleet.write(async ({ tx, nowMs }) => {
      const named = await tx.tokens.get(tokenHash ?? "");
      if (named === undefined) throw new Error("there is no token");
      await tx.tokens.save({ ...named, token: { ...named.token, revokedAtMs: nowMs } });
    });
    expect(await problem("ada")).toBe("revoked");
    await fleet.advance(3 * HOUR_MS);
    expect(await problem("ada")).toBe("revoked");
    expect(await problem("ada", "register_agent", { name: "ada" })).toBe("revoked");
  });
});

describe("a credential in GUVNOR_TOKEN", () => {
  test("is needed where one is named: an unknown one lets nobody in", async () => {
    secrets["ada"] = "guessed";
    expect(await problem("ada")).toBe("unknown");
    expect(await problem("ada", "register_agent", { name: "ada" })).toBe("unknown");
    expect(await fleet.refusal("ada", "request_task")).toBe("token_invalid");
  });

  test("limits the tools from the very first call on, and after quiet hours", async () => {
    await enrol("watch", { tools: ["get_*", "register_agent"] });
    expect(await problem("watch", "request_task")).toBe("tool_not_allowed");
    expect(await problem("watch", "get_status")).toBe("ok");
    expect(await problem("watch", "request_task")).toBe("tool_not_allowed");
    await fleet.advance(3 * HOUR_MS);
    expect(await problem("watch", "request_task")).toBe("tool_not_allowed");
  });

  test("that leaves a tool out says so, and sends nobody for a new one", async () => {
    await enrol("watch", { tools: ["get_*"] });
    await fleet.ok("watch", "get_status");
    const { body } = await fleet.call("watch", "request_task");
    expect(body).toMatchObject({
      code: "token_invalid",
      message:
        "Your token does not let you call request_task: the person who made it bound it to other tools.",
    });
    expect(body["fix"]).toContain("Do something else");
    expect(body["fix"]).not.toContain("tokens enrol");
  });

  test("is listed with who answers for its agents; their tokens with what they hang on", async () => {
    await enrol("team", { principal: "Pat" });
    await enrol("own");
    for (const process of ["team", "own", "ada"]) await fleet.ok(process, "get_status");
    const { tokens } = await asPerson(fleet, "tokens_list");
    const rows = (tokens as JsonObject[]).map(({ kind, name, agent, from, principal }) => [
      kind,
      name ?? agent,
      from,
      principal,
    ]);
    expect(new Set(rows)).toEqual(
      new Set([
        ["enrolment", "team", undefined, "Pat"],
        ["enrolment", "own", undefined, "own"],
        ["access", "team", "team", "Pat"],
        ["access", "own", "own", "own"],
        ["access", "ada", undefined, "tester"],
      ]),
    );
    expect((await fleet.ledger()).findLast(({ actor }) => actor === "team")?.principal).toBe("Pat");
  });

  test("limits the tier, whatever the agent's own is or becomes", async () => {
    await enrol("low", { tier: "T0" });
    await fleet.ok("low", "get_status");
    expect(await fleet.refusal("low", "request_task")).toBe("policy_denied");
    await asPerson(fleet, "agents_tier", { agent: "low", tier: "T2" });
    expect(await fleet.refusal("low", "request_task")).toBe("policy_denied");
    expect(await fleet.ok("low", "register_agent", { name: "low" })).toMatchObject({ tier: "T0" });
  });

  test("does not give an agent more than its own tier", async () => {
    await enrol("ada", { tier: "T2" });
    await fleet.ok("ada", "get_status");
    await asPerson(fleet, "agents_tier", { agent: "ada", tier: "T0" });
    expect(await fleet.refusal("ada", "request_task")).toBe("policy_denied");
    await asPerson(fleet, "agents_tier", { agent: "ada", tier: "T1" });
    expect(await claimed(fleet, "ada")).toBe("nothing_ready");
  });

  test("for one agent is good for no other name", async () => {
    await enrol("ada", { agent: "ada" });
    expect(await problem("ada", "register_agent", { name: "eve" })).toBe("wrong_agent");
    expect(await problem("ada", "register_agent", { name: "ada" })).toBe("ok");
    expect(await problem("ada", "register_agent", { name: "eve" })).toBe("wrong_agent");
  });

  test("ends when its days are over, for tokens that were minted before too", async () => {
    await enrol("ada", { days: 1 });
    expect(await problem("ada")).toBe("ok");
    await fleet.advance(23.5 * HOUR_MS);
    expect(await problem("ada")).toBe("ok");
    await fleet.advance(HOUR_MS);
    expect(await problem("ada")).toBe("enrolment_expired");
    expect(await problem("ada-2")).toBe("enrolment_expired");
  });

  test("that is over is not got around by another process, which would vouch for more", async () => {
    await enrol("low", { tier: "T0", days: 1 });
    const { session } = await fleet.ok("low", "register_agent", { name: "low" });
    for (const hours of [1.5, 21.5]) {
      await fleet.advance(hours * HOUR_MS);
      await fleet.ok("low", "get_status");
    }
    await fleet.advance(HOUR_MS);
    expect(await problem("ada", "get_status", { session })).toBe("enrolment_expired");
  });

  test("that is revoked ends all its agents at their next call, wherever they are, and no others", async () => {
    await enrol("team");
    await enrol("other");
    await planTasks(fleet, 2);
    await claimed(fleet, "team");
    await claimed(fleet, "other");
    await fleet.ok("team-2", "get_status");
    await fleet.ok("ada", "get_status");
    const waiting = fleet.call("team-2", "request_task", { wait_seconds: 50 });
    await fleet.advance(1000);
    const revoked = await asPerson(fleet, "tokens_revoke", { name: "team", reason: "leaked" });
    expect(revoked["agents"]).toEqual(["team", "team-2"]);
    await fleet.advance(1);
    expect(codeOf(await waiting)).toBe("agent_revoked");
    expect(await problem("team")).toBe("agent_revoked");
    expect(await problem("team-3")).toBe("revoked");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready", lostLeases: 0 });
    for (const process of ["other", "ada"]) expect(await problem(process)).toBe("ok");
    expect(codeOf(await fleet.asPerson("tokens_enrol", { name: "team" }))).toBe("state_conflict");
    expect(codeOf(await fleet.asPerson("tokens_revoke", { name: "none", reason: "x" }))).toBe(
      "token_invalid",
    );
  });

  test("of one agent that is revoked goes on for its siblings", async () => {
    await enrol("team");
    await fleet.ok("team", "get_status");
    await fleet.ok("team-2", "get_status");
    await asPerson(fleet, "agents_revoke", { agent: "team", reason: "no" });
    expect(await problem("team-2")).toBe("ok");
    await fleet.advance(3 * HOUR_MS);
    expect(await problem("team-2")).toBe("ok");
    expect(await problem("team-3")).toBe("ok");
  });

  test("is shown once and stored nowhere", async () => {
    await enrol("team");
    await fleet.ok("team", "get_status");
    const listed = await asPerson(fleet, "tokens_list", { all: true });
    const rows = await fleet.read(async (tx) => await tx.audit.list(1, 1000));
    const payloads = await fleet.read(
      async (tx) => await Promise.all(rows.map(async ({ seq }) => await tx.audit.payload(seq))),
    );
    expect(JSON.stringify([listed, rows, payloads])).not.toContain(secrets["team"]);
  });

  test("cannot get around its bounds by a report that is kept while everything is stopped", async () => {
    await enrol("low");
    await planTasks(fleet, 1);
    await claimed(fleet, "low");
    // The same agent comes back with a smaller credential: its session moves with it.
    const { session } = await fleet.ok("low", "register_agent", { name: "low" });
    await enrol("small", { tier: "T0" });
    await enrol("tools", { tools: ["get_status"] });
    await fleet.write(async ({ tx }) => {
      const agent = await tx.agents.get("low");
      if (agent !== undefined) await tx.agents.save({ ...agent, tokenHash: null });
    });
    await fleet.ok("small", "get_status", { session });
    await asPerson(fleet, "stop", { reason: "pause" });
    await report(fleet, "small", "T1", { status: "done", session });
    await asPerson(fleet, "resume");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running" });
    await fleet.write(async ({ tx }) => {
      const agent = await tx.agents.get("low");
      if (agent !== undefined) await tx.agents.save({ ...agent, tokenHash: null });
    });
    await fleet.ok("tools", "get_status", { session });
    await asPerson(fleet, "stop", { reason: "pause" });
    expect(await report(fleet, "tools", "T1", { status: "done", session })).toMatchObject({
      code: "stopped",
      details: { stored: false },
    });
    await asPerson(fleet, "resume");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running" });
  });
});

test("where an enrolment is required, no process vouches for its agents by itself", async () => {
  await fleet.ok("eve", "get_status");
  await enrol("ada");
  await asPerson(fleet, "policy_apply", {
    source: "version: 1\ntokens: { enrolment: required }\n",
    file: "guvnor.yaml",
  });
  expect(await problem("ada")).toBe("ok");
  expect(await problem("bob")).toBe("enrolment_required");
  expect(await problem("bob", "register_agent", { name: "bob" })).toBe("enrolment_required");
  // A token that it has is good until its end.
  expect(await problem("eve")).toBe("ok");
  await fleet.advance(2 * HOUR_MS);
  expect(await problem("eve")).toBe("enrolment_required");
});

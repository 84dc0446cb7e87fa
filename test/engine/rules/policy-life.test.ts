import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { JsonObject } from "../../../src/engine/call.ts";
import { refreshSettings } from "../../../src/engine/rules/refresh-settings.ts";
import type { Fleet } from "../../support/engine-harness.ts";
import {
  asPerson,
  claimed,
  expectSoundLedger,
  planTasks,
  rulesFleet,
} from "../../support/rules-fleet.ts";

const RULES = `
policy:
  rules:
    - { id: watched, on: [request_task], effect: warn, severity: low, reason: Somebody looks. }
    - { id: tried, on: [request_task], effect: deny, mode: shadow, reason: Not yet. }
    - { id: no-topics, on: [open_topic], effect: deny, reason: Not here. }
    - id: releases
      on: [report_progress]
      when: task.kind == "release" && input.status == "done"
      effect: require_approval
      reason: A person looks at each release.
`;
const TOPIC = { title: "Which one?", problem: "We need one." };

let fleet: Fleet;

async function may(tool: string, input?: object): Promise<JsonObject> {
  return await fleet.ok("ada", "check_policy", { tool, ...(input === undefined ? {} : { input }) });
}

/** What lies there as guvnor.yaml, applied or not. */
function lies(source: string): void {
  const settingsFile = (): object => ({ source, file: "guvnor.yaml" });
  Object.assign(fleet.deps("ada"), { settingsFile });
}

beforeEach(async () => {
  fleet = await rulesFleet(RULES);
});
afterEach(async () => {
  await expectSoundLedger(fleet);
  await fleet.close();
});

describe("a waiting call", () => {
  test("is warned once, however often it looks again", async () => {
    await fleet.ok("ada", "get_status");
    const before = (await fleet.ledger()).length;
    const waiting = fleet.ok("ada", "request_task", { wait_seconds: 20 });
    await fleet.advance(20_000);
    await waiting;
    const entries = (await fleet.ledger()).slice(before);
    expect(entries.map(({ decision }) => decision)).toEqual(["system", "allow"]);
    expect(await asPerson(fleet, "violations_list")).toMatchObject({
      violations: [{ rule: "watched", action: "recorded" }],
    });
  });
});

describe("check_policy", () => {
  test("says what a call would be answered, and asks nobody", async () => {
    await planTasks(fleet, 1, { kind: "release" });
    expect(await may("get_status")).toMatchObject({ effect: "allow", rule: "default:allow" });
    expect(await may("request_task")).toMatchObject({ effect: "warn", rule: "watched" });
    expect(await may("open_topic", TOPIC)).toMatchObject({ effect: "deny", rule: "no-topics" });
    const done = { task_id: "T1", status: "done" };
    expect(await may("report_progress", done)).toMatchObject({
      effect: "require_approval",
      approvals: [{ rule: "releases", role: "operator", count: 1 }],
    });
    expect(await asPerson(fleet, "approvals_list")).toEqual({ approvals: [] });
    expect(await asPerson(fleet, "violations_list")).toEqual({ violations: [] });
  });

  test("refuses a tool that is not there", async () => {
    expect(await fleet.refusal("ada", "check_policy", { tool: "launch" })).toBe("tool_unknown");
  });
});

describe("replay", () => {
  test("says which recorded calls other rules would have answered otherwise", async () => {
    await fleet.refusal("ada", "open_topic", TOPIC);
    await fleet.ok("ada", "get_status", { scope: "project" });
    await fleet.ok("bob", "get_status");
    const candidate = `version: 1
policy:
  rules:
    - id: no-pictures
      on: [get_status]
      when: input.scope == "project"
      effect: deny
      reason: Too much to read.
`;
    const file = "candidate.yaml";
    expect(await asPerson(fleet, "policy_replay", { source: candidate, file })).toMatchObject({
      replayed: 3,
      changed: 2,
      by_rule: { "default:allow": 1, "no-pictures": 1 },
      calls: [
        { agent: "ada", tool: "get_status", was: "allow", would_be: "deny", rule: "no-pictures" },
        { agent: "ada", tool: "open_topic", was: "deny", would_be: "allow" },
      ],
    });
  });

  test("comes with each apply, which a dry run only shows", async () => {
    await fleet.refusal("ada", "open_topic", TOPIC);
    const asked = { source: "version: 1\n", file: "guvnor.yaml" };
    const tried = await asPerson(fleet, "policy_apply", { ...asked, dry_run: true });
    expect(tried).toMatchObject({ applied: false, changed: true, replay: { changed: 1 } });
    expect(await fleet.refusal("ada", "open_topic", TOPIC)).toBe("policy_denied");
    expect(await asPerson(fleet, "policy_apply", asked)).toMatchObject({ applied: true });
    await fleet.ok("ada", "open_topic", TOPIC);
  });
});

describe("a settings file", () => {
  test("takes effect by itself in profile open, and only there", async () => {
    lies("version: 1\n");
    await refreshSettings(fleet.deps("ada"));
    expect(await fleet.refusal("ada", "open_topic", TOPIC)).toBe("policy_denied");
    await asPerson(fleet, "policy_apply", {
      source: "version: 1\nprofile: open\n",
      file: "guvnor.yaml",
    });
    lies("version: 1\nprofile: open\npolicy: { default: deny }\n");
    await refreshSettings(fleet.deps("ada"));
    expect(await fleet.refusal("ada", "open_topic", TOPIC)).toBe("policy_denied");
  });

  test("that is wrong keeps what was in force", async () => {
    await asPerson(fleet, "policy_apply", {
      source: "version: 1\nprofile: open\n",
      file: "guvnor.yaml",
    });
    lies("version: 1\nprofile: open\npolicy: { default: maybe }\n");
    await refreshSettings(fleet.deps("ada"));
    expect(await fleet.ok("ada", "open_topic", TOPIC)).toMatchObject({ topic_id: "B1" });
  });

  test("cannot leave profile open by itself: it would bind people too late to see it", async () => {
    await asPerson(fleet, "policy_apply", {
      source: "version: 1\nprofile: open\n",
      file: "guvnor.yaml",
    });
    lies("version: 1\nprofile: strict\n");
    await refreshSettings(fleet.deps("ada"));
    expect(await claimed(fleet, "ada")).toBe("nothing_ready");
  });
});

import { describe, expect, it } from "vitest";

import { decide } from "../../src/policy/decide.ts";
import { explain } from "../../src/policy/explain.ts";
import { policyWith } from "./rules.ts";

const POLICY = policyWith(
  "{ id: deploys, on: [report_progress], effect: require_approval, reason: r, when: \"task.kind == 'deploy' && task.labels['env'] == input.status\" }",
  "{ id: late, effect: warn, reason: r, when: now.getHours() > 20 && size(agent.capabilities) == 0 }",
  "{ id: soon, effect: deny, mode: shadow, reason: r, when: tier == 'T2' }",
  "{ id: broken, effect: allow, reason: r, when: '1 / task.attempt > 0' }",
  "{ id: always, effect: warn, reason: r }",
  "{ id: votes, on: [vote], effect: deny, reason: r, when: tool.name == 'vote' }",
);

const CALL = {
  tool: "report_progress",
  facts: {
    tier: "T2",
    nowMs: Date.UTC(2026, 0, 1, 9),
    task: { kind: "deploy", labels: { env: "done", secret: "not named" } },
    input: { status: "done", note: "not named either" },
  },
};

describe("an explanation", () => {
  it("tells of each rule what came of it, and what stood where it looked", () => {
    const { decision, rules } = explain(POLICY, CALL);
    expect(decision).toEqual(decide(POLICY, CALL));
    expect(rules).toEqual([
      {
        rule: "deploys",
        effect: "require_approval",
        when: "task.kind == 'deploy' && task.labels['env'] == input.status",
        outcome: "matched",
        values: { "task.kind": "deploy", 'task.labels["env"]': "done", "input.status": "done" },
      },
      {
        rule: "late",
        effect: "warn",
        when: "now.getHours() > 20 && size(agent.capabilities) == 0",
        outcome: "not_matched",
        values: { now: "2026-01-01T09:00:00.000Z", "agent.capabilities": [] },
      },
      {
        rule: "soon",
        effect: "deny",
        when: "tier == 'T2'",
        outcome: "shadow",
        values: { tier: "T2" },
      },
      {
        rule: "broken",
        effect: "allow",
        when: "1 / task.attempt > 0",
        outcome: "error",
        values: { "task.attempt": 0 },
        error: "division by zero",
      },
      { rule: "always", effect: "warn", when: null, outcome: "matched", values: {} },
      {
        rule: "votes",
        effect: "deny",
        when: "tool.name == 'vote'",
        outcome: "other_tool",
        values: {},
      },
    ]);
  });

  it("shows nothing that no rule names", () => {
    expect(JSON.stringify(explain(POLICY, CALL))).not.toContain("not named");
  });

  it("tells of the rules even where the tier has decided", () => {
    const { decision, rules } = explain(POLICY, { ...CALL, facts: { ...CALL.facts, tier: "T0" } });
    expect(decision.rule).toBe("tier:T0");
    expect(rules[0]?.outcome).toBe("matched");
  });

  it("shows own keys only", () => {
    const policy = policyWith(
      "{ id: r, effect: warn, reason: r, when: \"task.labels['constructor'] == ''\" }",
    );
    const { rules } = explain(policy, {
      tool: "vote",
      facts: { tier: "T2", task: { labels: {} } },
    });
    expect(rules[0]).toMatchObject({
      outcome: "matched",
      values: { 'task.labels["constructor"]': "" },
    });
  });

  it("is of a tool that exists", () => {
    expect(() => explain(POLICY, { tool: "nope", facts: {} })).toThrow("there is no tool nope");
  });
});

import { describe, expect, it } from "vitest";

import { loadPolicyTests, runPolicyTests } from "../../src/policy/policy-tests.ts";
import { policyWith, problemsOf } from "./rules.ts";

const POLICY = policyWith(
  "{ id: deploys, on: [report_progress], effect: require_approval, reason: A person looks., when: task.kind == 'deploy' && input.status == 'done' }",
  "{ id: nights, effect: deny, reason: Not at night., when: now.getHours() >= 22 && counts.running_tasks > 1 }",
);

function run(source: string): ReturnType<typeof runPolicyTests> {
  return runPolicyTests(POLICY, loadPolicyTests(source, "guvnor.test.yaml", POLICY));
}

function wrong(source: string): readonly string[] {
  return problemsOf(() => loadPolicyTests(source, "guvnor.test.yaml", POLICY));
}

describe("policy tests", () => {
  it("pass where a call comes to what was expected", () => {
    const results = run(`
- name: deploys are looked at
  call:
    tool: report_progress
    agent: { name: ada, tier: T1 }
    task: { kind: deploy, labels: { env: production } }
    input: { task_id: T1, status: done, percent: 99.5, artifacts: [{ name: a, path: b }] }
  expect: { effect: require_approval, rule: deploys }
- name: nights
  call: { tool: vote, now: "2026-01-01T23:30:00+01:00", counts: { running_tasks: 2 } }
  expect: { effect: deny, rule: nights }
- name: days
  call: { tool: vote, now: 2026-01-01T12:00:00Z, counts: { running_tasks: 2 } }
  expect: { effect: allow, rule: "default:allow" }
- name: tiers
  call: { tool: vote, tier: T0 }
  expect: { effect: deny, rule: "tier:T0" }
- name: tiers of agents
  call: { tool: vote, agent: { tier: T0 } }
  expect: { effect: deny }
`);
    expect(results.map(({ name, passed }) => [name, passed])).toEqual([
      ["deploys are looked at", true],
      ["nights", true],
      ["days", true],
      ["tiers", true],
      ["tiers of agents", true],
    ]);
    expect(results.flatMap(({ differences }) => differences)).toEqual([]);
  });

  it("tell what differs, who decided and where the test stands", () => {
    const [result] = run(`- name: deploys pass
  call: { tool: report_progress, task: { kind: deploy }, input: { status: done } }
  expect: { effect: allow, rule: nights }
`);
    expect(result).toMatchObject({
      name: "deploys pass",
      place: "guvnor.test.yaml:1:3",
      passed: false,
      differences: [
        "effect: expected allow, got require_approval",
        "rule: expected nights, got deploys",
        "deploys: A person looks.",
      ],
      decision: { rule: "deploys" },
    });
  });

  it("fail where only the rule is another", () => {
    const [result] = run(
      `[{ name: a, call: { tool: vote, tier: T0 }, expect: { effect: deny, rule: nights } }]`,
    );
    expect(result?.differences).toEqual([
      "rule: expected nights, got tier:T0",
      "tier:T0: vote is a write tool; agents of tier T0 may: read.",
    ]);
  });

  it.each([
    ["", "guvnor.test.yaml:1:1: Invalid input: expected array"],
    ["[]", "guvnor.test.yaml:1:1: Too small"],
    ["- name: a", "guvnor.test.yaml:1:3: 0.call: is missing"],
    ["- { name: a, cal: {} }", 'guvnor.test.yaml:1:14: 0: there is no "cal"; did you mean call?'],
    [
      "- { name: a, call: { tool: vot }, expect: { effect: deny } }",
      "guvnor.test.yaml:1:28: 0.call.tool: no tool is called vot; did you mean vote?",
    ],
    [
      "- { name: a, call: { tool: vote, task: { knd: x } }, expect: { effect: deny } }",
      'guvnor.test.yaml:1:42: 0.call.task: there is no "knd"; did you mean kind?',
    ],
    [
      "- { name: a, call: { tool: vote, task: { priority: high } }, expect: { effect: deny } }",
      "guvnor.test.yaml:1:52: 0.call.task.priority: Invalid input: expected number",
    ],
    [
      "- { name: a, call: { tool: vote, task: { state: don } }, expect: { effect: deny } }",
      'guvnor.test.yaml:1:49: 0.call.task.state: "don" is none of pending, ready, running, blocked, review, done, failed, cancelled; did you mean done?',
    ],
    [
      "- { name: a, call: { tool: vote, input: { balot: [] } }, expect: { effect: deny } }",
      'guvnor.test.yaml:1:43: 0.call.input: there is no "balot"; did you mean ballot?',
    ],
    [
      "- { name: a, call: { tool: vote, input: { ballot: [1] } }, expect: { effect: deny } }",
      "guvnor.test.yaml:1:52: 0.call.input.ballot.0: Invalid input: expected string",
    ],
    [
      "- { name: a, call: { tool: vote, now: today }, expect: { effect: deny } }",
      "guvnor.test.yaml:1:39: 0.call.now: Invalid ISO datetime",
    ],
    [
      "- { name: a, call: { tool: vote }, expect: { effect: dny } }",
      '0.expect.effect: "dny" is none of allow, warn, require_approval, deny; did you mean deny?',
    ],
    [
      "- { name: a, call: { tool: vote }, expect: { effect: deny, rule: night } }",
      "guvnor.test.yaml:1:66: 0.expect.rule: there is no rule night; did you mean nights?",
    ],
    [
      "- &a { name: a, call: { tool: vote }, expect: { effect: deny } }\n- *a",
      "guvnor.test.yaml:1:6: anchors and aliases are not allowed",
    ],
  ])("%j are refused", (source, problem) => {
    expect(wrong(source)[0]).toContain(problem);
  });
});

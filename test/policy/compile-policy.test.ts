import { describe, expect, it } from "vitest";

import { compilePolicy } from "../../src/policy/compile-policy.ts";
import { loadPolicy } from "../../src/policy/load-policy.ts";
import { loadSettings } from "../../src/policy/load-settings.ts";
import type { ToolType } from "../../src/policy/tool-types.ts";
import { policyWith, problemsOf, TOOL_TYPES, withRules } from "./rules.ts";

function wrong(source: string): readonly string[] {
  return problemsOf(() => loadPolicy(source, "guvnor.yaml", TOOL_TYPES));
}

function namesOf(on: string): string[] {
  const policy = policyWith(`{ id: r, on: ${on}, effect: warn, reason: r }`);
  return [...policy.tools.values()]
    .filter(({ rules }) => rules.length > 0)
    .map(({ tool }) => tool.name);
}

describe("a policy", () => {
  it("knows for each tool its rules in order, and what they need", () => {
    const policy = policyWith(
      "{ id: all, effect: warn, reason: r, when: agent.role == 'x' && counts.calls_1m > 3 }",
      "{ id: reports, on: [report_*], effect: warn, reason: r, when: task.kind == input.task_id }",
      "{ id: votes, on: [vote, report_progress], effect: warn, reason: r }",
    );
    const told = [...policy.tools.values()].map(({ tool, rules, needs }) => [
      tool.name,
      { rules: rules.map(({ id }) => id), needs: [...needs] },
    ]);
    expect(Object.fromEntries(told)).toMatchObject({
      report_progress: {
        rules: ["all", "reports", "votes"],
        needs: ["agent", "counts", "task", "input"],
      },
      vote: { rules: ["all", "votes"], needs: ["agent", "counts"] },
      get_status: { rules: ["all"], needs: ["agent", "counts"] },
      policy_apply: { rules: [], needs: [] },
    });
    expect(policy.rules.map(({ id, order }) => [id, order])).toEqual([
      ["all", 0],
      ["reports", 1],
      ["votes", 2],
    ]);
  });

  it.each([
    ["[vote]", ["vote"]],
    ['["re*_progress"]', ["report_progress"]],
    ['["*_topic", "vote"]', ["open_topic", "vote"]],
    [
      '["re*"]',
      [
        "register_agent",
        "request_task",
        "report_progress",
        "read_board",
        "read_messages",
        "request_escalation",
      ],
    ],
    ['["policy_*"]', ["policy_apply"]],
    ['["*_apply", "vote"]', ["vote", "policy_apply"]],
  ])("means by %s just these tools", (on, names) => {
    expect(new Set(namesOf(on))).toEqual(new Set(names));
  });

  it("does not mean people by *", () => {
    const all = TOOL_TYPES.filter((tool) => tool.class !== "person").map(({ name }) => name);
    expect(namesOf('["*"]')).toEqual(all);
    expect(namesOf('["*", "policy_apply"]')).toEqual(TOOL_TYPES.map(({ name }) => name));
  });

  it("gives each tool the limits that count it", () => {
    const { policy } = loadPolicy(
      `version: 1
profile: open
limits:
  - { id: votes, of: agent, metric: calls, on: [vote], max: 1, per: 1m }
  - { id: cost, of: project, metric: cost_usd, max: 1, per: 1d }
`,
      "guvnor.yaml",
      TOOL_TYPES,
    );
    const ids = (tool: string): string[] | undefined =>
      policy.tools.get(tool)?.limits.map(({ id }) => id);
    expect(ids("vote")).toEqual(["calls", "votes", "cost"]);
    expect(ids("get_status")).toEqual(["calls", "cost"]);
    expect(ids("policy_apply")).toEqual([]);
  });
});

describe("a rule that does not compile", () => {
  it("is told with its line and column, however YAML writes it", () => {
    const source = `version: 1
policy:
  rules:
    - id: plain
      effect: deny
      reason: r
      when: task.kind == 'x' && task.label["x"] == 'y'
    - id: folded
      effect: deny
      reason: r
      when: >-
        task.kind == "x" &&

        tsk.kind == "x"
    - id: literal
      effect: deny
      reason: r
      when: | # why
        // the kind
        task.kind ==
          7
    - { id: quoted, effect: deny, reason: r, when: "task.title == \\"\\u0041\\" && tier == \\"T9\\"" }
    - { id: single, effect: deny, reason: r, when: 'task.title == ''a'' && tier == ''T9''' }
limits:
  - { id: votes, of: agent, metric: calls, on: [vot], max: 1, per: 1m }
`;
    expect(wrong(source)).toEqual([
      "guvnor.yaml:7:38: policy.rules.plain.when: there is no task.label; did you mean task.labels?",
      "guvnor.yaml:14:9: policy.rules.folded.when: there is no tsk; did you mean task?",
      "guvnor.yaml:20:9: policy.rules.literal.when: string == int does not go together",
      'guvnor.yaml:22:89: policy.rules.quoted.when: tier is never "T9"; did you mean T0?',
      'guvnor.yaml:23:84: policy.rules.single.when: tier is never "T9"; did you mean T0?',
      "guvnor.yaml:25:49: limits.votes.on: no tool is called vot; did you mean vote?",
    ]);
  });

  it.each([
    [
      "{ id: r, on: [report_progres], effect: deny, reason: r }",
      "guvnor.yaml:5:21: policy.rules.r.on: no tool is called report_progres; did you mean report_progress?",
    ],
    [
      '{ id: r, on: [vote, "deploy_*"], effect: deny, reason: r }',
      "guvnor.yaml:5:27: policy.rules.r.on: no tool is called deploy_*",
    ],
    [
      "{ id: r, on: [vote], effect: deny, reason: r, when: input.status == 'done' }",
      "guvnor.yaml:5:65: policy.rules.r.when: there is no input.status",
    ],
    [
      "{ id: r, on: [get_status, open_topic], effect: deny, reason: r, when: input.id == 'x' || input.nope == 1 }",
      "there is no input.nope",
    ],
  ])("%s is refused", (rule, problem) => {
    expect(wrong(withRules(rule))[0]).toContain(problem);
  });

  it("is named where the lines of its file are not at hand", () => {
    const settings = loadSettings(
      withRules("{ id: r, effect: deny, reason: r, when: tsk.kind == '' }"),
      "guvnor.yaml",
    );
    expect(problemsOf(() => compilePolicy(settings, TOOL_TYPES))).toEqual([
      "policy.rules.r.when:1: there is no tsk; did you mean task?",
    ]);
  });
});

describe("an argument", () => {
  const tools: readonly ToolType[] = [
    {
      name: "one",
      class: "write",
      fields: {
        id: { kind: "string" },
        size: { kind: "int" },
        mode: { kind: "string", values: ["a"] },
      },
    },
    {
      name: "two",
      class: "write",
      fields: {
        id: { kind: "string" },
        size: { kind: "string" },
        mode: { kind: "string", values: ["b"] },
      },
    },
    { name: "three", class: "read", fields: {} },
  ];
  const load = (on: string, when: string): readonly string[] =>
    problemsOf(() =>
      loadPolicy(
        withRules(`{ id: r, on: [${on}], effect: deny, reason: r, when: ${when} }`),
        "guvnor.yaml",
        tools,
      ),
    );

  it("may be named if one of the tools has it", () => {
    expect(load("one, three", "input.size > 3 && input.id == 'x'")).toEqual([]);
    expect(load("two, three", "input.size == 'x'")).toEqual([]);
    expect(load("three", "input.size == 'x'")[0]).toContain("there is no input.size");
  });

  it("may not be named if they mean different types by it", () => {
    expect(load("one, two", "input.id == 'x'")).toEqual([]);
    expect(load("one, two", "input.id == 'x' && input.size > 3")).toEqual([
      "guvnor.yaml:5:88: policy.rules.r.when: input.size is int in one and string in two: name one of them under on",
    ]);
  });

  it("holds the words of all of them", () => {
    expect(load("one, two", "input.mode == 'a' || input.mode == 'b'")).toEqual([]);
    expect(load("one", "input.mode == 'b'")[0]).toContain('input.mode is never "b"');
  });
});

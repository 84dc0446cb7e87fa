import { describe, expect, it } from "vitest";

import { NO_SETTINGS } from "../../src/core/settings.ts";
import { loadSettings } from "../../src/policy/load-settings.ts";
import { problemsOf } from "./rules.ts";

const FILE = "guvnor.yaml";

function wrong(source: string): readonly string[] {
  return problemsOf(() => loadSettings(source, FILE));
}

/** The first problem of a file that begins with its version. */
function firstWrong(rest: string): string | undefined {
  return wrong(`version: 1\n${rest}`)[0];
}

describe("guvnor.yaml", () => {
  it("of two lines is the standard profile", () => {
    const { limits, ...standard } = loadSettings("version: 1\nprofile: standard\n", FILE);
    // Nobody has chosen how many calls are too many where nobody has applied a file.
    const gauges = limits.filter(({ perMs }) => perMs === null);
    expect(NO_SETTINGS).toEqual({ ...standard, limits: gauges });
    expect(loadSettings("version: 1\n", FILE)).toMatchObject(standard);
  });

  it("reads every part", () => {
    const settings = loadSettings(
      `version: 1
profile: strict
gates: { tests: { run: [npm, test] } }
policy:
  default: deny
  rules:
    - id: reads
      effect: allow
      reason: Reading is free.
    - id: deploys
      on: [report_*, vote]
      when: task.kind == "deploy"
      effect: require_approval
      approvers: { role: lead, count: 2 }
      severity: high
      mode: shadow
      reason: Two leads look at it.
limits:
  - { id: budget, of: project, metric: cost_usd, max: 0.5, per: 7d, then: stop }
  - id: votes
    of: tier
    tier: T1
    metric: calls
    on: [vote]
    max: 3
    per: 90s
    then: throttle
    repeat: { times: 2, within: 1h, then: revoke }
    diagnose: true
  - { id: parallel, of: tenant, metric: running_tasks, max: 3 }
tiers: { start: T1, T1: { may: [read] }, promote: { verified: 2, tasks: 2 } }
violations: { low: stop }
breakers: { tool: null }
health: { thresholds: { queue_depth: 3 } }
stall: { after: 5m, then: reassign }
roles: { lead: [ada, Pat] }
`,
      FILE,
    );
    const strict = loadSettings("version: 1\nprofile: strict", FILE);
    expect(settings).toEqual({
      ...strict,
      gates: {
        tests: {
          run: ["npm", "test"],
          timeoutMs: 600_000,
          protected: [],
          maxMemoryBytes: 2 * 1024 ** 3,
          maxOutputBytes: 16 * 1024 ** 2,
        },
      },
      policy: {
        default: "deny",
        rules: [
          {
            id: "reads",
            on: ["*"],
            when: null,
            effect: "allow",
            approvers: null,
            severity: "medium",
            mode: "enforce",
            reason: "Reading is free.",
          },
          {
            id: "deploys",
            on: ["report_*", "vote"],
            when: 'task.kind == "deploy"',
            effect: "require_approval",
            approvers: { role: "lead", count: 2 },
            severity: "high",
            mode: "shadow",
            reason: "Two leads look at it.",
          },
        ],
      },
      limits: [
        ...strict.limits,
        {
          id: "budget",
          of: "project",
          metric: "cost_usd",
          max: 0.5,
          perMs: 7 * 86_400_000,
          on: ["*"],
          tier: null,
          response: "stop",
          repeat: null,
          diagnose: false,
        },
        {
          id: "votes",
          of: "tier",
          metric: "calls",
          max: 3,
          perMs: 90_000,
          on: ["vote"],
          tier: "T1",
          response: "throttle",
          repeat: { times: 2, withinMs: 3_600_000, response: "revoke" },
          diagnose: true,
        },
        {
          id: "parallel",
          of: "tenant",
          metric: "running_tasks",
          max: 3,
          perMs: null,
          on: ["*"],
          tier: null,
          response: "deny",
          repeat: null,
          diagnose: false,
        },
      ],
      tiers: {
        ...strict.tiers,
        start: "T1",
        may: { ...strict.tiers.may, T1: ["read"] },
        promote: { verified: 2, distinctTasks: 2 },
      },
      violations: { ...strict.violations, low: "stop" },
      breakers: { ...strict.breakers, tool: null },
      health: {
        ...strict.health,
        thresholds: { ...strict.health.thresholds, queueDepth: 3 },
      },
      stall: { afterMs: 300_000, response: "reassign" },
      roles: { lead: ["ada", "Pat"] },
    });
  });

  it("asks an operator where a rule asks for approval and names nobody", () => {
    const { policy } = loadSettings(
      "version: 1\npolicy: { rules: [{ id: a, effect: require_approval, reason: r }] }",
      FILE,
    );
    expect(policy.rules[0]?.approvers).toEqual({ role: "operator", count: 1 });
  });

  it("puts a rule or limit in the place of the profile's with the same id", () => {
    const limit = "{ id: calls, of: agent, metric: calls, max: 7, per: 1m }";
    const { limits } = loadSettings(`version: 1\nlimits: [${limit}]`, FILE);
    expect(limits.map(({ id }) => id)).toEqual(["errors", "messages", "parallel", "calls"]);
    expect(limits.at(-1)).toMatchObject({ max: 7, response: "deny", repeat: null });
  });
});

function askedOf(approvers: string): string {
  return `policy: { rules: [{ id: a, effect: require_approval, reason: r, approvers: ${approvers} }] }`;
}

describe("approvers", () => {
  it("can be as many as have the role, or any number of a role that is not listed", () => {
    const two = "{ role: operator, count: 2 }";
    for (const roles of ["{ operator: [pat, sam] }", "{}"]) {
      expect(wrong(`version: 1\n${askedOf(two)}\nroles: ${roles}`)).toEqual([]);
    }
  });

  it("are counted once each, however often they are named", () => {
    const found = wrong(
      `version: 1\n${askedOf("{ role: op, count: 2 }")}\nroles: { op: [pat, pat] }`,
    );
    expect(found).toEqual([
      "guvnor.yaml:3:20: roles.op.1: pat is named already",
      expect.stringContaining("the role op has 1 of the 2 people"),
    ]);
  });
});

describe("a wrong file", () => {
  it.each([
    ["version: 2", "guvnor.yaml:1:10: version: has to be 1"],
    ["profile: open", "guvnor.yaml:1:1: version: is missing"],
    ["hello", "guvnor.yaml:1:1: Invalid input: expected object, received string"],
    ["", "guvnor.yaml:1:1: version: is missing"],
    ["version: 1\nversion: 1", "guvnor.yaml:2:1: Map keys must be unique"],
    ["version: [1", "guvnor.yaml:1:12: Flow sequence in block collection must be"],
    ["version: 1\n---\nversion: 1", "guvnor.yaml:2:1: a second document (---) is not allowed"],
    ["version: 1\n7: x", "guvnor.yaml:2:1: a key has to be a text"],
    ["version: 1\n? [a]\n: x", "guvnor.yaml:2:3: a key has to be a text"],
    ["version: !mine 1", "guvnor.yaml:1:10: Unresolved tag: !mine"],
    ["version: 1\nprofile: !!binary AAAA", "guvnor.yaml:2:19: tags are not allowed"],
  ])("%j is refused with its place", (source, problem) => {
    expect(wrong(source)[0]).toContain(problem);
  });

  it.each([
    ["polcy: {}", 'guvnor.yaml:2:1: there is no "polcy"; did you mean policy?'],
    [
      "profile: strickt",
      'guvnor.yaml:2:10: profile: "strickt" is none of open, standard, strict; did you mean strict?',
    ],
    [
      "policy: { defult: deny }",
      'guvnor.yaml:2:11: policy: there is no "defult"; did you mean default?',
    ],
    [
      "violations: { criticl: stop }",
      'guvnor.yaml:2:15: violations: there is no "criticl"; did you mean critical?',
    ],
    [
      "health:\n  thresholds: { qeue_depth: 1 }",
      'guvnor.yaml:3:17: health.thresholds: there is no "qeue_depth"; did you mean queue_depth?',
    ],
    [
      "tiers: { T3: { may: [read] } }",
      'guvnor.yaml:2:10: tiers: there is no "T3"; did you mean T0?',
    ],
    [
      "tiers: { T0: { may: [reed] } }",
      'guvnor.yaml:2:22: tiers.T0.may.0: "reed" is none of read, write, coordinate; did you mean read?',
    ],
    [
      "gates: { a: { run: [x], timeuot: 1s } }",
      'guvnor.yaml:2:25: gates.a: there is no "timeuot"; did you mean timeout?',
    ],
    [
      "breakers: { agent: { min_calls: 1 } }",
      "guvnor.yaml:2:20: breakers.agent.error_ratio: is missing",
    ],
    ["stall: { after: 2d, then: revoke }", "guvnor.yaml:2:17: stall.after: at most 24h"],
    [
      "stall: { after: 0s, then: revoke }",
      'guvnor.yaml:2:17: stall.after: a duration such as "30s" or "10m"',
    ],
    [
      "roles: { Lead: [a] }",
      "guvnor.yaml:2:10: roles.Lead: a role of a–z, 0–9, _ and -, at most 40, a letter first",
    ],
    [
      "roles: { lead: [раt] }",
      'guvnor.yaml:2:17: roles.lead.0: the name of an agent or a person; this has "р" (U+0440)',
    ],
    ["roles: { lead: [pat, sam, pat] }", "guvnor.yaml:2:27: roles.lead.2: pat is named already"],
    [
      `roles: { lead: [${"p".repeat(65)}] }`,
      "guvnor.yaml:2:17: roles.lead.0: is too long: 65 characters, of at most 64",
    ],
    [
      'gates: { a: { run: [x], protected: ["ok", "a/../b"] } }',
      'guvnor.yaml:2:43: gates.a.protected: The glob "a/../b" has an empty segment',
    ],
    [
      'prepare: { run: [x], key: ["!x"] }',
      'guvnor.yaml:2:28: prepare.key: The glob "!x" starts with !',
    ],
    ["auto_apply: true", 'guvnor.yaml:2:1: there is no "auto_apply"'],
  ])("%j is refused with place and nearest name", (rest, problem) => {
    expect(firstWrong(rest)).toContain(problem);
  });

  it.each([
    ["{ effect: deny, reason: r }", "guvnor.yaml:4:5: policy.rules.0.id: is missing"],
    ["{ id: a, reason: r }", "guvnor.yaml:4:5: policy.rules.a.effect: is missing"],
    ["{ id: a, effect: deny }", "guvnor.yaml:4:5: policy.rules.a.reason: is missing"],
    [
      "{ id: a, effect: dney, reason: r }",
      'guvnor.yaml:4:22: policy.rules.a.effect: "dney" is none of allow, warn, require_approval, deny; did you mean deny?',
    ],
    [
      "{ id: a, effect: deny, reason: r, when: true }",
      "guvnor.yaml:4:45: policy.rules.a.when: a condition in CEL, as text",
    ],
    [
      "{ id: a, effect: deny, reason: r, wehn: x }",
      'guvnor.yaml:4:39: policy.rules.a: there is no "wehn"; did you mean when?',
    ],
    [
      "{ id: a, effect: deny, reason: r, on: [] }",
      "guvnor.yaml:4:43: policy.rules.a.on: Too small",
    ],
    [
      "{ id: a, effect: deny, reason: r, on: [Vote] }",
      "guvnor.yaml:4:44: policy.rules.a.on.0: a tool's name, * for any characters",
    ],
    [
      "{ id: a, effect: deny, reason: r, approvers: { role: admin } }",
      "guvnor.yaml:4:50: policy.rules.a.approvers: only with effect: require_approval",
    ],
    [
      "{ id: a, effect: require_approval, reason: r, approvers: { role: leed } }",
      "guvnor.yaml:4:70: policy.rules.a.approvers.role: there is no role leed: list it under roles; did you mean lead?",
    ],
    [
      "{ id: a, effect: require_approval, reason: r, approvers: { role: lead, count: 2 } }",
      "guvnor.yaml:4:83: policy.rules.a.approvers.count: nobody could ever grant it: the role lead has 1 of the 2 people that are needed",
    ],
    [
      `{ id: a, effect: deny, reason: r, when: "${"x".repeat(2001)}" }`,
      "guvnor.yaml:4:45: policy.rules.a.when: is too long: 2001 characters, of at most 2000",
    ],
    [
      '{ id: a, effect: deny, reason: r, when: "" }',
      "guvnor.yaml:4:45: policy.rules.a.when: is empty",
    ],
    [
      "{ id: a, effect: require_approval, reason: r, approvers: { count: 21 } }",
      "guvnor.yaml:4:71: policy.rules.a.approvers.count: Too big",
    ],
    [
      `{ id: a, effect: deny, reason: ${"r".repeat(501)} }`,
      "guvnor.yaml:4:36: policy.rules.a.reason: is too long: 501 characters, of at most 500",
    ],
    ["{ id: рrod, effect: deny, reason: r }", 'this has "р" (U+0440)'],
    ["{ id: a‐b, effect: deny, reason: r }", 'this has "‐" (U+2010)'],
    ["{ id: A, effect: deny, reason: r }", "guvnor.yaml:4:11: policy.rules.0.id: an id of a–z"],
    ["{ id: a, effect: deny, reason: r, mode: shaddow }", "did you mean shadow?"],
  ])("rule %s is refused", (rule, problem) => {
    expect(firstWrong(`policy:\n  rules:\n  - ${rule}\nroles: { lead: [ada] }`)).toContain(problem);
  });

  it.each([
    [
      "{ id: a, of: agent, metric: calls, max: 1 }",
      "guvnor.yaml:3:33: limits.a.metric: calls is counted over a time: say per, such as per: 1m",
    ],
    [
      "{ id: a, of: agent, metric: running_tasks, max: 1, per: 1m }",
      "guvnor.yaml:3:61: limits.a.per: running_tasks is not counted over a time",
    ],
    [
      "{ id: a, of: agent, metric: task_minutes, max: 1, then: throttle }",
      "guvnor.yaml:3:61: limits.a.then: task_minutes is not counted over a time, so waiting is no answer",
    ],
    [
      "{ id: a, of: agent, metric: tokens, max: 1, per: 1m, on: [vote] }",
      "guvnor.yaml:3:62: limits.a.on: tokens is not counted by tool",
    ],
    [
      "{ id: a, of: agent, metric: calls, max: 1.5, per: 1m }",
      "guvnor.yaml:3:45: limits.a.max: calls is counted in whole numbers",
    ],
    [
      "{ id: a, of: agent, metric: calls, max: -1, per: 1m }",
      "guvnor.yaml:3:45: limits.a.max: Too small",
    ],
    ["{ id: a, of: agent, metric: calls, max: .inf, per: 1m }", "guvnor.yaml:3:45: limits.a.max: "],
    [
      "{ id: a, of: agent, metric: calls, max: 1, per: 32d }",
      "guvnor.yaml:3:53: limits.a.per: at most 31d",
    ],
    ["{ id: a, of: agnt, metric: calls, max: 1, per: 1m }", "did you mean agent?"],
    ["{ id: a, of: agent, metric: call, max: 1, per: 1m }", "did you mean calls?"],
    [
      "{ id: a, of: agent, metric: calls, max: 1, per: 1m, repeat: { times: 0, within: 1m, then: stop } }",
      "limits.a.repeat.times: Too small",
    ],
    [
      "{ id: a, of: agent, metric: calls, max: 1, per: 1m, repeat: { times: 1, within: 1m, then: deny } }",
      '"deny" is none of revoke, stop',
    ],
  ])("limit %s is refused", (limit, problem) => {
    expect(firstWrong(`limits:\n  - ${limit}`)).toContain(problem);
  });

  it("names both places where an id is given twice", () => {
    const rule = "{ id: a, effect: deny, reason: r }";
    expect(wrong(`version: 1\npolicy:\n  rules:\n    - ${rule}\n    - ${rule}`)).toEqual([
      "guvnor.yaml:5:13: policy.rules.a: the id a is taken by guvnor.yaml:4:13",
    ]);
    const limit = "{ id: a, of: agent, metric: running_tasks, max: 1 }";
    expect(wrong(`version: 1\nlimits:\n  - ${limit}\n  - ${limit}`)).toEqual([
      "guvnor.yaml:4:11: limits.a: the id a is taken by guvnor.yaml:3:11",
    ]);
  });

  it("lists all that is wrong, up to 20", () => {
    expect(wrong("version: 1\nprofile: x\npolcy: {}\nlimts: []")).toHaveLength(3);
    const rules = Array.from({ length: 50 }, () => "    - {}").join("\n");
    expect(wrong(`version: 1\npolicy:\n  rules:\n${rules}`)).toHaveLength(20);
  });
});

describe("a hostile file", () => {
  const bomb = Array.from({ length: 9 }, (_, i) => {
    const items = Array.from({ length: 9 }, () => `*a${i}`).join(", ");
    return `a${i + 1}: &a${i + 1} [${items}]`;
  });

  it.each([
    [
      "a billion laughs",
      `a0: &a0 [x]\n${bomb.join("\n")}`,
      "guvnor.yaml:1:9: anchors and aliases are not allowed",
    ],
    [
      "one alias",
      "version: &v 1\nprofile: *v",
      "guvnor.yaml:1:13: anchors and aliases are not allowed",
    ],
    [
      "a merge key",
      "version: 1\ngates: { <<: { a: { run: [x] } } }",
      "guvnor.yaml:2:10: gates.<<: ",
    ],
    ["deep lists", `version: ${"[".repeat(20_000)}`, "is nested too deeply"],
    [
      "deep maps",
      `version: 1\npolicy: ${"{a: ".repeat(40)}${"}".repeat(40)}`,
      "nested more than 32 levels deep",
    ],
    ["a long file", `version: 1 # ${"x".repeat(256 * 1024)}`, "has more than 262144 characters"],
    ["a NUL", 'version: 1\nroles: { lead: ["a\\0"] }', "holds a NUL character"],
    ["half a surrogate pair", 'version: 1\nroles: { lead: ["\\uD800"] }', "guvnor.yaml:"],
    [
      "__proto__",
      "version: 1\ngates: { __proto__: { run: [x] } }",
      '"gates.__proto__" is a key that is not allowed',
    ],
    [
      "constructor",
      "version: 1\nroles: { constructor: [x] }",
      '"roles.constructor" is a key that is not allowed',
    ],
  ])("with %s is refused", (_, source, problem) => {
    expect(wrong(source)[0]).toContain(problem);
  });

  it("changes no prototype", () => {
    wrong("version: 1\n__proto__: { polluted: true }");
    expect({}).not.toHaveProperty("polluted");
  });
});

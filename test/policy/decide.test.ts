import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { plainText } from "../../src/core/check-input.ts";
import { SEVERITIES } from "../../src/core/escalation.ts";
import { EFFECTS } from "../../src/core/policy-rules.ts";
import { compilePolicy } from "../../src/policy/compile-policy.ts";
import { decide } from "../../src/policy/decide.ts";
import { loadPolicy } from "../../src/policy/load-policy.ts";
import { loadSettings } from "../../src/policy/load-settings.ts";
import { policyWith, TOOL_TYPES, withRules } from "./rules.ts";

const OPEN = loadSettings("version: 1\nprofile: open\n", "guvnor.yaml");

/** As a report of an agent at T2 about a deploy. */
const CALL = { tool: "report_progress", facts: { tier: "T2", task: { kind: "deploy" } } };

const rule = fc.record({
  effect: fc.constantFrom(...EFFECTS),
  severity: fc.constantFrom(...SEVERITIES),
  mode: fc.constantFrom("enforce" as const, "enforce" as const, "shadow" as const),
  /** Matches, does not match, cannot be evaluated. */
  when: fc.constantFrom(
    null,
    "true",
    'task.kind == "deploy"',
    "false",
    'task.kind == "x"',
    "1 / task.attempt > 0",
  ),
});

type Drawn = typeof rule extends fc.Arbitrary<infer Rule> ? Rule : never;

function policyOf(
  drawn: readonly Drawn[],
  fallback: "allow" | "deny" = "allow",
): ReturnType<typeof compilePolicy> {
  const rules = drawn.map(({ effect, severity, mode, when }, index) => ({
    id: `r${index}`,
    on: ["report_progress"],
    when,
    effect,
    severity,
    mode,
    reason: `because ${index}`,
    approvers: effect === "require_approval" ? { role: "operator", count: 1 } : null,
  }));
  return compilePolicy({ ...OPEN, policy: { default: fallback, rules } }, TOOL_TYPES);
}

function fails({ when }: Drawn): boolean {
  return when?.startsWith("1 /") === true;
}

function matches({ when }: Drawn): boolean {
  return when === null || when === "true" || when.includes("deploy");
}

/** The effect that a rule has in the end; undefined where it says nothing. */
function said(drawn: Drawn): Drawn["effect"] | undefined {
  if (fails(drawn)) return "deny";
  return matches(drawn) ? drawn.effect : undefined;
}

describe("a decision", () => {
  it("is the strongest effect of the rules that match, whatever their order", () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 8 }),
        fc.constantFrom("allow", "deny"),
        (drawn, fallback) => {
          const effects = new Set(drawn.filter(({ mode }) => mode === "enforce").map(said));
          const strongest = EFFECTS.findLast((effect) => effects.has(effect)) ?? fallback;
          expect(decide(policyOf(drawn, fallback), CALL).effect).toBe(strongest);
          expect(decide(policyOf(drawn.toReversed(), fallback), CALL).effect).toBe(strongest);
        },
      ),
    );
  });

  it("denies wherever a rule denies", () => {
    fc.assert(
      fc.property(fc.array(rule), fc.array(rule), (before, after) => {
        const deny: Drawn = { effect: "deny", severity: "low", mode: "enforce", when: null };
        expect(decide(policyOf([...before, deny, ...after]), CALL).effect).toBe("deny");
      }),
    );
  });

  it("is of the rule with the highest severity, the first of equals", () => {
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 8 }), (drawn) => {
        const decision = decide(policyOf(drawn), CALL);
        const rivals = drawn
          .map((each, index) => ({ ...each, id: `r${index}`, effect: said(each) }))
          .filter(({ effect, mode }) => mode === "enforce" && effect === decision.effect);
        if (rivals.length === 0) {
          expect(decision).toMatchObject({ rule: "default:allow", severity: "low" });
          return;
        }
        const highest = SEVERITIES.findLast((each) =>
          rivals.some(({ severity }) => severity === each),
        );
        const first = rivals.find(({ severity }) => severity === highest);
        expect(decision).toMatchObject({ rule: first?.id, severity: highest });
      }),
    );
  });

  it("is not changed by shadow rules, which say what they would have done", () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), (drawn) => {
        const enforced = drawn.map((each): Drawn =>
          each.mode === "shadow" ? { ...each, when: "false" } : each,
        );
        const { shadow, ...decision } = decide(policyOf(drawn), CALL);
        const { shadow: none, ...without } = decide(policyOf(enforced), CALL);
        expect(decision).toEqual(without);
        expect(none).toEqual([]);
        const speaking = drawn.flatMap((each, index) =>
          each.mode === "shadow" && said(each) !== undefined
            ? [{ rule: `r${index}`, effect: said(each) }]
            : [],
        );
        expect(shadow.map(({ rule: id, effect }) => ({ rule: id, effect }))).toEqual(speaking);
      }),
    );
  });

  it("reports every warning and every approval that is asked for", () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), (drawn) => {
        const { effect, approvers, warnings } = decide(policyOf(drawn), CALL);
        const ids = (wanted: Drawn["effect"]): string[] =>
          drawn.flatMap((each, index) =>
            each.mode === "enforce" && said(each) === wanted ? [`r${index}`] : [],
          );
        expect(new Set(warnings.map(({ rule: id }) => id))).toEqual(new Set(ids("warn")));
        const asked = effect === "require_approval" ? ids("require_approval") : [];
        expect(new Set(approvers.map(({ rule: id }) => id))).toEqual(new Set(asked));
      }),
    );
  });

  it("is the same each time", () => {
    fc.assert(
      fc.property(fc.array(rule), (drawn) => {
        const policy = policyOf(drawn);
        expect(decide(policy, CALL)).toEqual(decide(policy, CALL));
      }),
    );
  });
});

describe("what is told of a decision", () => {
  it("names rule, severity and reason, and who has to say yes", () => {
    const policy = loadPolicy(
      `${withRules(
        "{ id: one, on: [report_progress], effect: require_approval, severity: high, reason: A lead looks., approvers: { role: lead, count: 2 } }",
        "{ id: two, on: [report_progress], effect: require_approval, reason: A person looks. }",
        "{ id: note, on: [report_progress], effect: warn, severity: low, reason: Careful. }",
        "{ id: later, on: [report_progress], effect: deny, mode: shadow, reason: Soon. }",
        "{ id: votes, on: [vote], effect: deny, reason: Never. }",
      )}roles: { lead: [ada, bea] }`,
      "guvnor.yaml",
      TOOL_TYPES,
    ).policy;
    expect(decide(policy, CALL)).toEqual({
      effect: "require_approval",
      rule: "one",
      severity: "high",
      reason: "A lead looks.",
      approvers: [
        { rule: "one", severity: "high", reason: "A lead looks.", role: "lead", count: 2 },
        { rule: "two", severity: "medium", reason: "A person looks.", role: "operator", count: 1 },
      ],
      warnings: [{ rule: "note", severity: "low", reason: "Careful." }],
      shadow: [{ rule: "later", severity: "medium", reason: "Soon.", effect: "deny" }],
    });
  });

  it("says why a rule could not be evaluated, and denies", () => {
    const broken =
      "{ id: broken, on: [report_progress], effect: allow, severity: low, reason: r, when: 10 / task.attempt > 3 }";
    expect(decide(policyWith(broken), CALL)).toEqual({
      effect: "deny",
      rule: "broken",
      severity: "low",
      reason: "The rule could not be evaluated: division by zero",
      error: "division by zero",
      approvers: [],
      warnings: [],
      shadow: [],
    });
    expect(
      decide(policyWith(broken), { ...CALL, facts: { ...CALL.facts, task: { attempt: 2 } } })
        .effect,
    ).toBe("allow");
  });

  it("says the same of a shadow rule, and lets the call pass", () => {
    const broken =
      "{ id: broken, effect: warn, mode: shadow, reason: r, when: \"task.paths[0] == 'x'\" }";
    expect(decide(policyWith(broken), CALL)).toMatchObject({
      effect: "allow",
      shadow: [
        { rule: "broken", effect: "deny", error: expect.stringContaining("index out of bounds") },
      ],
    });
  });

  it("keeps an error that holds what an agent wrote short and plain", () => {
    const title = `\u001B[31m${"x\n".repeat(5000)}`;
    const policy = policyWith("{ id: r, effect: deny, reason: r, when: bool(task.title) }");
    const { error = "" } = decide(policy, { ...CALL, facts: { tier: "T2", task: { title } } });
    expect(error).toContain("bool() conversion error");
    expect(error).toBe(plainText(error, 200));
  });

  it("does not repeat facts in an error", () => {
    const facts = { tier: "T2", task: { kind: { secret: "hunter2" } as unknown as string } };
    const { error } = decide(
      policyWith("{ id: r, effect: deny, reason: r, when: task.kind == 'x' }"),
      { ...CALL, facts },
    );
    expect(error).toBe("a fact is object and not string");
  });
});

describe("the default", () => {
  const denying = compilePolicy({ ...OPEN, policy: { default: "deny", rules: [] } }, TOOL_TYPES);

  it("decides where no rule matches", () => {
    expect(decide(denying, CALL)).toMatchObject({
      effect: "deny",
      rule: "default:deny",
      reason: "No rule allows it, and the default is deny.",
    });
    expect(
      decide(policyWith("{ id: r, effect: deny, reason: r, when: 'false' }"), CALL),
    ).toMatchObject({ effect: "allow", rule: "default:allow" });
  });

  it("does not bind people, who must be able to change it", () => {
    expect(decide(denying, { tool: "policy_apply", facts: {} })).toMatchObject({
      effect: "allow",
      rule: "default:allow",
    });
    const forAll = '{ id: r, on: ["*"], effect: deny, reason: r }';
    expect(decide(policyWith(forAll), { tool: "policy_apply", facts: {} }).effect).toBe("allow");
    expect(
      decide(policyWith(forAll.replace("*", "policy_*")), { tool: "policy_apply", facts: {} })
        .effect,
    ).toBe("deny");
  });

  it("is no for a tool that does not exist", () => {
    expect(
      decide(policyWith("{ id: r, effect: allow, reason: r }"), { tool: "nope", facts: {} }),
    ).toMatchObject({ effect: "deny", rule: "tool:unknown" });
  });
});

describe("the tier", () => {
  const allowing = policyWith("{ id: all, effect: allow, severity: critical, reason: r }");

  it.each([
    ["T0", "get_status", "allow"],
    ["T0", "report_progress", "deny"],
    ["T0", "submit_plan", "deny"],
    ["T1", "report_progress", "allow"],
    ["T1", "submit_plan", "deny"],
    ["T2", "submit_plan", "allow"],
    ["T9", "get_status", "deny"],
    ["constructor", "get_status", "deny"],
    ["", "get_status", "deny"],
  ])("%s for %s: %s", (tier, tool, effect) => {
    expect(decide(allowing, { tool, facts: { tier } })).toMatchObject({
      effect,
      rule: effect === "deny" ? `tier:${tier}` : "all",
    });
  });

  it("comes before every rule", () => {
    const decision = decide(allowing, { tool: "report_progress", facts: { tier: "T0" } });
    expect(decision).toEqual({
      effect: "deny",
      rule: "tier:T0",
      severity: "medium",
      reason: "report_progress is a write tool; agents of tier T0 may: read.",
      approvers: [],
      warnings: [],
      shadow: [],
    });
  });

  it("that is not known is that of new agents", () => {
    const strict = loadPolicy("version: 1\nprofile: strict", "guvnor.yaml", TOOL_TYPES).policy;
    expect(decide(strict, { tool: "report_progress", facts: {} })).toMatchObject({
      rule: "tier:T0",
    });
    expect(decide(allowing, { tool: "report_progress", facts: {} })).toMatchObject({ rule: "all" });
  });

  it("forbids nobody to register, which is how one gets it", () => {
    const strict = loadPolicy("version: 1\nprofile: strict", "guvnor.yaml", TOOL_TYPES).policy;
    expect(decide(strict, { tool: "register_agent", facts: {} }).effect).toBe("allow");
  });
});

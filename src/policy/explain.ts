import { toIso } from "../core/iso-time.ts";
import type { Effect } from "../core/policy-rules.ts";
import type { CompiledPolicy, CompiledRule } from "./compile-policy.ts";
import type { PolicyFacts } from "./context-fields.ts";
import {
  type Decision,
  decideByRules,
  evaluateRules,
  type PolicyCall,
  type RuleOutcome,
  tierDenial,
} from "./decide.ts";
import type { Path } from "./expression/paths.ts";
import { defaultOf } from "./field-types.ts";
import type { ToolType } from "./tool-types.ts";

export interface RuleExplanation {
  readonly rule: string;
  readonly effect: Effect;
  /** `shadow`: it matched, and only shadows. `other_tool`: its `on` does not mean this tool. */
  readonly outcome: "matched" | "not_matched" | "error" | "shadow" | "other_tool";
  readonly when: string | null;
  /** What stood at the places that the condition names, as JSON; defaults where nothing did. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

export interface Explanation {
  readonly decision: Decision;
  /** In the order of the file. Evaluated even where the tier has decided already. */
  readonly rules: readonly RuleExplanation[];
}

/** What was decided of a call, and what each rule said to it. */
export function explain(policy: CompiledPolicy, call: PolicyCall): Explanation {
  const known = policy.tools.get(call.tool);
  if (known === undefined) throw new RangeError(`there is no tool ${call.tool}`);
  const outcomes = evaluateRules(known.rules, known.tool, call.facts);
  const byRule = new Map(outcomes.map((outcome) => [outcome.rule, outcome]));
  return {
    decision:
      tierDenial(policy, known.tool, call.facts) ?? decideByRules(policy, known.tool, outcomes),
    rules: policy.rules.map((rule) => explainRule(rule, byRule.get(rule), call.facts, known.tool)),
  };
}

function explainRule(
  rule: CompiledRule,
  outcome: RuleOutcome | undefined,
  facts: PolicyFacts,
  tool: ToolType,
): RuleExplanation {
  const { id, effect, when } = rule;
  const base = { rule: id, effect, when };
  if (outcome === undefined) return { ...base, outcome: "other_tool", values: {} };
  const values = Object.fromEntries(
    rule.paths.map((path) => [path.text, valueAt(path, facts, tool)]),
  );
  const { error } = outcome;
  if (error !== undefined) return { ...base, outcome: "error", values, error };
  if (!outcome.matched) return { ...base, outcome: "not_matched", values };
  return { ...base, outcome: rule.mode === "shadow" ? "shadow" : "matched", values };
}

function valueAt({ segments, type }: Path, facts: PolicyFacts, tool: ToolType): unknown {
  const now = facts.nowMs === undefined ? undefined : toIso(facts.nowMs);
  let value: unknown = { ...facts, now, tool: { name: tool.name, class: tool.class } };
  for (const segment of segments) {
    const holder = typeof value === "object" && value !== null ? value : {};
    value = Object.entries(holder).find(([key]) => key === String(segment))?.[1];
  }
  return value ?? defaultOf(type);
}

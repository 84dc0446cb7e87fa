import { EvaluationError } from "@marcbachmann/cel-js";

import type { Tier } from "../core/agent.ts";
import { plainText } from "../core/check-input.ts";
import { SEVERITIES, type Severity } from "../core/escalation.ts";
import { type Effect, EFFECTS } from "../core/policy-rules.ts";
import type { CompiledPolicy, CompiledRule } from "./compile-policy.ts";
import type { PolicyFacts } from "./context-fields.ts";
import type { FactClass, FactObject } from "./expression/fact-object.ts";
import type { ToolType } from "./tool-types.ts";

/** A call, as far as a decision sees it. */
export interface PolicyCall {
  /** Name of the tool or operation. */
  readonly tool: string;
  readonly facts: PolicyFacts;
}

/** A rule that spoke. */
export interface RuleVoice {
  readonly rule: string;
  readonly severity: Severity;
  readonly reason: string;
}

export interface NeededApproval extends RuleVoice {
  readonly role: string;
  /** So many different ones have to say yes. */
  readonly count: number;
}

export interface Decision {
  readonly effect: Effect;
  /** Id of the rule that decided; `tier:T0`, `default:allow`, `default:deny` where none did. */
  readonly rule: string;
  readonly severity: Severity;
  readonly reason: string;
  /** All that has to be given before the call may run; empty unless the effect asks for it. */
  readonly approvers: readonly NeededApproval[];
  /** Rules that only warn, whatever else was decided. */
  readonly warnings: readonly RuleVoice[];
  /** What shadow rules would have said. */
  readonly shadow: readonly ShadowVoice[];
  /** Why the rule that denied could not be evaluated. */
  readonly error?: string;
}

export interface ShadowVoice extends RuleVoice {
  readonly effect: Effect;
  readonly error?: string;
}

/** What came of one rule. */
export interface RuleOutcome {
  readonly rule: CompiledRule;
  readonly matched: boolean;
  /** Why it could not be told whether it matches; it counts as a denial. */
  readonly error?: string;
}

/**
 * What is to be done with a call. Pure: the same policy and facts give the same decision.
 *
 * The tier comes first. Then, of the rules that match, deny > require_approval > warn > allow; among
 * rules of the same effect the higher severity, then the order of the file. A rule that cannot be
 * evaluated denies. Where no rule matches, the default decides; it binds agents only.
 */
export function decide(policy: CompiledPolicy, call: PolicyCall): Decision {
  const known = policy.tools.get(call.tool);
  if (known === undefined) return denial("tool:unknown", `There is no tool ${call.tool}.`);
  const tier = tierDenial(policy, known.tool, call.facts);
  if (tier !== undefined) return tier;
  return decideByRules(policy, known.tool, evaluateRules(known.rules, known.tool, call.facts));
}

/** Undefined where the tier allows it. */
export function tierDenial(
  { tiers }: CompiledPolicy,
  tool: ToolType,
  facts: PolicyFacts,
): Decision | undefined {
  if (tool.class === "person" || tool.registers === true) return undefined;
  const tier = facts.tier ?? tiers.start;
  const may = isTier(tier) ? tiers.may[tier] : [];
  if (may.includes(tool.class)) return undefined;
  const allowed = may.length === 0 ? "nothing" : may.join(", ");
  return denial(
    `tier:${tier}`,
    `${tool.name} is a ${tool.class} tool; agents of tier ${tier} may: ${allowed}.`,
  );
}

export function decideByRules(
  policy: CompiledPolicy,
  tool: ToolType,
  outcomes: readonly RuleOutcome[],
): Decision {
  const spoke = outcomes.filter(({ matched, error }) => matched || error !== undefined);
  const enforced = spoke.filter(({ rule }) => rule.mode === "enforce").toSorted(byWeight);
  const shadow = spoke.filter(({ rule }) => rule.mode === "shadow").map(toShadow);
  const warnings = enforced
    .filter((each) => effectOf(each) === "warn")
    .map(({ rule }) => voice(rule));
  const [first] = enforced;
  if (first === undefined) return { ...byDefault(policy, tool), shadow };
  const effect = effectOf(first);
  const { error } = first;
  const decision = { ...voice(first.rule), effect, approvers: [], warnings, shadow };
  if (error !== undefined) {
    return { ...decision, reason: `The rule could not be evaluated: ${error}`, error };
  }
  if (effect !== "require_approval") return decision;
  const asking = enforced.filter((each) => effectOf(each) === effect);
  return { ...decision, approvers: asking.map(({ rule }) => toApproval(rule)) };
}

/** Whether each of the rules matches. */
export function evaluateRules(
  rules: readonly CompiledRule[],
  tool: ToolType,
  facts: PolicyFacts,
): RuleOutcome[] {
  const seen = new Map<FactClass, FactObject>();
  const raw = { ...facts, tool: { name: tool.name, class: tool.class }, now: facts.nowMs };
  return rules.map((rule): RuleOutcome => {
    if (rule.condition === null) return { rule, matched: true };
    let view = seen.get(rule.Facts);
    if (view === undefined) {
      view = new rule.Facts(raw);
      seen.set(rule.Facts, view);
    }
    try {
      return { rule, matched: rule.condition.holds(view) };
    } catch (error) {
      return { rule, matched: false, error: messageOf(error) };
    }
  });
}

/** One short line, as it may hold what an agent wrote. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // The library's own message goes on with a picture of the expression.
  return plainText(error instanceof EvaluationError ? error.summary : message, MAX_MESSAGE);
}

const MAX_MESSAGE = 200;

function effectOf({ rule, error }: RuleOutcome): Effect {
  return error === undefined ? rule.effect : "deny";
}

/** The one that decides comes first. */
function byWeight(one: RuleOutcome, other: RuleOutcome): number {
  return (
    EFFECTS.indexOf(effectOf(other)) - EFFECTS.indexOf(effectOf(one)) ||
    SEVERITIES.indexOf(other.rule.severity) - SEVERITIES.indexOf(one.rule.severity) ||
    one.rule.order - other.rule.order
  );
}

function voice({ id, severity, reason }: CompiledRule): RuleVoice {
  return { rule: id, severity, reason };
}

function toShadow({ rule, error }: RuleOutcome): ShadowVoice {
  const said = { ...voice(rule), effect: error === undefined ? rule.effect : "deny" } as const;
  return error === undefined ? said : { ...said, error };
}

function toApproval(rule: CompiledRule): NeededApproval {
  const { role, count } = rule.approvers ?? { role: "operator", count: 1 };
  return { ...voice(rule), role, count };
}

function byDefault(policy: CompiledPolicy, tool: ToolType): Decision {
  const effect = tool.class === "person" ? "allow" : policy.default;
  const reason =
    effect === "allow" ? "No rule forbids it." : "No rule allows it, and the default is deny.";
  return { ...denial(`default:${effect}`, reason), effect, severity: "low" };
}

function denial(rule: string, reason: string): Decision {
  return {
    effect: "deny",
    rule,
    severity: "medium",
    reason,
    approvers: [],
    warnings: [],
    shadow: [],
  };
}

function isTier(tier: string): tier is Tier {
  return tier === "T0" || tier === "T1" || tier === "T2";
}

import type { Escalation } from "./escalation.ts";
import type { LimitConsequence } from "./limit-decision.ts";

export type Severity = Escalation["severity"];

/** What was done about it, mildest first. */
export type ViolationAction = "recorded" | "throttled" | "denied" | "revoked" | "stopped";

/** Somebody did what a rule or a limit forbids. A type, so that it is plain JSON to the compiler. */
export type Violation = {
  /** V3 */
  readonly id: string;
  readonly agent: string;
  /** The policy rule or the limit that was broken; one of them, or none for what the code forbids. */
  readonly rule: string | null;
  readonly limit: string | null;
  readonly severity: Severity;
  /** One sentence for a person. */
  readonly what: string;
  readonly action: ViolationAction;
  readonly atMs: number;
  readonly taskId: string | null;
};

const ON_LIMIT: Readonly<
  Record<LimitConsequence, { readonly action: ViolationAction; readonly severity: Severity }>
> = {
  throttle: { action: "throttled", severity: "low" },
  deny: { action: "denied", severity: "medium" },
  revoke: { action: "revoked", severity: "high" },
  stop: { action: "stopped", severity: "high" },
};

/** What exceeding a limit counts as. None is critical: a busy agent is no attacker. */
export function limitViolation(consequence: LimitConsequence): {
  readonly action: ViolationAction;
  readonly severity: Severity;
} {
  return ON_LIMIT[consequence];
}

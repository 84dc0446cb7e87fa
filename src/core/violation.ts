import type { Escalation } from "./escalation.ts";
import type { LimitConsequence } from "./limit-decision.ts";
import type { VIOLATION_RESPONSES } from "./settings.ts";

export type Severity = Escalation["severity"];

/** What was done about it, mildest first. */
const VIOLATION_ACTIONS = ["recorded", "throttled", "denied", "revoked", "stopped"] as const;

export type ViolationAction = (typeof VIOLATION_ACTIONS)[number];

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

const ON_RESPONSE: Readonly<Record<(typeof VIOLATION_RESPONSES)[number], ViolationAction>> = {
  record: "recorded",
  revoke: "revoked",
  revoke_all: "revoked",
  stop: "stopped",
};

/** The hardest of what was done: to the call or by a limit, and what the settings say to its severity. */
export function doneAbout(
  action: ViolationAction,
  response: (typeof VIOLATION_RESPONSES)[number],
): ViolationAction {
  const done = new Set([action, ON_RESPONSE[response]]);
  return VIOLATION_ACTIONS.findLast((each) => done.has(each)) ?? action;
}

import type { Tier } from "./agent.ts";
import type { Severity } from "./escalation.ts";

/** From the weakest to the strongest: of the rules that match, the strongest effect decides. */
export const EFFECTS = ["allow", "warn", "require_approval", "deny"] as const;

export type Effect = (typeof EFFECTS)[number];

/** Who has to say yes: so many different people or agents of that role. */
export interface Approvers {
  readonly role: string;
  readonly count: number;
}

export interface PolicyRule {
  readonly id: string;
  /** Names of tools and operations, `*` for any characters. */
  readonly on: readonly string[];
  /** A CEL expression as written; null holds always. */
  readonly when: string | null;
  readonly effect: Effect;
  /** Null unless the effect is `require_approval`. */
  readonly approvers: Approvers | null;
  readonly severity: Severity;
  /** A shadow rule is evaluated and reported, and decides nothing. */
  readonly mode: "enforce" | "shadow";
  readonly reason: string;
}

/** Counted over a time. */
export const WINDOWED_METRICS = ["calls", "errors", "denials", "tokens", "cost_usd"] as const;
/** As they are at the moment. */
export const GAUGE_METRICS = ["running_tasks", "task_minutes"] as const;

export type LimitMetric = (typeof WINDOWED_METRICS)[number] | (typeof GAUGE_METRICS)[number];

export const LIMIT_RESPONSES = ["throttle", "deny", "revoke", "stop"] as const;

/** How much is allowed, and what happens to more. */
export interface PolicyLimit {
  readonly id: string;
  /** Whose use is added up. */
  readonly of: "agent" | "tier" | "project" | "tenant";
  readonly metric: LimitMetric;
  /** What is above it is too much. */
  readonly max: number;
  /** Null for a gauge. */
  readonly perMs: number | null;
  /** Names of tools whose calls count, `*` for any characters. */
  readonly on: readonly string[];
  /** Only for agents of this tier; null for all. */
  readonly tier: Tier | null;
  /** Above the limit. */
  readonly response: (typeof LIMIT_RESPONSES)[number];
  /** Stronger, once the limit was reached `times` times within the time. */
  readonly repeat: {
    readonly times: number;
    readonly withinMs: number;
    readonly response: "revoke" | "stop";
  } | null;
  /** A task to find the cause is made as well. */
  readonly diagnose: boolean;
}

import type { Breaker } from "./breaker.ts";
import type { HealthAlert } from "./health-alerts.ts";
import type { LimitState } from "./limit-decision.ts";
import type { RateWindow } from "./rate-window.ts";
import type { Flood } from "./refusal-flood.ts";
import type { Stop } from "./stop.ts";
import type { Trust } from "./trust.ts";

/** What is remembered of one limit and one subject. */
export interface LimitGuard {
  /** Null for a gauge, and before anything was counted. */
  readonly window: RateWindow | null;
  readonly episodes: LimitState;
  /** Refusals that are only counted; null while there are none. */
  readonly flood: Flood | null;
}

/** The last look at everybody's health. */
export interface HealthCheck {
  readonly atMs: number;
  readonly active: readonly HealthAlert[];
}

/** What keeps agents in bounds, by kind; each state is a small JSON value. */
export interface GuardStates {
  readonly limit: LimitGuard;
  readonly breaker: Breaker;
  readonly trust: Trust;
  readonly stop: readonly Stop[];
  readonly health: HealthCheck;
}

export type GuardKind = keyof GuardStates;

export interface GuardPlace<Kind extends GuardKind = GuardKind> {
  /** "agent:ada", "tier:T1", "tool:vote", "process:…", "project". */
  readonly subject: string;
  readonly kind: Kind;
  /** Which one of its kind, e.g. a limit's id; "" where there is only one. */
  readonly name: string;
}

export interface GuardOf<Kind extends GuardKind> extends GuardPlace<Kind> {
  readonly state: GuardStates[Kind];
}

export type Guard = { [Kind in GuardKind]: GuardOf<Kind> }[GuardKind];

export function isGuardOf<Kind extends GuardKind>(
  guard: GuardPlace,
  kind: Kind,
): guard is GuardOf<Kind> {
  return guard.kind === kind;
}

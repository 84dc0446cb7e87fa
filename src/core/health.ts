import { addToWindow, totalInWindow, type RateWindow } from "./rate-window.ts";

export interface HealthSettings {
  /** Calls and errors are counted over this time. */
  readonly windowMs: number;
  /** With fewer of them nothing is said: one error of one call is no rate. */
  readonly leastCalls: number;
  readonly leastDurations: number;
  readonly leastOutcomes: number;
}

/** Among 100 calls a single error is what the threshold of 1 % speaks of; among 20 it would be 5 %. */
export const DEFAULT_HEALTH: HealthSettings = {
  windowMs: 3_600_000,
  leastCalls: 100,
  leastDurations: 11,
  leastOutcomes: 5,
};

/** So many durations and outcomes are kept; odd, so that a full list has a middle. */
const KEPT = 51;

/** What is counted of one agent. A type, so that it is plain JSON to the compiler. */
export type HealthCounters = {
  readonly calls: RateWindow | null;
  readonly errors: RateWindow | null;
  /** Of the last calls that did not wait for anything, oldest first. */
  readonly durationsMs: readonly number[];
  /** Whether each of the last attempts ended with its task done, oldest first. */
  readonly outcomes: readonly boolean[];
  readonly lastSeenMs: number | null;
};

export const NO_COUNTERS: HealthCounters = {
  calls: null,
  errors: null,
  durationsMs: [],
  outcomes: [],
  lastSeenMs: null,
};

/** Null is not known: too little to judge by. */
export interface Health {
  /** 0 to 1, of the calls in the window. */
  readonly errorRate: number | null;
  /** 0 to 1, of the last attempts that ended. */
  readonly completionRate: number | null;
  /** Median of the last calls. */
  readonly responseMs: number | null;
  /** Time since the agent was last seen. */
  readonly silentMs: number | null;
}

/**
 * One more call.
 *
 * @param failed - An error of ours or of the outside; a refusal is none.
 * @param durationMs - Null for a call that waited (long poll): that says nothing of anybody's speed.
 */
export function countCall(
  counters: HealthCounters,
  { windowMs }: HealthSettings,
  call: { readonly failed: boolean; readonly durationMs: number | null; readonly nowMs: number },
): HealthCounters {
  const { failed, durationMs, nowMs } = call;
  const at = { nowMs, windowMs };
  return {
    ...counters,
    calls: addToWindow(counters.calls ?? undefined, at),
    // Nothing is added too: both windows then have the same slots, whatever the clock does.
    errors: addToWindow(counters.errors ?? undefined, { ...at, amount: failed ? 1 : 0 }),
    durationsMs:
      durationMs === null ? counters.durationsMs : keep(counters.durationsMs, durationMs),
    lastSeenMs: nowMs,
  };
}

/** One more attempt that came to an end: done, or failed or lost. */
export function countOutcome(counters: HealthCounters, isDone: boolean): HealthCounters {
  return { ...counters, outcomes: keep(counters.outcomes, isDone) };
}

export function healthOf(
  counters: HealthCounters,
  { windowMs, leastCalls, leastDurations, leastOutcomes }: HealthSettings,
  nowMs: number,
): Health {
  const { durationsMs, outcomes, lastSeenMs } = counters;
  const at = { nowMs, windowMs };
  const calls = totalInWindow(counters.calls ?? undefined, at);
  const errors = totalInWindow(counters.errors ?? undefined, at);
  const done = outcomes.filter((isDone) => isDone).length;
  return {
    errorRate: calls < Math.max(1, leastCalls) ? null : errors / calls,
    completionRate: outcomes.length < Math.max(1, leastOutcomes) ? null : done / outcomes.length,
    responseMs: durationsMs.length < leastDurations ? null : median(durationsMs),
    silentMs: lastSeenMs === null ? null : Math.max(0, nowMs - lastSeenMs),
  };
}

/** The middle one; of an even number the mean of the middle two. @internal Exported for its tests. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle];
  if (high === undefined) return null;
  const low = sorted.length % 2 === 0 ? sorted[middle - 1] : high;
  return ((low ?? high) + high) / 2;
}

/**
 * Stands for the tasks that need no capability.
 * @internal Exported for its tests.
 */
export const ANY_CAPABILITY = "*";

export interface QueueDepth {
  readonly capability: string;
  /** Ready tasks beyond what agents can take at once. */
  readonly depth: number;
}

/**
 * For each capability that a ready task needs: how many of these tasks are left when each agent that
 * is present, idle and has the capability takes one. Sorted by capability.
 *
 * Each capability is looked at by itself: an agent with two of them is counted for both, though it
 * takes one task only, and a task that needs two counts for both. So a depth is what is missing at
 * the least, and one above 0 is real: that many tasks wait, however they are handed out.
 */
export function queueDepths(
  ready: readonly { readonly needs: readonly string[] }[],
  idle: readonly { readonly capabilities: readonly string[] }[],
): readonly QueueDepth[] {
  const waiting = new Map<string, number>();
  for (const { needs } of ready) {
    const counted = needs.length === 0 ? [ANY_CAPABILITY] : new Set(needs);
    for (const capability of counted) raise(waiting, capability);
  }
  const able = new Map<string, number>([[ANY_CAPABILITY, idle.length]]);
  for (const { capabilities } of idle) {
    for (const capability of new Set(capabilities)) {
      if (capability !== ANY_CAPABILITY) raise(able, capability);
    }
  }
  return [...waiting]
    .map(([capability, tasks]) => ({
      capability,
      depth: Math.max(0, tasks - (able.get(capability) ?? 0)),
    }))
    .toSorted((a, b) => (a.capability < b.capability ? -1 : 1));
}

function raise(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function keep<T>(items: readonly T[], item: T): readonly T[] {
  return [...items, item].slice(-KEPT);
}

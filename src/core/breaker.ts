import { addToWindow, totalInWindow, type RateWindow } from "./rate-window.ts";

export interface BreakerSettings {
  /** Failures are counted over this time. */
  readonly windowMs: number;
  /** With fewer calls in the window nothing is judged: one failure of one call is no ratio. */
  readonly minCalls: number;
  /** Opens at this share of failed calls, 0 to 1. */
  readonly errorRatio: number;
  /** The first wait; each one that follows without closing in between is twice as long. */
  readonly openForMs: number;
  readonly maxOpenMs: number;
  /** Up to this share of a wait is taken off by chance, so that breakers do not open in step; under 0.5. */
  readonly jitter: number;
  /** So many probes in a row close it. */
  readonly probes: number;
  /** So many at the same time. */
  readonly concurrentProbes: number;
  /** After this long without a result a probe no longer keeps others from probing. */
  readonly probeLeaseMs: number;
}

/**
 * Chosen by how often it opens on a callee that is well, where 1, 2 or 5 % of calls fail by chance
 * (scripts/breaker-false-positives.ts): in 0 of 10,000 windows of 8, 30 or 120 calls; where failures
 * come in runs of 3, in 68 of 10,000 at worst. A ratio of 0.2 of 10 calls opened in 526 and 1,153.
 * A callee that fails always is cut off after 20 calls, or as many as went well in the window before.
 * @internal Exported for the script that measures it.
 */
export const DEFAULT_BREAKER: BreakerSettings = {
  windowMs: 60_000,
  minCalls: 20,
  errorRatio: 0.5,
  openForMs: 30_000,
  maxOpenMs: 600_000,
  jitter: 0.2,
  probes: 3,
  concurrentProbes: 1,
  probeLeaseMs: 30_000,
};

/** However the settings are chosen, a single failure opens nothing. */
const MIN_FAILURES = 2;

/** One breaker, as a row holds it. A type, so that it is plain JSON to the compiler. */
export type Breaker = {
  readonly phase: "closed" | "open" | "half_open";
  /** Counted while closed. */
  readonly calls: RateWindow | null;
  readonly failures: RateWindow | null;
  /** Openings since it was last closed. */
  readonly opens: number;
  readonly openUntilMs: number;
  /** How long that is in all: a clock that is set back makes it no longer. */
  readonly waitMs: number;
  /** Half-open: probes that succeeded. */
  readonly successes: number;
  /** Half-open: probes without a result, and until when they count. */
  readonly probing: readonly { readonly probe: number; readonly untilMs: number }[];
  /** Half-open: probes up to this one belong to an earlier time. */
  readonly probesBefore: number;
  /** The number of the last probe; never used again, so that an old result is never taken for a new one. */
  readonly lastProbe: number;
};

export const CLOSED_BREAKER: Breaker = {
  phase: "closed",
  calls: null,
  failures: null,
  opens: 0,
  openUntilMs: 0,
  waitMs: 0,
  successes: 0,
  probing: [],
  probesBefore: 0,
  lastProbe: 0,
};

export type Admission =
  | {
      readonly admitted: true;
      /** The same object where nothing is to be stored. */
      readonly state: Breaker;
      /** To be given to `settle` with the result. */
      readonly probe?: number;
    }
  | { readonly admitted: false; readonly state: Breaker; readonly retryAfterMs: number };

/**
 * Whether a call may go out.
 *
 * closed –failures reach errorRatio of at least minCalls in the window→ open –the wait is over, and
 * somebody calls→ half_open –`probes` successes→ closed; half_open –a probe fails→ open, for longer.
 *
 * The states are Nygard's ("Release It!", 2007), the ratio over a sliding window with a least number
 * of calls and the limited probes are those of resilience4j. Ours is durable and shared: probes are
 * leased, so that one whose process has ended does not hold the others up.
 */
export function admit(state: Breaker, settings: BreakerSettings, nowMs: number): Admission {
  if (state.phase === "closed") return { admitted: true, state };
  if (state.phase === "half_open") return admitProbe(state, settings, nowMs);
  // It was to be no longer; the clock must have stepped back.
  const openUntilMs = Math.min(state.openUntilMs, nowMs + state.waitMs);
  if (nowMs < openUntilMs) {
    const kept = openUntilMs === state.openUntilMs ? state : { ...state, openUntilMs };
    return { admitted: false, state: kept, retryAfterMs: openUntilMs - nowMs };
  }
  const halfOpen: Breaker = {
    ...state,
    phase: "half_open",
    successes: 0,
    probing: [],
    probesBefore: state.lastProbe,
  };
  return admitProbe(halfOpen, settings, nowMs);
}

/**
 * What the next call finds: an open one whose wait is over is half open by then.
 * @returns `untilMs`: when a call may try; null where the next one may.
 */
export function breakerAt(
  state: Breaker,
  settings: BreakerSettings,
  nowMs: number,
): { readonly phase: Breaker["phase"]; readonly untilMs: number | null } {
  const admission = admit(state, settings, nowMs);
  const { phase } = admission.state;
  return { phase, untilMs: admission.admitted ? null : nowMs + admission.retryAfterMs };
}

function admitProbe(state: Breaker, settings: BreakerSettings, nowMs: number): Admission {
  // No lease is longer either.
  const lastMs = nowMs + settings.probeLeaseMs;
  const probing = state.probing
    .filter(({ untilMs }) => untilMs > nowMs)
    .map(({ probe, untilMs }) => ({ probe, untilMs: Math.min(untilMs, lastMs) }));
  if (probing.length >= settings.concurrentProbes) {
    const firstMs = Math.min(...probing.map(({ untilMs }) => untilMs));
    const isSame = state.probing.every(({ untilMs }) => untilMs > nowMs && untilMs <= lastMs);
    const kept = isSame ? state : { ...state, probing };
    return { admitted: false, state: kept, retryAfterMs: firstMs - nowMs };
  }
  const probe = state.lastProbe + 1;
  return {
    admitted: true,
    probe,
    state: {
      ...state,
      probing: [...probing, { probe, untilMs: lastMs }],
      lastProbe: probe,
    },
  };
}

export interface CallResult {
  readonly failed: boolean;
  /** What `admit` gave. */
  readonly probe: number | undefined;
  readonly nowMs: number;
  /** 0 to 1, for the jitter. */
  readonly random: number;
}

/**
 * What the result of an admitted call makes of it. Results that come after it has opened say nothing
 * new; of a probe whose lease is over a failure still counts, a success does not: who answers that
 * late is not well.
 *
 * @returns The same object where nothing is to be stored.
 */
export function settle(state: Breaker, settings: BreakerSettings, result: CallResult): Breaker {
  if (state.phase === "open") return state;
  if (state.phase === "closed") return count(state, settings, result);
  const { failed, probe, nowMs } = result;
  if (probe === undefined || probe <= state.probesBefore) return state;
  if (failed) return open(state, settings, result);
  const isInTime = state.probing.some((each) => each.probe === probe && each.untilMs > nowMs);
  if (!isInTime) return state;
  const successes = state.successes + 1;
  if (successes >= settings.probes) return closed(state);
  return { ...state, successes, probing: state.probing.filter((each) => each.probe !== probe) };
}

/** Forgets what failed; results of earlier probes mean nothing to it. */
export function closed({ lastProbe }: Breaker): Breaker {
  return { ...CLOSED_BREAKER, lastProbe };
}

/** The probe has come to nothing (refused, nothing to do): another call may try instead. */
export function abandonProbe(state: Breaker, probe: number): Breaker {
  const probing = state.probing.filter((each) => each.probe !== probe);
  return probing.length === state.probing.length ? state : { ...state, probing };
}

function count(state: Breaker, settings: BreakerSettings, result: CallResult): Breaker {
  const { failed, nowMs } = result;
  const at = { nowMs, windowMs: settings.windowMs };
  const calls = addToWindow(state.calls ?? undefined, at);
  // Nothing is added too: both windows then have the same slots, whatever the clock does.
  const failures = addToWindow(state.failures ?? undefined, { ...at, amount: failed ? 1 : 0 });
  const called = totalInWindow(calls, at);
  const failing = totalInWindow(failures, at);
  const isBad = failing >= MIN_FAILURES && failing >= settings.errorRatio * called;
  if (called >= settings.minCalls && isBad) return open(state, settings, result);
  return { ...state, calls, failures };
}

function open(state: Breaker, settings: BreakerSettings, { nowMs, random }: CallResult): Breaker {
  const waitMs = openWaitMs(settings, state.opens, random);
  return {
    ...CLOSED_BREAKER,
    phase: "open",
    opens: state.opens + 1,
    openUntilMs: nowMs + waitMs,
    waitMs,
    lastProbe: state.lastProbe,
  };
}

/**
 * openForMs · 2ⁿ up to maxOpenMs, less up to `jitter` of it: each wait is longer than the one before,
 * until the longest is reached, where jitter is all that differs.
 *
 * @param opens - Openings before this one since it was closed.
 * @param random - 0 to 1.
 * @internal Exported for its tests.
 */
export function openWaitMs(settings: BreakerSettings, opens: number, random: number): number {
  const fullMs = Math.min(settings.maxOpenMs, settings.openForMs * 2 ** opens);
  return Math.round(fullMs * (1 - settings.jitter * random));
}

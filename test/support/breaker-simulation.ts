import { admit, CLOSED_BREAKER, settle, type BreakerSettings } from "../../src/core/breaker.ts";
import { Random } from "../sim/random.ts";

/** A callee that fails by chance, and how it is called. */
export interface Callee {
  /** Share of calls that fail, 0 to 1. */
  readonly errorRate: number;
  /** Mean length of a run of failures; 1 is independent ones. */
  readonly burst: number;
  readonly callsPerWindow: number;
}

/**
 * Calls come at random times, all through `windows` windows. Counts the windows in which the breaker
 * opened; it is then put back, as a person would who sees that the callee is well.
 */
export function openedWindows(
  settings: BreakerSettings,
  callee: Callee,
  { windows, seed }: { readonly windows: number; readonly seed: number },
): number {
  const random = new Random(seed);
  const draw = failures(callee, random);
  const endMs = windows * settings.windowMs;
  const opened = new Set<number>();
  let breaker = CLOSED_BREAKER;
  let atMs = 0;
  for (;;) {
    // Exponential gaps: calls come independently of one another.
    atMs -= (Math.log(1 - random.next()) * settings.windowMs) / callee.callsPerWindow;
    if (atMs >= endMs) return opened.size;
    const nowMs = Math.floor(atMs);
    const { state, admitted } = admit(breaker, settings, nowMs);
    if (!admitted) throw new Error("A closed breaker refused a call.");
    const failed = draw();
    breaker = settle(state, settings, { failed, probe: undefined, nowMs, random: random.next() });
    if (breaker.phase !== "closed") {
      opened.add(Math.floor(nowMs / settings.windowMs));
      breaker = CLOSED_BREAKER;
    }
  }
}

/** A chain of two states (Gilbert 1960) with the wanted share of failures and length of runs. */
function failures({ errorRate, burst }: Callee, random: Random): () => boolean {
  if (burst <= 1) return () => random.chance(errorRate);
  const ends = 1 / burst;
  const begins = (ends * errorRate) / (1 - errorRate);
  let isFailing = false;
  return () => {
    isFailing = isFailing ? !random.chance(ends) : random.chance(begins);
    return isFailing;
  };
}

/** Mean number of calls from the first failure on until a callee that has gone bad is cut off. */
export function callsUntilOpen(
  settings: BreakerSettings,
  { errorRate, healthyCalls }: { readonly errorRate: number; readonly healthyCalls: number },
  { tries, seed }: { readonly tries: number; readonly seed: number },
): number {
  const random = new Random(seed);
  let total = 0;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    let breaker = CLOSED_BREAKER;
    const call = (failed: boolean): void => {
      const result = { failed, probe: undefined, nowMs: 0, random: 0.5 };
      breaker = settle(breaker, settings, result);
    };
    for (let healthy = 0; healthy < healthyCalls; healthy += 1) call(false);
    while (breaker.phase === "closed") {
      call(random.chance(errorRate));
      total += 1;
    }
  }
  return total / tries;
}

/**
 * The share of windows that can open at most, for independent failures: the sum over its calls of
 * the chance that just then the ratio is reached, for the worst number of calls in the window.
 */
export function unionBound(
  settings: BreakerSettings,
  { errorRate, callsPerWindow }: Callee,
): number {
  let worst = 0;
  const most = Math.max(settings.minCalls, Math.ceil(callsPerWindow * 2));
  for (let calls = settings.minCalls; calls <= most; calls += 1) {
    worst = Math.max(worst, atLeast(calls, Math.ceil(settings.errorRatio * calls), errorRate));
  }
  return Math.min(1, worst * callsPerWindow);
}

/** The chance of at least `least` failures among `calls`, each with chance `p`. */
function atLeast(calls: number, least: number, p: number): number {
  let total = 0;
  for (let failed = least; failed <= calls; failed += 1) {
    let log = failed * Math.log(p) + (calls - failed) * Math.log(1 - p);
    for (let factor = 1; factor <= failed; factor += 1) {
      log += Math.log(calls - failed + factor) - Math.log(factor);
    }
    total += Math.exp(log);
  }
  return total;
}

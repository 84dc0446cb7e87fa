import { retryAfterMs, totalInWindow, type RateWindow } from "./rate-window.ts";

/** What becomes of whoever exceeds a limit, mildest first. */
export type LimitConsequence = "throttle" | "deny" | "revoke" | "stop";

export interface Limit {
  readonly id: string;
  /** Whose amounts are added up: agent, tier, principal, project, … */
  readonly of: string;
  /** calls, errors, running_tasks, cost_usd, … */
  readonly metric: string;
  readonly max: number;
  /** The window; null for a gauge, which is read and not counted. */
  readonly perMs: number | null;
  readonly consequence: LimitConsequence;
  /** So many episodes in so long a time have another consequence. */
  readonly repeat?: {
    readonly times: number;
    readonly withinMs: number;
    readonly consequence: LimitConsequence;
  };
  /** An episode gives somebody the task to find out why. */
  readonly diagnose?: boolean;
}

/** What is remembered of one limit and one subject. A type, so that it is plain JSON. */
export type LimitState = {
  /** When the last episode began, or was last counted again; null after a gauge had room again. */
  readonly episodeMs: number | null;
  /** When the episodes that `repeat` looks at were counted, oldest first; at most `repeat.times`. */
  readonly countedMs: readonly number[];
};

export const NO_EPISODES: LimitState = { episodeMs: null, countedMs: [] };

/** A window's state, as alignWindow gave it, or the value of a gauge. */
export type Measured = { readonly window: RateWindow | undefined } | { readonly gauge: number };

export type LimitVerdict =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      readonly consequence: LimitConsequence;
      /** To be recorded as a violation, once per episode. */
      readonly episodeStarts: boolean;
      /** When the same would fit if nothing else came; null where time alone does not help. */
      readonly retryAfterMs: number | null;
    };

/**
 * Whether `amount` more keeps to a limit: what was used and `amount` together may be `max`, not
 * more. With amount 0 it says whether the limit is exceeded already, for what is counted after the
 * fact (errors, cost). Refused calls are not to be added to the window, or nobody who is throttled
 * would ever come back.
 *
 * An episode is a time of refusals. It begins with the first one, and ends with a whole window
 * without any: in a sliding window now and then one call fits, and whoever waits as long as it was
 * told would else begin a new episode each time. One that goes on counts again after each window.
 * So episodes are counted at least a window apart, however fast the calls come. Of a gauge it ends
 * as soon as something fits.
 *
 * @returns The verdict, and the state: the same object where nothing is to be stored.
 */
export function decideLimit(
  limit: Limit,
  state: LimitState,
  { measured, amount, nowMs }: { measured: Measured; amount: number; nowMs: number },
): { readonly verdict: LimitVerdict; readonly state: LimitState } {
  if (usedOf(limit, measured, nowMs) + amount <= limit.max) {
    const ends = limit.perMs === null && state.episodeMs !== null;
    return { verdict: { allowed: true }, state: ends ? { ...state, episodeMs: null } : state };
  }
  const { next, starts } = refuse(limit, state, nowMs);
  const { repeat } = limit;
  const isRepeated = repeat !== undefined && next.countedMs.length >= repeat.times;
  const verdict: LimitVerdict = {
    allowed: false,
    consequence: isRepeated ? repeat.consequence : limit.consequence,
    episodeStarts: starts,
    retryAfterMs: waitOf(limit, measured, { amount, nowMs }),
  };
  return { verdict, state: next };
}

/** Of a limit with a window, what a gauge shows is a total that somebody else keeps. */
function usedOf({ perMs }: Limit, measured: Measured, nowMs: number): number {
  if ("gauge" in measured) return measured.gauge;
  // Without a window there is nothing that could have been counted.
  return perMs === null ? 0 : totalInWindow(measured.window, { nowMs, windowMs: perMs });
}

function waitOf(
  { perMs, max }: Limit,
  measured: Measured,
  { amount, nowMs }: { amount: number; nowMs: number },
): number | null {
  if ("gauge" in measured || perMs === null) return null;
  return retryAfterMs(measured.window, { nowMs, windowMs: perMs, amount, max });
}

function refuse(
  { perMs, repeat }: Limit,
  state: LimitState,
  nowMs: number,
): { readonly next: LimitState; readonly starts: boolean } {
  // A clock that stepped back: what seems to be yet to come was just now.
  const past = state.countedMs.map((ms) => Math.min(ms, nowMs));
  const sinceMs = state.episodeMs === null ? null : Math.min(state.episodeMs, nowMs);
  // One window after it was counted, an episode has either gone on for a window or ended by now.
  const starts = sinceMs === null || (perMs !== null && nowMs - sinceMs >= perMs);
  const counted = starts ? [...past, nowMs] : past;
  const { times = 0, withinMs = 0 } = repeat ?? {};
  const recent = counted.filter((ms) => nowMs - ms < withinMs);
  return {
    starts,
    next: {
      episodeMs: starts ? nowMs : sinceMs,
      countedMs: times === 0 ? [] : recent.slice(-times),
    },
  };
}

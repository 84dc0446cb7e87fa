/**
 * Calls refused in one window of a flood; a window begins with a refused call and holds for its
 * whole length. A type, so that it is plain JSON to the compiler.
 */
export type Flood = {
  /** The first refused call, which is recorded singly. */
  readonly fromMs: number;
  /** The last one that was only counted. */
  readonly toMs: number;
  /** Only counted: all of the window but the first. */
  readonly refused: number;
};

/** What one entry says of the calls that got none of their own. */
export interface FloodAggregate {
  readonly fromMs: number;
  readonly toMs: number;
  /** How many calls were only counted; at least 1. */
  readonly refused: number;
}

interface At {
  readonly nowMs: number;
  readonly windowMs: number;
}

/**
 * One more refused call. `single` says that this call is recorded by itself, `ended` that a window
 * is over and its count is to be recorded, once. So each window costs at most two records, and
 * singles and counts together are all refused calls.
 */
export function countRefusal(
  flood: Flood | null,
  at: At,
): { readonly flood: Flood; readonly single: boolean; readonly ended: FloodAggregate | null } {
  const { flood: open, ended } = floodOf(flood, at);
  const { nowMs } = at;
  if (open === null) {
    return { flood: { fromMs: nowMs, toMs: nowMs, refused: 0 }, single: true, ended };
  }
  const toMs = Math.max(open.toMs, nowMs);
  return { flood: { ...open, toMs, refused: open.refused + 1 }, single: false, ended };
}

/**
 * The flood as of now, the same object while its window lasts, and what is to be recorded of one
 * that is over. To be asked by whoever looks after what is due, as no more calls may come. A clock
 * that steps back by more than a window ends it too.
 */
export function floodOf(
  flood: Flood | null,
  { nowMs, windowMs }: At,
): { readonly flood: Flood | null; readonly ended: FloodAggregate | null } {
  if (flood === null || Math.abs(nowMs - flood.fromMs) < windowMs) return { flood, ended: null };
  return { flood: null, ended: flood.refused === 0 ? null : flood };
}

import { GuvnorError } from "./errors.ts";

/** Sub-buckets in a window; one more is kept, as the newest is only partly over. */
const SLOTS = 12;

/**
 * What happened in the last window, as a ring of 13 counts. A type, so that it is plain JSON to the
 * compiler and one row can hold it; a subject that does nothing costs an empty list.
 */
export type RateWindow = {
  readonly windowMs: number;
  /** Index of the newest slot: whole slots of windowMs / 12 since 1970. */
  readonly slot: number;
  /** Amounts by slot, newest first; the slots after the last one hold nothing. */
  readonly counts: readonly number[];
};

/** Both in whole milliseconds. */
export interface WindowAt {
  readonly nowMs: number;
  readonly windowMs: number;
}

/**
 * Adds to the count of the present moment (sliding window counters, as resilience4j's time-based
 * window: a ring of sub-buckets, not a log of calls). At most 13 numbers, whatever the rate.
 *
 * @param amount - 1 for a call; fractions (cost in USD) are summed as doubles.
 * @throws {GuvnorError} `input_invalid` for an amount below 0 or not finite, or no real window.
 */
export function addToWindow(
  state: RateWindow | undefined,
  { nowMs, windowMs, amount = 1 }: WindowAt & { readonly amount?: number },
): RateWindow {
  if (!Number.isFinite(amount) || amount < 0) {
    throw refused(`An amount of ${amount}`, "Count amounts from 0.");
  }
  const aligned = alignWindow(state, { nowMs, windowMs });
  const slot = Math.max(slotOf(nowMs, windowMs), aligned?.slot ?? -Infinity);
  const [newest = 0, ...older] = countsAt(aligned, slot);
  return { windowMs, slot, counts: withoutTail([newest + amount, ...older]) };
}

/**
 * The amount of the last window. It never undercounts (but for the rounding of fractions): whatever
 * was added less than `windowMs` ago is in it. It overcounts by what lies at most one slot
 * (windowMs / 12) further back, and not at all where nothing does. Each step back of the clock keeps
 * what was counted before it for at most another window and two slots, never for good.
 */
export function totalInWindow(state: RateWindow | undefined, at: WindowAt): number {
  const aligned = alignWindow(state, at);
  return sum(countsAt(aligned, slotOf(at.nowMs, at.windowMs)));
}

/**
 * Milliseconds until `amount` more would fit under `max`, if nothing else is added: 0 when it fits
 * now, null when it never will. Exact for what totalInWindow answers: one millisecond earlier it
 * does not fit.
 */
export function retryAfterMs(
  state: RateWindow | undefined,
  {
    nowMs,
    windowMs,
    amount = 1,
    max,
  }: WindowAt & { readonly amount?: number; readonly max: number },
): number | null {
  if (!(amount <= max)) return null;
  const aligned = alignWindow(state, { nowMs, windowMs });
  const counts = countsAt(aligned, slotOf(nowMs, windowMs));
  // The oldest slots leave first; what is left is summed as totalInWindow will sum it then.
  let kept = counts.length;
  while (sum(counts.slice(0, kept)) + amount > max) kept -= 1;
  if (kept === counts.length) return 0;
  const newest = Math.max(slotOf(nowMs, windowMs), aligned?.slot ?? -Infinity);
  const leaves = newest - kept + SLOTS + 1;
  return Math.max(0, startOf(leaves, windowMs) - nowMs);
}

/**
 * The state as of now, and the same object unless something has to be remembered: the window's
 * length was changed, or the clock stepped back by more than a window. Store what is not the same,
 * or counts from a clock that was ahead would last until it is that late again.
 *
 * A smaller step back changes nothing: counts go into the newest slot until the time is past it
 * again. After a larger one the ring is set to one slot ahead of the new time: each count keeps its
 * age, and a slot more, as nobody knows how far into the slot it was. Nothing is lost by a step
 * back. A step forward is taken for time that passed.
 */
export function alignWindow(
  state: RateWindow | undefined,
  { nowMs, windowMs }: WindowAt,
): RateWindow | undefined {
  if (!Number.isSafeInteger(windowMs) || windowMs <= 0 || !Number.isSafeInteger(nowMs * SLOTS)) {
    const what = `A window of ${windowMs} ms at ${nowMs}`;
    throw refused(what, "Use whole milliseconds, and a window longer than 0.");
  }
  if (state === undefined) return undefined;
  const now = slotOf(nowMs, windowMs);
  if (state.windowMs !== windowMs) return resized(state, nowMs, windowMs);
  return state.slot > now + SLOTS ? { ...state, slot: now + 1 } : state;
}

/** Each old slot's count goes where its youngest call may have been: again nothing is undercounted. */
function resized(state: RateWindow, nowMs: number, windowMs: number): RateWindow {
  const slot = slotOf(nowMs, windowMs);
  const counts: number[] = [];
  for (const [age, count] of state.counts.entries()) {
    const youngestMs = Math.min(nowMs, startOf(state.slot - age + 1, state.windowMs) - 1);
    const place = slot - slotOf(youngestMs, windowMs);
    if (place > SLOTS) break;
    while (counts.length <= place) counts.push(0);
    counts[place] = (counts[place] ?? 0) + count;
  }
  return { windowMs, slot, counts: withoutTail(counts) };
}

/** The counts that are still in the window when `slot` is the present one, newest first. */
function countsAt(state: RateWindow | undefined, slot: number): readonly number[] {
  if (state === undefined) return [];
  const passed = Math.min(Math.max(0, slot - state.slot), SLOTS + 1);
  const gap = Array.from({ length: passed }, () => 0);
  return [...gap, ...state.counts].slice(0, SLOTS + 1);
}

/** For whole milliseconds the division never rounds up to a slot that has not begun. */
function slotOf(ms: number, windowMs: number): number {
  return Math.floor((ms * SLOTS) / windowMs);
}

/** The first whole millisecond of a slot. */
function startOf(slot: number, windowMs: number): number {
  return Math.ceil((slot * windowMs) / SLOTS);
}

function sum(counts: readonly number[]): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

function withoutTail(counts: readonly number[]): readonly number[] {
  return counts.slice(0, counts.findLastIndex((count) => count > 0) + 1);
}

function refused(what: string, fix: string): GuvnorError {
  return new GuvnorError("input_invalid", `${what} cannot be counted.`, fix);
}

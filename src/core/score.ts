/** Ten minutes of waiting weigh as much as one point of priority, so that nothing starves. */
const AGE_MS_PER_POINT = 600_000;

export interface ScoreParts {
  readonly priority: number;
  /** Points for waiting, one per ten minutes. */
  readonly age: number;
  readonly total: number;
}

/** The named parts of a ready task's score at `nowMs`. */
export function scoreTask(priority: number, readyAtMs: number, nowMs: number): ScoreParts {
  const age = Math.max(0, nowMs - readyAtMs) / AGE_MS_PER_POINT;
  return { priority, age, total: priority + age };
}

/**
 * Orders ready tasks as `scoreTask` does at any time: as age grows evenly for all of them, the time
 * drops out of every comparison, and an index can hold the order.
 */
export function orderKey(priority: number, readyAtMs: number): number {
  return priority * AGE_MS_PER_POINT - readyAtMs;
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  countRefusal,
  floodOf,
  type Flood,
  type FloodAggregate,
} from "../../src/core/refusal-flood.ts";

const START_MS = 1_795_000_000_000;
const windowMs = 60_000;

interface Recorded {
  readonly singles: readonly number[];
  readonly aggregates: readonly FloodAggregate[];
}

/** What is recorded of refused calls at these times; `flush` looks after what is due in between. */
function record(times: readonly number[], flush: readonly number[] = []): Recorded {
  const singles: number[] = [];
  const aggregates: FloodAggregate[] = [];
  let flood: Flood | null = null;
  const add = (ended: FloodAggregate | null): void => {
    if (ended !== null) aggregates.push(ended);
  };
  for (const [index, nowMs] of times.entries()) {
    const counted: ReturnType<typeof countRefusal> = countRefusal(flood, { nowMs, windowMs });
    ({ flood } = counted);
    add(counted.ended);
    if (counted.single) singles.push(nowMs);
    const due = floodOf(flood, { nowMs: nowMs + (flush[index] ?? 0), windowMs });
    ({ flood } = due);
    add(due.ended);
  }
  add(floodOf(flood, { nowMs: Math.max(...times) + windowMs, windowMs }).ended);
  return { singles, aggregates };
}

/** Times that rise, and now and then step back. */
const times = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 3000 }) },
      { weight: 1, arbitrary: fc.integer({ min: -200_000, max: 200_000 }) },
    ),
    { minLength: 1, maxLength: 200, size: "max" },
  )
  .map((pauses) => {
    let nowMs = START_MS;
    return pauses.map((pause) => (nowMs += pause));
  });

describe("a flood of refused calls", () => {
  test("within one window makes at most two records, whatever its size", () => {
    const within = fc
      .array(fc.integer({ min: 0, max: windowMs - 1 }), {
        minLength: 1,
        maxLength: 500,
        size: "max",
      })
      .map((all) => all.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(within, (offsets) => {
        const first = offsets[0] ?? 0;
        const { singles, aggregates } = record(offsets.map((ms) => START_MS + ms - first));
        expect(singles).toEqual([START_MS]);
        expect(aggregates.length).toBe(offsets.length > 1 ? 1 : 0);
      }),
    );
  });

  test("leaves no call uncounted, whoever looks in between and however the clock runs", () => {
    fc.assert(
      fc.property(
        times,
        fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 200, size: "max" }),
        (all, flush) => {
          const { singles, aggregates } = record(all, flush);
          const counted = aggregates.reduce((total, { refused }) => total + refused, 0);
          expect(singles.length + counted).toBe(all.length);
        },
      ),
    );
  });

  test("makes two records a window at most: each aggregate follows a single of its own", () => {
    fc.assert(
      fc.property(times, (all) => {
        const { singles, aggregates } = record(all);
        expect(aggregates.length).toBeLessThanOrEqual(singles.length);
        for (const { fromMs, toMs, refused } of aggregates) {
          expect(singles).toContain(fromMs);
          expect(refused).toBeGreaterThan(0);
          expect(toMs).toBeGreaterThanOrEqual(fromMs);
          expect(toMs - fromMs).toBeLessThan(windowMs);
        }
      }),
    );
  });

  test("that goes on has one of each in each window", () => {
    const all = Array.from({ length: 1800 }, (_, call) => START_MS + call * 100);
    const { singles, aggregates } = record(all);
    expect(singles).toEqual([0, 1, 2].map((minute) => START_MS + minute * windowMs));
    expect(aggregates).toEqual(
      [0, 1, 2].map((minute) => ({
        fromMs: START_MS + minute * windowMs,
        toMs: START_MS + (minute + 1) * windowMs - 100,
        refused: 599,
      })),
    );
  });
});

test("what is over comes out once", () => {
  let { flood } = countRefusal(null, { nowMs: 0, windowMs });
  ({ flood } = countRefusal(flood, { nowMs: 5, windowMs }));
  const over = floodOf(flood, { nowMs: windowMs, windowMs });
  expect(over).toEqual({ flood: null, ended: { fromMs: 0, toMs: 5, refused: 1 } });
  expect(floodOf(over.flood, { nowMs: windowMs, windowMs }).ended).toBeNull();
  expect(floodOf(flood, { nowMs: windowMs - 1, windowMs })).toEqual({ flood, ended: null });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  addToWindow,
  alignWindow,
  retryAfterMs,
  totalInWindow,
  type RateWindow,
} from "../../src/core/rate-window.ts";

const START_MS = 1_795_000_000_000;
const windowMs = fc.oneof(
  fc.constantFrom(1, 7, 12, 1000, 60_000, 86_400_000),
  fc.integer({ min: 1, max: 100_000 }),
);
/** Sixteenths add up without rounding, so that sums can be compared exactly. */
const amount = fc.integer({ min: 0, max: 64 }).map((sixteenths) => sixteenths / 16);

/** Something added after a pause, as a share of the window: mostly within it, now and then past it. */
const pause = fc.oneof(
  { weight: 5, arbitrary: fc.double({ min: 0, max: 0.2, noNaN: true }) },
  { weight: 1, arbitrary: fc.double({ min: 0, max: 1.5, noNaN: true }) },
);
const steps = fc.array(fc.record({ pause, amount }), { minLength: 1, maxLength: 60, size: "max" });

interface Event {
  readonly atMs: number;
  readonly amount: number;
}

/** The naive list: what was added after `fromMs`. */
function totalSince(events: readonly Event[], fromMs: number): number {
  return events
    .filter(({ atMs }) => atMs > fromMs)
    .reduce((total, event) => total + event.amount, 0);
}

/** Adds all steps; returns the state, the list, and the last time. */
function play(
  window: number,
  given: readonly { readonly pause: number; readonly amount: number }[],
): { state: RateWindow | undefined; events: Event[]; nowMs: number } {
  let nowMs = START_MS;
  let state: RateWindow | undefined;
  const events: Event[] = [];
  for (const each of given) {
    nowMs += Math.round(each.pause * window);
    state = addToWindow(state, { nowMs, windowMs: window, amount: each.amount });
    events.push({ atMs: nowMs, amount: each.amount });
  }
  return { state, events, nowMs };
}

describe("totalInWindow", () => {
  test("lies between the true last window and one that is a sub-bucket longer", () => {
    fc.assert(
      fc.property(
        windowMs,
        steps,
        fc.double({ min: 0, max: 2, noNaN: true }),
        (window, all, later) => {
          const { state, events, nowMs } = play(window, all);
          const lookMs = nowMs + Math.round(later * window);
          const total = totalInWindow(state, { nowMs: lookMs, windowMs: window });
          expect(total).toBeGreaterThanOrEqual(totalSince(events, lookMs - window));
          expect(total).toBeLessThanOrEqual(totalSince(events, lookMs - window - window / 12));
        },
      ),
    );
  });

  test("is right after each single step too, not only at the end", () => {
    fc.assert(
      fc.property(windowMs, steps, (window, all) => {
        for (let count = 1; count <= all.length; count += 1) {
          const { state, events, nowMs } = play(window, all.slice(0, count));
          const total = totalInWindow(state, { nowMs, windowMs: window });
          expect(total).toBeGreaterThanOrEqual(totalSince(events, nowMs - window));
        }
      }),
      { numRuns: 30 },
    );
  });

  test("is 0 of nothing, and 0 again a window and a sub-bucket later", () => {
    expect(totalInWindow(undefined, { nowMs: START_MS, windowMs: 60_000 })).toBe(0);
    fc.assert(
      fc.property(windowMs, steps, (window, all) => {
        const { state, nowMs } = play(window, all);
        const lateMs = nowMs + window + Math.ceil(window / 12);
        expect(totalInWindow(state, { nowMs: lateMs, windowMs: window })).toBe(0);
      }),
    );
  });

  test("sums costs in fractions to within rounding", () => {
    let state: RateWindow | undefined;
    for (let call = 0; call < 1000; call += 1) {
      state = addToWindow(state, { nowMs: START_MS + call, windowMs: 86_400_000, amount: 0.0137 });
    }
    const total = totalInWindow(state, { nowMs: START_MS + 1000, windowMs: 86_400_000 });
    expect(total).toBeCloseTo(13.7, 9);
  });
});

describe("a clock that steps back", () => {
  /** Time goes on, or the clock is set back by up to five windows. */
  const jolts = fc.array(fc.record({ move: fc.double({ min: -5, max: 1, noNaN: true }), amount }), {
    minLength: 1,
    maxLength: 60,
    size: "max",
  });

  test("loses nothing: what was added within a window of time that really passed is there", () => {
    fc.assert(
      fc.property(windowMs, jolts, (window, all) => {
        let nowMs = START_MS;
        // Time that passed: steps back do not count.
        let passedMs = 0;
        let state: RateWindow | undefined;
        const events: Event[] = [];
        for (const { move, amount: added } of all) {
          const movedMs = Math.round(move * window);
          nowMs += movedMs;
          passedMs += Math.max(0, movedMs);
          state = alignWindow(state, { nowMs, windowMs: window });
          const total = totalInWindow(state, { nowMs, windowMs: window });
          expect(total).toBeGreaterThanOrEqual(totalSince(events, passedMs - window));
          state = addToWindow(state, { nowMs, windowMs: window, amount: added });
          events.push({ atMs: passedMs, amount: added });
        }
      }),
    );
  });

  test("loses nothing by where in a sub-bucket it was, and where in one it comes to", () => {
    // Sub-buckets of 100 ms: added at the end of one, seen at the start of the next, set back to the end of one.
    const before = addToWindow(undefined, { nowMs: START_MS - 1, windowMs: 1200 });
    const state = addToWindow(before, { nowMs: START_MS, windowMs: 1200, amount: 0 });
    const backMs = START_MS - 6000 + 99;
    const stored = alignWindow(state, { nowMs: backMs, windowMs: 1200 });
    const total = totalInWindow(stored, { nowMs: backMs + 1198, windowMs: 1200 });
    expect(total).toBe(1);
  });

  test("keeps counts for at most another window and two sub-buckets", () => {
    const back = fc.double({ min: 0, max: 1000, noNaN: true });
    fc.assert(
      fc.property(windowMs, steps, back, (window, all, by) => {
        const { state, nowMs } = play(window, all);
        const steppedMs = nowMs - Math.round(by * window);
        const stored = alignWindow(state, { nowMs: steppedMs, windowMs: window });
        const goneMs = steppedMs + 2 * window + Math.ceil((3 * window) / 12);
        expect(totalInWindow(stored, { nowMs: goneMs, windowMs: window })).toBe(0);
      }),
    );
  });

  test("needs no storing where it steps back by less than a window", () => {
    fc.assert(
      fc.property(
        windowMs,
        steps,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (window, all, by) => {
          const { state, nowMs } = play(window, all);
          const backMs = nowMs - Math.floor(by * window);
          expect(alignWindow(state, { nowMs: backMs, windowMs: window })).toBe(state);
          expect(alignWindow(state, { nowMs: nowMs + 5, windowMs: window })).toBe(state);
        },
      ),
    );
  });

  test("two clocks that differ by less than a window, taken in turn, lose nothing", () => {
    let state: RateWindow | undefined;
    for (let call = 0; call < 1000; call += 1) {
      const nowMs = START_MS + call + (call % 2 === 0 ? 55_000 : 0);
      state = addToWindow(state, { nowMs, windowMs: 60_000 });
    }
    expect(totalInWindow(state, { nowMs: START_MS + 1000, windowMs: 60_000 })).toBe(1000);
  });
});

describe("a window whose length is changed", () => {
  const ratio = fc.oneof(
    fc.constantFrom(1 / 12, 0.5, 2, 12),
    fc.double({ min: 0.2, max: 5, noNaN: true }),
  );
  const later = fc.double({ min: 0, max: 1.2, noNaN: true });

  test("counts on: what both windows reach is there, and what is too old for both is not", () => {
    fc.assert(
      fc.property(windowMs, ratio, steps, later, (before, times, all, by) => {
        const after = Math.max(1, Math.round(before * times));
        const { state, events, nowMs } = play(before, all);
        const lookMs = nowMs + Math.round(by * after);
        const total = totalInWindow(state, { nowMs: lookMs, windowMs: after });
        const reachMs = Math.min(after, before + lookMs - nowMs);
        expect(total).toBeGreaterThanOrEqual(totalSince(events, lookMs - reachMs));
        const oldestMs = lookMs - after - after / 12 - before / 12;
        expect(total).toBeLessThanOrEqual(totalSince(events, oldestMs));
      }),
      { numRuns: 500 },
    );
  });

  test("loses nothing wherever the bounds of the two lie", () => {
    for (let addMs = START_MS; addMs < START_MS + 1300; addMs += 1) {
      const state = addToWindow(undefined, { nowMs: addMs, windowMs: 1200 });
      const at = { nowMs: addMs + 1299, windowMs: 1300 };
      expect(totalInWindow(state, at)).toBe(1);
    }
  });
});

describe("retryAfterMs", () => {
  test("is the first millisecond at which one more fits", () => {
    const wanted = fc.integer({ min: 0, max: 48 }).map((sixteenths) => sixteenths / 16);
    const limit = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(windowMs, steps, wanted, limit, (window, all, more, max) => {
        const { state, nowMs } = play(window, all);
        const at = (ms: number): number => totalInWindow(state, { nowMs: ms, windowMs: window });
        const waitMs = retryAfterMs(state, { nowMs, windowMs: window, amount: more, max });
        if (waitMs === null) {
          expect(more).toBeGreaterThan(max);
          return;
        }
        expect(at(nowMs + waitMs) + more).toBeLessThanOrEqual(max);
        if (waitMs > 0) expect(at(nowMs + waitMs - 1) + more).toBeGreaterThan(max);
        expect(waitMs).toBeLessThanOrEqual(window + Math.ceil(window / 12));
      }),
    );
  });

  test("holds after a step back too", () => {
    fc.assert(
      fc.property(
        windowMs,
        steps,
        fc.double({ min: 0, max: 3, noNaN: true }),
        (window, all, by) => {
          const played = play(window, all);
          const nowMs = played.nowMs - Math.round(by * window);
          const state = alignWindow(played.state, { nowMs, windowMs: window });
          const waitMs = retryAfterMs(state, { nowMs, windowMs: window, max: 1 }) ?? 0;
          const total = totalInWindow(state, { nowMs: nowMs + waitMs, windowMs: window });
          expect(total + 1).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  test("is never for what is more than the whole limit", () => {
    expect(retryAfterMs(undefined, { nowMs: 0, windowMs: 1000, amount: 2, max: 1 })).toBeNull();
    expect(retryAfterMs(undefined, { nowMs: 0, windowMs: 1000, max: 0 })).toBeNull();
    expect(retryAfterMs(undefined, { nowMs: 0, windowMs: 1000, max: 1 })).toBe(0);
  });
});

test("the state is small plain JSON, whatever was counted", () => {
  fc.assert(
    fc.property(windowMs, steps, (window, all) => {
      const { state } = play(window, all);
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
      expect(state?.counts.length).toBeLessThanOrEqual(13);
    }),
  );
});

test("nothing that was added takes no place", () => {
  const at = { nowMs: START_MS, windowMs: 60_000, amount: 0 };
  expect(addToWindow(undefined, at).counts).toEqual([]);
  expect(addToWindow(addToWindow(undefined, at), { ...at, amount: 2 }).counts).toEqual([2]);
});

test.each([
  { nowMs: START_MS, windowMs: 60_000, amount: -1 },
  { nowMs: START_MS, windowMs: 60_000, amount: Number.NaN },
  { nowMs: START_MS, windowMs: 60_000, amount: Infinity },
  { nowMs: START_MS, windowMs: 0 },
  { nowMs: START_MS, windowMs: 0.5 },
  { nowMs: Number.NaN, windowMs: 60_000 },
])("refuses what cannot be counted: %j", (at) => {
  expect(() => addToWindow(undefined, at)).toThrow(
    expect.objectContaining({ code: "input_invalid" }),
  );
});

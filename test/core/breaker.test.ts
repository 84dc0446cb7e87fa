import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  abandonProbe,
  admit,
  breakerAt,
  CLOSED_BREAKER,
  DEFAULT_BREAKER,
  openWaitMs,
  settle,
  type Breaker,
  type BreakerSettings,
} from "../../src/core/breaker.ts";

const START_MS = 1_795_000_000_000;
const SETTINGS: BreakerSettings = { ...DEFAULT_BREAKER, concurrentProbes: 2 };

const random = fc.double({ min: 0, max: 1, noNaN: true });

/** Calls that a closed breaker let through, with their results. */
function after(
  results: readonly boolean[],
  { from = CLOSED_BREAKER, nowMs = START_MS }: { from?: Breaker; nowMs?: number } = {},
): Breaker {
  let state = from;
  for (const failed of results) {
    state = settle(state, SETTINGS, { failed, probe: undefined, nowMs, random: 0 });
  }
  return state;
}

const OPEN = after(Array.from({ length: 20 }, () => true));

function probeOf(state: Breaker, nowMs: number): { state: Breaker; probe: number } {
  const admission = admit(state, SETTINGS, nowMs);
  if (!admission.admitted || admission.probe === undefined) throw new Error("no probe was given");
  return { state: admission.state, probe: admission.probe };
}

/** Takes an open breaker through its next probe. */
function tryOnce(state: Breaker, failed: boolean, chance = 0): { state: Breaker; nowMs: number } {
  const nowMs = state.openUntilMs;
  const probing = probeOf(state, nowMs);
  const result = { failed, probe: probing.probe, nowMs, random: chance };
  return { state: settle(probing.state, SETTINGS, result), nowMs };
}

test("what is seen of a breaker is what the next call finds", () => {
  expect(breakerAt(CLOSED_BREAKER, SETTINGS, START_MS)).toEqual({ phase: "closed", untilMs: null });
  const { openUntilMs } = OPEN;
  const open = { phase: "open", untilMs: openUntilMs };
  expect(breakerAt(OPEN, SETTINGS, openUntilMs - 1)).toEqual(open);
  const halfOpen = { phase: "half_open", untilMs: null };
  expect(breakerAt(OPEN, SETTINGS, openUntilMs)).toEqual(halfOpen);
  const one = probeOf(OPEN, openUntilMs).state;
  expect(breakerAt(one, SETTINGS, openUntilMs)).toEqual(halfOpen);
  const untilMs = openUntilMs + SETTINGS.probeLeaseMs;
  const full = probeOf(one, openUntilMs).state;
  expect(breakerAt(full, SETTINGS, openUntilMs)).toEqual({ phase: "half_open", untilMs });
  expect(breakerAt(full, SETTINGS, untilMs)).toEqual(halfOpen);
});

describe("a closed breaker", () => {
  test("opens as soon as the ratio is reached, and never with fewer calls or a single failure", () => {
    const wide = fc.record({
      minCalls: fc.integer({ min: 0, max: 12 }),
      errorRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(
        wide,
        fc.array(fc.boolean(), { maxLength: 40, size: "max" }),
        (given, results) => {
          const settings = { ...SETTINGS, ...given };
          let state = CLOSED_BREAKER;
          let calls = 0;
          let failures = 0;
          for (const failed of results) {
            calls += 1;
            failures += failed ? 1 : 0;
            const result = { failed, probe: undefined, nowMs: START_MS, random: 0 };
            state = settle(state, settings, result);
            const isReached =
              calls >= given.minCalls && failures >= 2 && failures >= given.errorRatio * calls;
            expect(state.phase).toBe(isReached ? "open" : "closed");
            if (isReached) break;
          }
        },
      ),
    );
  });

  test("does not open at a slow start: 19 failures at first are no ratio yet", () => {
    expect(after(Array.from({ length: 19 }, () => true)).phase).toBe("closed");
    expect(OPEN.phase).toBe("open");
  });

  test("opens at just the ratio", () => {
    const good = Array.from({ length: 11 }, () => false);
    const bad = Array.from({ length: 9 }, () => true);
    expect(after([...good, ...bad]).phase).toBe("closed");
    expect(after([...good.slice(1), ...bad, true]).phase).toBe("open");
  });

  test("forgets what is older than its window and a sub-bucket", () => {
    const bad = after(Array.from({ length: 19 }, () => true));
    const later = { from: bad, nowMs: START_MS + 65_000 };
    expect(after([true], later).phase).toBe("closed");
    expect(after([true], { from: bad, nowMs: START_MS + 30_000 }).phase).toBe("open");
  });

  test("admits everything, and has nothing to store for it", () => {
    const state = after([true, false]);
    expect(admit(state, SETTINGS, START_MS)).toEqual({ admitted: true, state });
    expect(admit(state, SETTINGS, START_MS).state).toBe(state);
  });

  test("takes the late result of a probe for that of any call", () => {
    const result = { failed: true, probe: 7, nowMs: START_MS, random: 0 };
    expect(settle(CLOSED_BREAKER, SETTINGS, result)).toEqual(after([true]));
  });
});

describe("an open breaker", () => {
  test("admits nothing until its wait is over, and says how long that is", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 29_999 }), (ms) => {
        const admission = admit(OPEN, SETTINGS, START_MS + ms);
        expect(admission).toEqual({ admitted: false, state: OPEN, retryAfterMs: 30_000 - ms });
        expect(admission.state).toBe(OPEN);
      }),
    );
    expect(admit(OPEN, SETTINGS, START_MS + 30_000)).toMatchObject({ admitted: true, probe: 1 });
  });

  test("hears nothing from calls that were admitted before", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.option(fc.nat(3), { nil: undefined }), (failed, probe) => {
        const result = { failed, probe, nowMs: START_MS + 5, random: 0 };
        expect(settle(OPEN, SETTINGS, result)).toBe(OPEN);
      }),
    );
  });

  test("waits no longer than it was to wait, where the clock stepped back", () => {
    const nowMs = START_MS - 86_400_000;
    const admission = admit(OPEN, SETTINGS, nowMs);
    expect(admission).toMatchObject({ admitted: false, retryAfterMs: OPEN.waitMs });
    expect(admit(admission.state, SETTINGS, nowMs + OPEN.waitMs).admitted).toBe(true);
  });

  test("waits longer after each failed probe, up to the longest wait", () => {
    fc.assert(
      fc.property(fc.array(random, { minLength: 1, maxLength: 30, size: "max" }), (chances) => {
        let state = OPEN;
        let beforeMs = 30_000 * 0.8;
        for (const chance of chances) {
          const tried = tryOnce(state, true, chance);
          const waitMs = tried.state.openUntilMs - tried.nowMs;
          expect(waitMs).toBeLessThanOrEqual(SETTINGS.maxOpenMs);
          expect(waitMs).toBeGreaterThanOrEqual(Math.min(beforeMs, SETTINGS.maxOpenMs * 0.8));
          ({ state } = tried);
          beforeMs = waitMs;
        }
        expect(state.opens).toBe(chances.length + 1);
      }),
    );
  });

  test("waits openForMs · 2ⁿ up to the longest, less up to a fifth", () => {
    const waits = [0, 1, 2, 4, 5, 2000].map((opens) => openWaitMs(SETTINGS, opens, 0));
    expect(waits).toEqual([30_000, 60_000, 120_000, 480_000, 600_000, 600_000]);
    fc.assert(
      fc.property(fc.nat(3000), random, (opens, chance) => {
        const fullMs = openWaitMs(SETTINGS, opens, 0);
        const waitMs = openWaitMs(SETTINGS, opens, chance);
        expect(waitMs).toBeLessThanOrEqual(fullMs);
        expect(waitMs).toBeGreaterThanOrEqual(fullMs * 0.8 - 1);
      }),
    );
  });
});

describe("a half-open breaker", () => {
  const openedMs = OPEN.openUntilMs;

  test("admits so many probes at once and no more", () => {
    const first = probeOf(OPEN, openedMs);
    const second = probeOf(first.state, openedMs + 10);
    expect([first.probe, second.probe]).toEqual([1, 2]);
    const third = admit(second.state, SETTINGS, openedMs + 20);
    expect(third).toEqual({ admitted: false, state: second.state, retryAfterMs: 29_980 });
    expect(third.state).toBe(second.state);
    const atOnce = probeOf(probeOf(OPEN, openedMs).state, openedMs).state;
    expect(admit(atOnce, SETTINGS, openedMs).state).toBe(atOnce);
  });

  test("is not held by a prober that crashed: its lease ends", () => {
    const first = probeOf(OPEN, openedMs);
    const second = probeOf(first.state, openedMs);
    expect(admit(second.state, SETTINGS, openedMs + 29_999).admitted).toBe(false);
    expect(admit(second.state, SETTINGS, openedMs + 30_000)).toMatchObject({ probe: 3 });
  });

  test("is not held by a lease from a clock that was ahead", () => {
    const second = probeOf(probeOf(OPEN, openedMs + 86_400_000).state, openedMs + 86_400_000);
    const refused = admit(second.state, SETTINGS, openedMs);
    expect(refused).toMatchObject({ admitted: false, retryAfterMs: 30_000 });
    expect(admit(refused.state, SETTINGS, openedMs + 30_000).admitted).toBe(true);
    // One of the two is from now: the other one is cut to size all the same.
    const [ahead] = second.state.probing;
    if (ahead === undefined) throw new Error("no probe is out");
    const probing = [{ probe: 2, untilMs: openedMs + 30_000 }, ahead];
    const mixed = admit({ ...second.state, probing }, SETTINGS, openedMs);
    expect(mixed.state.probing.map(({ untilMs }) => untilMs)).toEqual([
      openedMs + 30_000,
      openedMs + 30_000,
    ]);
  });

  test("drops a lease that is over though fewer probes may be out now", () => {
    const second = probeOf(probeOf(OPEN, openedMs).state, openedMs + 10);
    const fewer = { ...SETTINGS, concurrentProbes: 1 };
    const refused = admit(second.state, fewer, openedMs + 30_000);
    expect(refused).toMatchObject({ admitted: false, retryAfterMs: 10 });
    expect(refused.state.probing).toEqual([{ probe: 2, untilMs: openedMs + 30_010 }]);
  });

  test("closes after so many successes, and starts over with an empty window and the first wait", () => {
    let { state, probe } = probeOf(OPEN, openedMs);
    for (let success = 1; success <= 3; success += 1) {
      const result = { failed: false, probe, nowMs: openedMs + success, random: 0 };
      state = settle(state, SETTINGS, result);
      expect(state.phase).toBe(success < 3 ? "half_open" : "closed");
      if (success < 3) ({ state, probe } = probeOf(state, openedMs + success));
    }
    expect(state).toEqual({ ...CLOSED_BREAKER, lastProbe: 3 });
  });

  test("opens again at the first failure, whatever succeeded before", () => {
    const first = probeOf(OPEN, openedMs);
    const second = probeOf(first.state, openedMs);
    const at = { nowMs: openedMs, random: 0 };
    const one = settle(second.state, SETTINGS, { ...at, failed: false, probe: 1 });
    const two = settle(one, SETTINGS, { ...at, failed: true, probe: 2 });
    expect(two).toMatchObject({ phase: "open", opens: 2, openUntilMs: openedMs + 60_000 });
  });

  test("counts each probe once, and in time: of a late one only a failure counts", () => {
    const first = probeOf(OPEN, openedMs);
    const inTime = { failed: false, probe: 1, nowMs: openedMs + 29_999, random: 0 };
    const once = settle(first.state, SETTINGS, inTime);
    expect(once.successes).toBe(1);
    expect(settle(once, SETTINGS, inTime)).toBe(once);
    const late = { ...inTime, nowMs: openedMs + 30_000 };
    expect(settle(first.state, SETTINGS, late)).toBe(first.state);
    expect(settle(first.state, SETTINGS, { ...late, failed: true }).phase).toBe("open");
  });

  test("hears nothing from calls before it, nor from probes of an earlier time", () => {
    const reopened = tryOnce(OPEN, true).state;
    const second = probeOf(reopened, reopened.openUntilMs);
    const at = { nowMs: reopened.openUntilMs, random: 0 };
    for (const failed of [true, false]) {
      for (const probe of [undefined, 1]) {
        expect(settle(second.state, SETTINGS, { ...at, failed, probe })).toBe(second.state);
      }
    }
  });
});

/** Anything that may happen to a breaker that several processes share. */
type Happening =
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "call" }
  | { readonly kind: "result"; readonly which: number; readonly failed: boolean };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: -5000, max: 40_000 }) }),
  fc.record({ kind: fc.constant("call" as const) }),
  fc.record({ kind: fc.constant("result" as const), which: fc.nat(), failed: fc.boolean() }),
);

test("in any history: few probes at once, numbers never used twice, nothing held for ever", () => {
  const settings: BreakerSettings = {
    ...SETTINGS,
    minCalls: 2,
    openForMs: 5000,
    maxOpenMs: 40_000,
  };
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 150, size: "max" }), (history) => {
      let state = CLOSED_BREAKER;
      let nowMs = START_MS;
      const out: (number | undefined)[] = [];
      const probes = new Set<number>();
      for (const each of history) {
        if (each.kind === "pass") nowMs += each.ms;
        if (each.kind === "call") {
          const admission = admit(state, settings, nowMs);
          ({ state } = admission);
          if (admission.admitted) {
            out.push(admission.probe);
            expect(admission.probe === undefined).toBe(state.phase === "closed");
            if (admission.probe !== undefined) {
              expect(probes.has(admission.probe)).toBe(false);
              probes.add(admission.probe);
            }
          } else {
            expect(admission.retryAfterMs).toBeGreaterThan(0);
            expect(admission.retryAfterMs).toBeLessThanOrEqual(settings.maxOpenMs);
            const later = admit(state, settings, nowMs + admission.retryAfterMs);
            expect(later.admitted).toBe(true);
          }
        }
        if (each.kind === "result" && out.length > 0) {
          const [probe] = out.splice(each.which % out.length, 1);
          state = settle(state, settings, { failed: each.failed, probe, nowMs, random: 0.5 });
        }
        expect(state.probing.length).toBeLessThanOrEqual(settings.concurrentProbes);
      }
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }),
    { numRuns: 200 },
  );
});

test("a probe that came to nothing lets another one try, and says nothing of how it went", () => {
  const one = { ...SETTINGS, concurrentProbes: 1 };
  const first = admit(OPEN, one, OPEN.openUntilMs);
  if (!first.admitted || first.probe === undefined) throw new Error("no probe was given");
  expect(admit(first.state, one, OPEN.openUntilMs).admitted).toBe(false);
  const left = abandonProbe(first.state, first.probe);
  expect(left).toMatchObject({ phase: "half_open", successes: 0, probing: [] });
  expect(admit(left, one, OPEN.openUntilMs).admitted).toBe(true);
  expect(abandonProbe(left, first.probe)).toBe(left);
});

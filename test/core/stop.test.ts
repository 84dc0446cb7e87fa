import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { canonicalJson } from "../../src/core/canonical-json.ts";
import {
  frozenMs,
  raiseStop,
  resume,
  stopFor,
  stoodStillSince,
  stopIntervals,
  type Stop,
  type StopInterval,
  type StopScope,
} from "../../src/core/stop.ts";

const scope: fc.Arbitrary<StopScope> = fc.oneof(
  fc.constant({ kind: "all" as const }),
  fc.record({ kind: fc.constant("project" as const), project: fc.constantFrom("p", "q") }),
  fc.record({
    kind: fc.constant("agent" as const),
    project: fc.constantFrom("p", "q"),
    agent: fc.constantFrom("ada", "bob"),
  }),
);
const who = fc.record({
  project: fc.constantFrom("p", "q"),
  agent: fc.constantFrom("ada", "bob", null),
});

const act = fc.record({ kind: fc.constantFrom("stop", "stop", "resume"), scope });

/** Stops and resumptions one after another; the reason is the place in the list. */
function play(acts: readonly { readonly kind: string; readonly scope: StopScope }[]): Stop[] {
  const stops: Stop[] = [];
  for (const [nowMs, each] of acts.entries()) {
    if (each.kind === "stop") {
      const given = { scope: each.scope, reason: `${nowMs}`, by: "person:eve" };
      const raised = raiseStop(stops, given, nowMs);
      if (raised !== undefined) stops.push(raised);
    } else {
      const ended = resume(stops, each.scope, { by: "person:kim", nowMs });
      const index = stops.findIndex(
        (stop) => stop.endedAtMs === null && same(stop.scope, each.scope),
      );
      expect(ended === undefined).toBe(index < 0);
      if (ended !== undefined) stops[index] = ended;
    }
  }
  return stops;
}

function same(a: StopScope, b: StopScope): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

const acts = fc.array(act, { maxLength: 40, size: "max" });

describe("stops", () => {
  test("hold until just their scope is resumed, and then they are over", () => {
    fc.assert(
      fc.property(acts, scope, (all, asked) => {
        const held = play(all).filter((stop) => stop.endedAtMs === null && same(stop.scope, asked));
        // The last thing said about this scope decides; each scope holds at most once.
        const last = all.findLast((each) => same(each.scope, asked));
        expect(held.length).toBe(last?.kind === "stop" ? 1 : 0);
      }),
    );
  });

  test("the widest that holds is the one that is named, and none where none does", () => {
    fc.assert(
      fc.property(acts, who, (all, { project, agent }) => {
        const stops = play(all);
        const holds = (wanted: StopScope): Stop | undefined =>
          stops.find((stop) => stop.endedAtMs === null && same(stop.scope, wanted));
        const expected =
          holds({ kind: "all" }) ??
          holds({ kind: "project", project }) ??
          (agent === null ? undefined : holds({ kind: "agent", project, agent }));
        expect(stopFor(stops, { project, agent })).toEqual(expected);
      }),
    );
  });

  test("do not depend on the order in which they are read", () => {
    fc.assert(
      fc.property(acts, who, (all, whom) => {
        const stops = play(all);
        expect(stopFor(stops.toReversed(), whom)).toEqual(stopFor(stops, whom));
      }),
    );
  });

  test("stopping again leaves the first reason, and resuming says by whom", () => {
    const given = { scope: { kind: "all" }, reason: "first", by: "person:eve" } as const;
    const stop = raiseStop([], given, 5);
    expect(stop).toEqual({ ...given, sinceMs: 5, endedAtMs: null, endedBy: null });
    if (stop === undefined) return;
    expect(raiseStop([stop], { ...given, reason: "second" }, 6)).toBeUndefined();
    const ended = resume([stop], { kind: "all" }, { by: "person:kim", nowMs: 9 });
    expect(ended).toEqual({ ...stop, endedAtMs: 9, endedBy: "person:kim" });
    expect(JSON.parse(JSON.stringify(ended))).toEqual(ended);
  });

  test("the intervals of an agent are those of every stop that covers it", () => {
    fc.assert(
      fc.property(acts, who, (all, whom) => {
        const stops = play(all);
        const intervals = stopIntervals(stops, whom);
        for (let ms = 0; ms < all.length; ms += 1) {
          const isStopped = stops.some(
            (stop) =>
              stop.sinceMs <= ms &&
              ms < (stop.endedAtMs ?? Infinity) &&
              stopFor([{ ...stop, endedAtMs: null }], whom) !== undefined,
          );
          expect(frozenMs(intervals, ms, ms + 1)).toBe(isStopped ? 1 : 0);
        }
      }),
    );
  });
});

describe("frozenMs", () => {
  const interval: fc.Arbitrary<StopInterval> = fc.record({
    fromMs: fc.nat(60),
    toMs: fc.option(fc.nat(60), { nil: null }),
  });
  const intervals = fc.array(interval, { maxLength: 8, size: "max" });
  const ms = fc.nat(60);

  test("counts each stopped millisecond once", () => {
    fc.assert(
      fc.property(intervals, ms, ms, (all, fromMs, toMs) => {
        let stopped = 0;
        for (let at = fromMs; at < toMs; at += 1) {
          if (all.some((each) => each.fromMs <= at && at < (each.toMs ?? Infinity))) stopped += 1;
        }
        expect(frozenMs(all, fromMs, toMs)).toBe(stopped);
      }),
      { numRuns: 500 },
    );
  });

  test("adds up over parts of a span", () => {
    fc.assert(
      fc.property(intervals, fc.tuple(ms, ms, ms), (all, times) => {
        const [a = 0, b = 0, c = 0] = times.toSorted((x, y) => x - y);
        expect(frozenMs(all, a, b) + frozenMs(all, b, c)).toBe(frozenMs(all, a, c));
      }),
    );
  });

  test("never falls with another interval, and is never longer than the span", () => {
    fc.assert(
      fc.property(intervals, interval, ms, ms, (all, more, fromMs, toMs) => {
        const before = frozenMs(all, fromMs, toMs);
        const after = frozenMs([...all, more], fromMs, toMs);
        expect(after).toBeGreaterThanOrEqual(before);
        expect(after).toBeLessThanOrEqual(Math.max(0, toMs - fromMs));
      }),
    );
  });
});

describe("how long something had stood still", () => {
  const interval = fc
    .tuple(fc.nat(50), fc.integer({ min: 1, max: 20 }), fc.boolean())
    .map(([fromMs, lengthMs, isOpen]) => ({ fromMs, toMs: isOpen ? null : fromMs + lengthMs }));

  test("is the longest time without a break before then", () => {
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 12, size: "max" }), fc.nat(80), (all, atMs) => {
        const begun = all.filter(({ fromMs }) => fromMs < atMs);
        const isStopped = (ms: number): boolean =>
          begun.some(({ fromMs, toMs }) => fromMs <= ms && ms < (toMs ?? atMs));
        let since = atMs;
        while (isStopped(since - 1)) since -= 1;
        expect(stoodStillSince(begun, atMs)).toBe(since);
      }),
    );
  });
});

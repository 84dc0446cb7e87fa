import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  ANY_CAPABILITY,
  countCall,
  countOutcome,
  DEFAULT_HEALTH,
  healthOf,
  median,
  NO_COUNTERS,
  queueDepths,
  type HealthCounters,
} from "../../src/core/health.ts";

const START_MS = 1_795_000_000_000;
const SETTINGS = { ...DEFAULT_HEALTH, leastCalls: 20 };

const call = fc.record({
  failed: fc.boolean(),
  durationMs: fc.option(fc.nat(20_000), { nil: null }),
});

function after(calls: readonly { failed: boolean; durationMs: number | null }[]): HealthCounters {
  let counters = NO_COUNTERS;
  for (const each of calls) counters = countCall(counters, SETTINGS, { ...each, nowMs: START_MS });
  return counters;
}

describe("the health of an agent", () => {
  test("is its share of errors and the median of what did not wait, once there is enough", () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60, size: "max" }), (calls) => {
        const { errorRate, responseMs } = healthOf(after(calls), SETTINGS, START_MS);
        const errors = calls.filter(({ failed }) => failed).length;
        expect(errorRate).toBe(calls.length < 20 ? null : errors / calls.length);
        const durations = calls.flatMap(({ durationMs }) => durationMs ?? []);
        const last = durations.slice(-51);
        expect(responseMs).toBe(durations.length < 11 ? null : median(last));
      }),
    );
  });

  test("is said from the least number on", () => {
    const calls = Array.from({ length: 20 }, () => ({ failed: false, durationMs: 7 }));
    expect(healthOf(after(calls.slice(1)), SETTINGS, START_MS).errorRate).toBeNull();
    expect(healthOf(after(calls), SETTINGS, START_MS).errorRate).toBe(0);
    expect(healthOf(after(calls.slice(0, 10)), SETTINGS, START_MS).responseMs).toBeNull();
    expect(healthOf(after(calls.slice(0, 11)), SETTINGS, START_MS).responseMs).toBe(7);
  });

  test("is its share of attempts that were done", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 80, size: "max" }), (outcomes) => {
        let counters = NO_COUNTERS;
        for (const isDone of outcomes) counters = countOutcome(counters, isDone);
        const last = outcomes.slice(-51);
        const done = last.filter((isDone) => isDone).length;
        const { completionRate } = healthOf(counters, SETTINGS, START_MS);
        expect(completionRate).toBe(outcomes.length < 5 ? null : done / last.length);
      }),
    );
  });

  test("forgets errors after the window, and says how long it was silent", () => {
    const counters = after(Array.from({ length: 20 }, () => ({ failed: true, durationMs: 5 })));
    expect(healthOf(counters, SETTINGS, START_MS)).toMatchObject({ errorRate: 1, silentMs: 0 });
    const laterMs = START_MS + 2 * SETTINGS.windowMs;
    const later = healthOf(counters, SETTINGS, laterMs);
    expect(later).toMatchObject({ errorRate: null, silentMs: 2 * SETTINGS.windowMs });
    expect(healthOf(counters, SETTINGS, START_MS - 5).silentMs).toBe(0);
  });

  test("is not known of an agent that did nothing", () => {
    const nothing = { errorRate: null, completionRate: null, responseMs: null, silentMs: null };
    expect(healthOf(NO_COUNTERS, SETTINGS, START_MS)).toEqual(nothing);
    const eager = { ...SETTINGS, leastCalls: 0, leastDurations: 0, leastOutcomes: 0 };
    expect(healthOf(NO_COUNTERS, eager, START_MS)).toEqual(nothing);
  });

  test("is counted in a state that stays small plain JSON", () => {
    const counters = after(
      Array.from({ length: 500 }, (_, index) => ({ failed: false, durationMs: index })),
    );
    expect(JSON.parse(JSON.stringify(counters))).toEqual(counters);
    expect(JSON.stringify(counters).length).toBeLessThan(600);
  });
});

test("the median has as many values on either side, and lies between the least and the greatest", () => {
  expect(median([])).toBeNull();
  expect(median([4, 1, 3, 2])).toBe(2.5);
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 60, size: "max" }), (values) => {
      const middle = median(values) ?? Number.NaN;
      const below = values.filter((value) => value < middle).length;
      const above = values.filter((value) => value > middle).length;
      expect(below).toBeLessThanOrEqual(values.length / 2);
      expect(above).toBeLessThanOrEqual(values.length / 2);
      expect(middle).toBeGreaterThanOrEqual(Math.min(...values));
    }),
  );
});

describe("the depth of a queue", () => {
  const names = fc.subarray(["go", "rust", "sql"]);
  const tasks = fc.array(
    names.map((needs) => ({ needs })),
    { maxLength: 12, size: "max" },
  );
  const agents = fc.array(
    names.map((capabilities) => ({ capabilities })),
    { maxLength: 6, size: "max" },
  );

  test("is what is left when each idle agent with the capability takes one", () => {
    expect(
      queueDepths(
        [{ needs: ["go"] }, { needs: ["go", "sql"] }, { needs: [] }, { needs: ["go", "go"] }],
        [{ capabilities: ["go"] }],
      ),
    ).toEqual([
      { capability: ANY_CAPABILITY, depth: 0 },
      { capability: "go", depth: 2 },
      { capability: "sql", depth: 1 },
    ]);
    expect(queueDepths([], [{ capabilities: ["go"] }])).toEqual([]);
    // A capability that is called as the sign for all tasks counts no agent twice.
    expect(queueDepths([{ needs: [] }, { needs: [] }], [{ capabilities: ["*"] }])).toEqual([
      { capability: "*", depth: 1 },
    ]);
  });

  test("is never more than what waits under the best way to hand tasks out", () => {
    fc.assert(
      fc.property(tasks, agents, (ready, idle) => {
        const taken = mostTaken(ready, idle);
        const depths = queueDepths(ready, idle);
        const deepest = Math.max(0, ...depths.map(({ depth }) => depth));
        expect(deepest).toBeLessThanOrEqual(ready.length - taken);
      }),
    );
  });

  test("falls by at most one with another idle agent, and never rises", () => {
    fc.assert(
      fc.property(tasks, agents, names, (ready, idle, capabilities) => {
        const before = queueDepths(ready, idle);
        const later = queueDepths(ready, [...idle, { capabilities }]);
        for (const [index, { capability, depth }] of later.entries()) {
          const was = before[index] ?? { capability: "", depth: -1 };
          expect(capability).toBe(was.capability);
          expect(depth).toBeLessThanOrEqual(was.depth);
          expect(depth).toBeGreaterThanOrEqual(was.depth - 1);
        }
      }),
    );
  });
});

/** The size of the largest matching of agents to tasks they can do (augmenting paths). */
function mostTaken(
  ready: readonly { readonly needs: readonly string[] }[],
  idle: readonly { readonly capabilities: readonly string[] }[],
): number {
  const takenBy = new Map<number, number>();
  const place = (agent: number, seen: Set<number>): boolean =>
    ready.some(({ needs }, task) => {
      const can = needs.every((need) => idle[agent]?.capabilities.includes(need));
      if (!can || seen.has(task)) return false;
      seen.add(task);
      const holder = takenBy.get(task);
      if (holder !== undefined && !place(holder, seen)) return false;
      takenBy.set(task, agent);
      return true;
    });
  return idle.filter((_, agent) => place(agent, new Set())).length;
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  healthAlerts,
  thresholdsOf,
  type HealthAlert,
  type HealthThreshold,
  type Reading,
} from "../../src/core/health-alerts.ts";

const ERRORS: HealthThreshold = {
  measure: "error_rate",
  bad: "above",
  threshold: 0.5,
  clear: 0.3,
};
const DONE: HealthThreshold = {
  measure: "completion_rate",
  bad: "below",
  threshold: 0.5,
  clear: 0.7,
};
const BOTH = [ERRORS, DONE];

/** fast-check would draw ten items at most. */
const LONG = { maxLength: 60, size: "max" } as const;

/** What changes as the value of one measure of one agent goes through these. */
function follow(
  limit: HealthThreshold,
  values: readonly (number | null)[],
): readonly ("raised" | "cleared" | "")[] {
  let active: readonly HealthAlert[] = [];
  return values.map((value) => {
    const readings = [{ measure: limit.measure, subject: "ada", value }];
    const change = healthAlerts(active, readings, BOTH);
    ({ active } = change);
    if (change.raised.length > 0) return "raised";
    return change.cleared.length > 0 ? "cleared" : "";
  });
}

function isAda({ subject }: HealthAlert): boolean {
  return subject === "ada";
}

describe("alerts", () => {
  test("are raised at the threshold and cleared only past the other mark", () => {
    expect(follow(ERRORS, [0.49, 0.5, 0.9, 0.49, 0.3, 0.29, 0.4, 0.5])).toEqual([
      "",
      "raised",
      "",
      "",
      "",
      "cleared",
      "",
      "raised",
    ]);
    expect(follow(DONE, [0.51, 0.5, 0.6, 0.7, 0.71, 0.6, 0.4])).toEqual([
      "",
      "raised",
      "",
      "",
      "cleared",
      "",
      "raised",
    ]);
  });

  test("do not change while a value wavers between the two marks, or is not known", () => {
    const between = fc.double({ min: 0.3, max: 0.499, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.option(between, { nil: null }), LONG), (values) => {
        expect(follow(ERRORS, [0.6, ...values]).slice(1)).toEqual(values.map(() => ""));
        expect(follow(ERRORS, [0, ...values]).slice(1)).toEqual(values.map(() => ""));
      }),
    );
  });

  test("are raised and cleared by turns, each once", () => {
    const value = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null });
    fc.assert(
      fc.property(fc.constantFrom(...BOTH), fc.array(value, LONG), (limit, values) => {
        const changes = follow(limit, values).filter((change) => change !== "");
        for (const [index, change] of changes.entries()) {
          expect(change).toBe(index % 2 === 0 ? "raised" : "cleared");
        }
      }),
    );
  });

  test("say what, whose, how much and the threshold", () => {
    const readings: Reading[] = [{ measure: "error_rate", subject: "ada", value: 0.8 }];
    const change = healthAlerts([], readings, BOTH);
    const alert = {
      id: "error_rate:ada",
      measure: "error_rate",
      subject: "ada",
      value: 0.8,
      threshold: 0.5,
    };
    expect(change).toEqual({ active: [alert], raised: [alert], cleared: [] });
    expect(JSON.parse(JSON.stringify(change.active))).toEqual(change.active);
    expect(healthAlerts(change.active, readings, BOTH).active).toBe(change.active);
  });

  test("end with their subject, and with their threshold", () => {
    const readings: Reading[] = [{ measure: "error_rate", subject: "ada", value: 0.8 }];
    const { active } = healthAlerts([], readings, BOTH);
    expect(healthAlerts(active, [], BOTH)).toEqual({ active: [], raised: [], cleared: active });
    expect(healthAlerts(active, readings, [DONE])).toMatchObject({ active: [], cleared: active });
  });

  test("of one subject do not depend on the others", () => {
    const value = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), LONG), (rounds) => {
        const alone = follow(
          ERRORS,
          rounds.map(([ada]) => ada),
        );
        let active: readonly HealthAlert[] = [];
        const together = rounds.map(([ada, bob]) => {
          const readings: Reading[] = [
            { measure: "error_rate", subject: "bob", value: bob },
            { measure: "error_rate", subject: "ada", value: ada },
          ];
          const change = healthAlerts(active, readings, BOTH);
          ({ active } = change);
          if (change.raised.some(isAda)) return "raised";
          return change.cleared.some(isAda) ? "cleared" : "";
        });
        expect(together).toEqual(alone);
      }),
    );
  });
});

test("the mark to clear at lies on the good side of each threshold", () => {
  const rate = fc.option(fc.double({ min: 0.001, max: 0.999, noNaN: true }));
  const amount = fc.option(fc.integer({ min: 1, max: 1_000_000 }));
  const thresholds = fc.record({
    responseTimeMs: amount,
    completionRate: rate,
    errorRate: rate,
    queueDepth: amount,
  });
  fc.assert(
    fc.property(thresholds, (given) => {
      const watched = thresholdsOf({ reportIntervalMs: 60_000, thresholds: given });
      const wanted = Object.values(given).filter((each) => each !== null);
      expect(new Set(watched.map(({ threshold }) => threshold))).toEqual(new Set(wanted));
      for (const { bad, threshold, clear } of watched) {
        expect(bad === "above" ? clear < threshold : clear > threshold).toBe(true);
      }
    }),
  );
});

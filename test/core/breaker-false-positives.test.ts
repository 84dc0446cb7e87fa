import { describe, expect, test } from "vitest";

import { DEFAULT_BREAKER } from "../../src/core/breaker.ts";
import { callsUntilOpen, openedWindows, unionBound } from "../support/breaker-simulation.ts";

const RUN = { windows: 10_000, seed: 1 };

describe("a breaker whose callee is well", () => {
  // None of 10,000 says, with 95 % confidence, less than 3 of 10,000 (the rule of three).
  test.each([0.01, 0.02, 0.05])("never opens at a failure rate of %s by chance", (errorRate) => {
    const callee = { errorRate, burst: 1, callsPerWindow: 30 };
    expect(openedWindows(DEFAULT_BREAKER, callee, RUN)).toBe(0);
    expect(unionBound(DEFAULT_BREAKER, callee)).toBeLessThan(1e-6);
  });

  test.each([0.01, 0.02, 0.05])(
    "opens in less than a hundredth of windows at a failure rate of %s in runs of three",
    (errorRate) => {
      const callee = { errorRate, burst: 3, callsPerWindow: 30 };
      expect(openedWindows(DEFAULT_BREAKER, callee, RUN)).toBeLessThan(100);
    },
  );

  test("would open without a need at hastier settings: the simulation can tell", () => {
    const hasty = { ...DEFAULT_BREAKER, errorRatio: 0.2, minCalls: 10 };
    const callee = { errorRate: 0.05, burst: 1, callsPerWindow: 8 };
    expect(openedWindows(hasty, callee, RUN)).toBeGreaterThan(200);
  });
});

test("a callee that has gone bad is cut off soon", () => {
  const run = { tries: 200, seed: 1 };
  expect(callsUntilOpen(DEFAULT_BREAKER, { errorRate: 1, healthyCalls: 0 }, run)).toBe(20);
  expect(callsUntilOpen(DEFAULT_BREAKER, { errorRate: 1, healthyCalls: 20 }, run)).toBe(20);
  expect(callsUntilOpen(DEFAULT_BREAKER, { errorRate: 0.8, healthyCalls: 0 }, run)).toBeLessThan(
    22,
  );
});

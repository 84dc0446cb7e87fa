import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { nEff } from "../../../src/core/consensus/n-eff.ts";

describe("nEff", () => {
  test.each([
    [5, 0, 5],
    [5, 1, 1],
    [5, 0.6, 5 / 3.4],
    [3, 0.3, 3 / 1.6],
    [1, 1, 1],
    [0, 1, 0],
  ])("%d voters with correlation %d are worth %d", (n, rho, worth) => {
    expect(nEff(n, rho)).toBeCloseTo(worth, 12);
  });

  test("it lies between one voter and all, and another voter never takes any away", () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), unit, (n, rho) => {
        const worth = nEff(n, rho);
        expect(worth).toBeGreaterThanOrEqual(1 - 1e-12);
        expect(worth).toBeLessThanOrEqual(n);
        expect(nEff(n + 1, rho)).toBeGreaterThanOrEqual(worth - 1e-12);
      }),
    );
  });

  test.each([
    [-1, 0.5],
    [Infinity, 0.5],
    [3, -0.1],
    [3, 1.1],
    [3, Number.NaN],
  ])("%d voters with correlation %d are refused", (n, rho) => {
    expect(() => nEff(n, rho)).toThrow(expect.objectContaining({ code: "input_invalid" }));
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { shuffledFor } from "../../../src/core/consensus/shuffled-for.ts";

const SEED = "ab".repeat(32);

describe("shuffledFor", () => {
  test("each solution appears once, in an order that depends on the arguments only", () => {
    const ids = fc.uniqueArray(fc.string(), { maxLength: 8 });
    fc.assert(
      fc.property(fc.string(), ids, (voter, list) => {
        const order = shuffledFor(voter, "B1", list, SEED);
        expect(order.toSorted()).toEqual(list.toSorted());
        expect(shuffledFor(voter, "B1", list.toReversed(), SEED)).toEqual(order);
      }),
    );
  });

  test("voters, topics and seeds have orders of their own", () => {
    const ids = ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8"];
    const orders = [
      shuffledFor("alpha", "B1", ids, SEED),
      shuffledFor("beta", "B1", ids, SEED),
      shuffledFor("alpha", "B2", ids, SEED),
      shuffledFor("alpha", "B1", ids, "cd".repeat(32)),
    ];
    expect(new Set(orders.map((order) => order.join())).size).toBe(4);
  });

  test("over many voters each solution comes first about equally often", () => {
    const first = Array.from(
      { length: 3000 },
      (_, index) => shuffledFor(`v${index}`, "B1", ["S1", "S2", "S3"], SEED)[0],
    );
    for (const id of ["S1", "S2", "S3"]) {
      const share = first.filter((other) => other === id).length / first.length;
      expect(share).toBeGreaterThan(0.3);
      expect(share).toBeLessThan(0.37);
    }
  });
});

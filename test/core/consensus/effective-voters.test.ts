import fc from "fast-check";
import { expect, test } from "vitest";

import { effectiveVoters } from "../../../src/core/consensus/effective-voters.ts";

test.each([
  [{}, 0],
  [{ a: "m" }, 1],
  // 2 / (1 + 0.6) and 2 / (1 + 0.3).
  [{ a: "m", b: "m" }, 1.25],
  [{ a: "m", b: "n" }, 1.54],
  // Nine of one model: 9 / (1 + 8 · 0.6); of nine: 9 / (1 + 8 · 0.3).
  [Object.fromEntries(Array.from("abcdefghi", (name) => [name, "m"])), 1.55],
  [Object.fromEntries(Array.from("abcdefghi", (name) => [name, name])), 2.65],
  // Two and one: ρ = (0.6 + 0.3 + 0.3) / 3 = 0.4, so 3 / 1.8.
  [{ a: "m", b: "m", c: "n" }, 1.67],
])("%j are worth %d", (models: Record<string, string>, worth) => {
  expect(effectiveVoters(Object.keys(models), models)).toBe(worth);
});

test("unknown models count as one, and as another one than all that are known", () => {
  const worth = effectiveVoters(["a", "b", "c"], { c: "n" });
  expect(worth).toBe(effectiveVoters(["a", "b", "c"], { a: "m", b: "m", c: "n" }));
  expect(effectiveVoters(["constructor", "b"], {})).toBe(1.25);
});

test("more voters are worth more, never as much as they are, and most of different models", () => {
  const fleets = fc.array(fc.constantFrom("m", "n", "o"), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(fleets, (fleet) => {
      const voters = fleet.map((_, index) => `a${index}`);
      const models = Object.fromEntries(fleet.map((model, index) => [`a${index}`, model]));
      const worth = effectiveVoters(voters, models);
      expect(worth).toBeLessThan(voters.length);
      expect(worth).toBeGreaterThanOrEqual(1);
      expect(worth).toBeGreaterThanOrEqual(effectiveVoters(voters, {}));
    }),
  );
});

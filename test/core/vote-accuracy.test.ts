import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { accuracyTables, PANELS, withAccuracy } from "../../scripts/docs/vote-accuracy.ts";
import { VOTING_METHODS, type VotingMethod } from "../../src/core/board.ts";
import { Random } from "../sim/random.ts";
import { measureAccuracy, type Panel } from "../support/imperfect-voters.ts";
import { atLeast, exactAccuracies } from "../support/voting-theory.ts";

const PAGE = join(import.meta.dirname, "../../docs/consensus.md");
const VOTES = 1500;
/** So many standard errors off is less than one in 15,000 for a figure. */
const ERRORS = 4;

function isFar(measured: number, exact: number): boolean {
  const error = Math.sqrt((exact * (1 - exact)) / VOTES);
  return Math.abs(measured - exact) > ERRORS * error + 1 / VOTES;
}

describe("imperfect agents who vote", () => {
  test.each(PANELS)("are right as often as theory says: %j", (panel) => {
    const measured = measureAccuracy(panel, { votes: VOTES, random: new Random(7) });
    const exact = exactAccuracies(panel);
    const far = VOTING_METHODS.filter((method) => {
      const [here, there] = [measured.get(method), exact.get(method)];
      if (here === undefined || there === undefined) throw new Error(method);
      return isFar(here.right, there.right) || isFar(here.wrong, there.wrong);
    });
    expect(far).toEqual([]);
  });

  test("the tables in docs/consensus.md are what the script writes", () => {
    const page = readFileSync(PAGE, "utf8");
    expect(withAccuracy(page, accuracyTables())).toBe(page);
  });

  test("a page without its place is not written", () => {
    expect(() => withAccuracy("# Votes", "")).toThrow("no place");
  });
});

function ones(count: number): number[] {
  return Array.from({ length: count }, () => 1);
}

function rightBy(panel: Panel, method: VotingMethod): number {
  return exactAccuracies(panel).get(method)?.right ?? Number.NaN;
}

describe("the theory", () => {
  test("is Condorcet's: known values of his formula, and more voters do better above a half only", () => {
    // 3 voters: p³ + 3p²(1 − p).
    expect(atLeast(2, 3, 0.6)).toBeCloseTo(0.648, 12);
    expect(atLeast(6, 11, 0.6)).toBeCloseTo(0.7535, 4);
    for (const right of [0.4, 0.6, 0.8]) {
      let before = right;
      for (const agents of [3, 5, 9]) {
        const panel: Panel = { options: 2, models: ones(agents), right, follows: 0 };
        const majority = rightBy(panel, "majority");
        expect(majority).toBeCloseTo(atLeast((agents + 1) / 2, agents, right), 12);
        expect(Math.sign(majority - before)).toBe(Math.sign(right - 0.5));
        before = majority;
        expect(rightBy(panel, "supermajority")).toBeCloseTo(
          atLeast(Math.ceil((2 * agents) / 3), agents, right),
          12,
        );
        expect(rightBy(panel, "unanimity")).toBeCloseTo(right ** agents, 12);
      }
    }
  });

  test("of one model is a mixture of two binomials, and never better than independent voters", () => {
    for (const follows of [0.3, Math.sqrt(0.6), 1]) {
      const alike = rightBy({ options: 2, models: [9], right: 0.6, follows }, "majority");
      const mixture =
        0.6 * atLeast(5, 9, follows + (1 - follows) * 0.6) +
        0.4 * atLeast(5, 9, (1 - follows) * 0.6);
      expect(alike).toBeCloseTo(mixture, 12);
      expect(alike).toBeLessThan(atLeast(5, 9, 0.6));
    }
    // Who all follow one are worth one.
    expect(rightBy({ options: 2, models: [9], right: 0.6, follows: 1 }, "majority")).toBeCloseTo(
      0.6,
    );
  });

  test("the correlation of two who follow is the square of how often they do", () => {
    const [right, follows] = [0.7, 0.8];
    // Both right: by unanimity of two.
    const both = rightBy({ options: 2, models: [2], right, follows }, "unanimity");
    const correlation = (both - right ** 2) / (right * (1 - right));
    expect(correlation).toBeCloseTo(follows ** 2, 12);
  });

  test("probabilities of right and wrong stay within one", () => {
    for (const panel of PANELS) {
      for (const { right, wrong } of exactAccuracies(panel).values()) {
        expect(right + wrong).toBeLessThanOrEqual(1 + 1e-9);
      }
    }
  });
});

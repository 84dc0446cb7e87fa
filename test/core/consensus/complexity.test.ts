import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { complexityOf, type ObjectiveFacts } from "../../../src/core/consensus/complexity.ts";

describe("complexity", () => {
  test("of the example in docs/consensus.md", () => {
    const facts = { subtasks: 7, criticalPath: 90, work: 240, skills: 2, skillsKnown: 5 };
    expect(complexityOf(facts)).toEqual({
      score: 0.4663,
      terms: { size: 0.5, depth: 0.375, skills: 0.4, spread: 0.5, risk: 0.5, novelty: 0.5 },
      unknown: ["spread", "risk", "novelty"],
    });
  });

  test("takes an unknown term's mean of the past, where there is one", () => {
    const { terms, unknown } = complexityOf({}, { risk: 0.9 });
    expect(terms).toMatchObject({ risk: 0.9, size: 0.5 });
    expect(unknown).toContain("risk");
    expect(complexityOf({ success: 0.7 }, { risk: 0.9 }).terms.risk).toBe(0.3);
  });

  test("is at most 1, with everything against it, and 0 with nothing", () => {
    const hard = {
      subtasks: 63,
      criticalPath: 60,
      work: 60,
      skills: 3,
      skillsKnown: 3,
      p50: 0,
      p90: 60,
      success: 0,
      similarity: 0,
    };
    expect(complexityOf(hard).score).toBe(1);
    const easy = {
      ...hard,
      subtasks: 0,
      criticalPath: 0,
      skills: 0,
      p50: 60,
      success: 1,
      similarity: 1,
    };
    expect(complexityOf(easy)).toMatchObject({ score: 0, unknown: [] });
  });

  test("a share of nothing is unknown", () => {
    expect(complexityOf({ criticalPath: 0, work: 0, skills: 1, skillsKnown: 0 }).unknown).toEqual(
      expect.arrayContaining(["depth", "skills"]),
    );
  });

  test("stays in its range and rises with the number of subtasks", () => {
    const positive = fc.double({ min: 0, max: 1e6, noNaN: true });
    const maybe = fc.option(positive, { nil: undefined });
    const facts: fc.Arbitrary<ObjectiveFacts> = fc.record({
      subtasks: fc.nat(100_000),
      criticalPath: maybe,
      work: maybe,
      skills: maybe,
      skillsKnown: maybe,
      p50: maybe,
      p90: maybe,
      success: maybe,
      similarity: maybe,
    });
    fc.assert(
      fc.property(facts, (known) => {
        const { score } = complexityOf(known);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        const more = complexityOf({ ...known, subtasks: (known.subtasks ?? 0) + 1 });
        expect(more.score).toBeGreaterThanOrEqual(score);
      }),
    );
  });
});

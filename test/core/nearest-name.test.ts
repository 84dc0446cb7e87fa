import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { didYouMean, nearestName } from "../../src/core/nearest-name.ts";

describe("nearestName", () => {
  it.each([
    ["lables", ["kind", "labels"], "labels"],
    ["label", ["title", "labels"], "labels"],
    ["Kind", ["kind"], "kind"],
    ["sta", ["stale", "status"], "stale"],
    ["x", ["y"], "y"],
    ["xy", ["zw"], undefined],
    ["priority", ["kind", "title"], undefined],
    ["", [], undefined],
  ])("of %j among %j is %j", (name, candidates, nearest) => {
    expect(nearestName(name, candidates)).toBe(nearest);
  });

  it("is the name itself where it is there, and else a candidate or nothing", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (name, others) => {
        expect(nearestName(name, [...others, name])?.toLowerCase()).toBe(name.toLowerCase());
        expect([undefined, ...others]).toContain(nearestName(name, others));
      }),
    );
  });

  it("is quick for a name of any length", () => {
    const long = "a".repeat(1_000_000);
    expect(nearestName(long, [long.slice(1), "b"])).toBe(long.slice(1));
    expect(didYouMean("zzz", ["a"])).toBe("");
  });
});

import { describe, expect, test } from "vitest";

import {
  findConflicts,
  pairsOf,
  type Contender,
  type Merge,
} from "../../../src/core/consensus/conflicts.ts";

function solution(id: string, files: string, commit: string | null = null): Contender {
  return { id, files: files === "" ? [] : files.split(" "), commit };
}

const UNKNOWN = (): Merge => "unknown";

/** "S1 3" … : who was put first how often. */
function round(supports: string, voters: number): Parameters<typeof findConflicts>[1][number] {
  const counts = supports.split(", ").map((support) => {
    const [id = "", count = ""] = support.split(" ");
    return { id, count: Number(count) };
  });
  return { round: 1, supports: counts, voters };
}

describe("patches", () => {
  test("without commits contradict where both name the same path, once a pair", () => {
    const all = [
      solution("S1", "a b a"),
      solution("S2", "b a c"),
      solution("S3", "d"),
      solution("S4", ""),
    ];
    expect(findConflicts(all, [], UNKNOWN)).toEqual([
      { a: "S1", b: "S2", of: "patches", by: "files", why: "Both change a, b." },
    ]);
  });

  test.each<[Merge, readonly string[]]>([
    ["clean", []],
    ["conflict", ["merge"]],
    ["unknown", ["files"]],
  ])("with commits go by the merge: %s", (merge, by) => {
    const all = [solution("S1", "a", "c1"), solution("S2", "a", "c2")];
    expect(findConflicts(all, [], () => merge).map((conflict) => conflict.by)).toEqual(by);
  });

  test("where only one has a commit go by the files, whatever the other says", () => {
    const all = [solution("S1", "a", "c1"), solution("S2", "a")];
    expect(findConflicts(all, [], () => "clean")).toMatchObject([{ by: "files" }]);
  });
});

describe("votes", () => {
  test.each([
    ["S1 5, S2 5", 10, ["S1 S2"]],
    ["S1 11, S2 10", 21, ["S1 S2"]],
    // A tenth is not less than a tenth.
    ["S1 5, S2 4", 10, []],
    ["S1 4, S2 4, S3 4", 12, ["S1 S2", "S1 S3", "S2 S3"]],
    ["S1 0, S2 0", 4, []],
    ["S1 3", 3, []],
    ["S1 0, S2 0", 0, []],
  ])("%s of %d contradict: %j", (supports, voters, pairs) => {
    const found = findConflicts([], [round(supports, voters)], UNKNOWN);
    expect(found.map(({ a, b }) => `${a} ${b}`)).toEqual(pairs);
  });

  test("count once a pair over all rounds, and apart from patches", () => {
    const all = [solution("S1", "a"), solution("S2", "a")];
    const tie = round("S1 1, S2 1", 2);
    const found = findConflicts(all, [tie, { ...tie, round: 2 }], UNKNOWN);
    expect(found.map(({ of, why }) => [of, why])).toEqual([
      ["patches", "Both change a."],
      ["votes", "Round 1: 1 and 1 of 2 put them first."],
    ]);
  });
});

test("pairs are each two, in their order", () => {
  expect(pairsOf(["a", "b", "c"])).toEqual([
    ["a", "b"],
    ["a", "c"],
    ["b", "c"],
  ]);
  expect(pairsOf(["a"])).toEqual([]);
});

test("the example in docs/consensus.md", () => {
  const all = [solution("S1", "", "c1"), solution("S2", "", "c2"), solution("S3", "", "c3")];
  const found = findConflicts(all, [round("S1 10, S2 2, S3 9", 21)], (a, b) =>
    a === "S1" && b === "S2" ? "conflict" : "clean",
  );
  expect(found.map(({ a, b, of }) => `${a} ${b} ${of}`)).toEqual(["S1 S2 patches", "S1 S3 votes"]);
});

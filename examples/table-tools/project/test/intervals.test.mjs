import assert from "node:assert/strict";
import { test } from "node:test";

import { mergeIntervals, overlaps, totalLength } from "../src/intervals.mjs";

test("tells whether intervals overlap", () => {
  assert.equal(overlaps([1, 3], [2, 4]), true);
  assert.equal(overlaps([1, 3], [3, 4]), false);
});

test("merges intervals that overlap or touch", () => {
  assert.deepEqual(mergeIntervals([[5, 6], [1, 3], [2, 4]]), [[1, 4], [5, 6]]);
  assert.deepEqual(mergeIntervals([[1, 2], [2, 3]]), [[1, 3]]);
});

test("adds up lengths", () => {
  assert.equal(totalLength([[1, 3], [2, 4], [10, 11]]), 4);
});

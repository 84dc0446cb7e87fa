import assert from "node:assert/strict";
import { test } from "node:test";

import { mean, median, sum } from "../src/summary.mjs";

test("adds up and averages", () => {
  assert.equal(sum([1, 2, 3.5]), 6.5);
  assert.equal(mean([1, 2]), 1.5);
  assert.equal(mean([]), undefined);
});

test("finds the middle", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([]), undefined);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { countBy, groupBy } from "../src/group.mjs";

const records = [
  { city: "Oslo", year: 2025 },
  { city: "Bern", year: 2025 },
  { city: "Oslo", year: 2026 },
];

test("groups records by a field", () => {
  assert.deepEqual([...groupBy(records, "city").keys()], ["Oslo", "Bern"]);
});

test("counts records by a field", () => {
  assert.deepEqual([...countBy(records, "year")], [
    [2025, 2],
    [2026, 1],
  ]);
});

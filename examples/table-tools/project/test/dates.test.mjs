import assert from "node:assert/strict";
import { test } from "node:test";

import { addMonths, daysBetween, formatDate, parseDate } from "../src/dates.mjs";

test("reads and writes dates", () => {
  assert.equal(formatDate(parseDate("2026-02-28")), "2026-02-28");
  assert.throws(() => parseDate("28.2.2026"), RangeError);
});

test("moves a date by months", () => {
  assert.equal(formatDate(addMonths(parseDate("2026-01-15"), 1)), "2026-02-15");
  assert.equal(formatDate(addMonths(parseDate("2026-01-15"), -2)), "2025-11-15");
});

test("counts days", () => {
  assert.equal(daysBetween(parseDate("2026-02-27"), parseDate("2026-03-01")), 2);
});

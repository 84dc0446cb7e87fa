import assert from "node:assert/strict";
import { test } from "node:test";

import { formatDuration, parseDuration } from "../src/duration.mjs";

test("reads durations", () => {
  assert.equal(parseDuration("1h30m"), 5400);
  assert.equal(parseDuration("45s"), 45);
  assert.throws(() => parseDuration("soon"), RangeError);
});

test("writes durations", () => {
  assert.equal(formatDuration(5405), "1h30m5s");
  assert.equal(formatDuration(0), "0s");
});

// 30 February became 2 March without a word. It must not pass as a date, whichever way we say so.
import assert from "node:assert/strict";

import { parseDate } from "../src/index.mjs";

let answer;
try {
  answer = parseDate("2026-02-30");
} catch (error) {
  assert.ok(error instanceof RangeError);
}
assert.equal(answer, undefined);

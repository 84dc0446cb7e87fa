// A monthly bill of 31 January was due on 3 March instead of 28 February.
import assert from "node:assert/strict";

import { addMonths, formatDate, parseDate } from "../src/index.mjs";

assert.equal(formatDate(addMonths(parseDate("2026-01-31"), 1)), "2026-02-28");
assert.equal(formatDate(addMonths(parseDate("2024-02-29"), 12)), "2025-02-28");

// The median of 9, 10 and 100 was said to be 100; and the caller's list was in another order then.
import assert from "node:assert/strict";

import { median } from "../src/index.mjs";

const values = [9, 100, 10];
assert.equal(median(values), 10);
assert.deepEqual(values, [9, 100, 10]);

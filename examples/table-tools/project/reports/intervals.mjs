// A short meeting inside a long one made the rest of the long one vanish.
import assert from "node:assert/strict";

import { mergeIntervals, totalLength } from "../src/index.mjs";

assert.deepEqual(mergeIntervals([[9, 17], [10, 11]]), [[9, 17]]);
assert.equal(totalLength([[9, 17], [10, 11]]), 8);

// Sums are hard to read when numbers stand on the left.
import assert from "node:assert/strict";

import { formatTable } from "../src/index.mjs";

assert.equal(formatTable([["apples", 5], ["pears", 120]]), "apples    5\npears   120\n");

// Asked for by several users: percentile(values, p). It must be the method that was decided on.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { percentile } from "../src/index.mjs";

const decision = readFileSync("docs/decisions/percentile.md", "utf8");
const [, method] = /^Method: (\S+)$/m.exec(decision) ?? [];
const expected = { "nearest-rank": 20, linear: 25 }[method];
assert.equal(percentile([40, 10, 30, 20], 50), expected);

// A film of 59.7 seconds was shown as "60s".
import assert from "node:assert/strict";

import { formatDuration } from "../src/index.mjs";

assert.equal(formatDuration(59.7), "1m");

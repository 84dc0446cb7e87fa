// Tables with Japanese names or emoji have crooked columns: such characters are two columns wide.
import assert from "node:assert/strict";

import { formatTable } from "../src/index.mjs";

assert.equal(formatTable([["東京", "x"], ["Oslo", "y"]]), "東京  x\nOslo  y\n");

// A spreadsheet refused our file: a quote in a field was written as it is.
import assert from "node:assert/strict";

import { writeCsv } from "../src/index.mjs";

assert.equal(writeCsv([['12" pipe', "two\nlines"]]), '"12"" pipe","two\nlines"\n');

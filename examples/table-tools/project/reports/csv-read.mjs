// A user's export has addresses with line breaks: "12 Elm St\nSpringfield" came out as two rows.
import assert from "node:assert/strict";

import { parseCsv } from "../src/index.mjs";

assert.deepEqual(parseCsv('name,address\nAda,"12 Elm St\nSpringfield"\n'), [
  ["name", "address"],
  ["Ada", "12 Elm St\nSpringfield"],
]);

import assert from "node:assert/strict";
import { test } from "node:test";

import { writeCsv } from "../src/write-csv.mjs";

test("writes a line for each row", () => {
  assert.equal(writeCsv([["a", "b"], [1, null]]), "a,b\n1,\n");
});

test("quotes a field that holds the separator", () => {
  assert.equal(writeCsv([["a,b", "c"]]), '"a,b",c\n');
});

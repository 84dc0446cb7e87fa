import assert from "node:assert/strict";
import { test } from "node:test";

import { parseCsv } from "../src/parse-csv.mjs";

test("splits lines and fields", () => {
  assert.deepEqual(parseCsv("a,b\r\n1,2\n"), [
    ["a", "b"],
    ["1", "2"],
  ]);
});

test("takes quotes off, and two of them for one", () => {
  assert.deepEqual(parseCsv('"a,b","say ""hi"""\n'), [["a,b", 'say "hi"']]);
});

test("takes another separator", () => {
  assert.deepEqual(parseCsv("a;b,c\n", { separator: ";" }), [["a", "b,c"]]);
});

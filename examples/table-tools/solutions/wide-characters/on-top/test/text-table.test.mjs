import assert from "node:assert/strict";
import { test } from "node:test";

import { formatTable } from "../src/text-table.mjs";

test("puts columns below each other", () => {
  const rows = [
    ["name", "city"],
    ["Ada", "London"],
    ["Grace", "New York"],
  ];
  assert.equal(formatTable(rows), "name   city\nAda    London\nGrace  New York\n");
});

test("puts numbers on the right", () => {
  assert.equal(formatTable([["a", 5], ["b", 1200]]), "a     5\nb  1200\n");
});

test("counts wide characters as two columns", () => {
  assert.equal(formatTable([["名前", "x"], ["Ada", "y"], ["🙂", "z"]]), "名前  x\nAda   y\n🙂    z\n");
});

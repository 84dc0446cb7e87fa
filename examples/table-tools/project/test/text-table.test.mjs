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

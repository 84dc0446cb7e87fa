import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe } from "vitest";

import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { testStoreContract } from "./store-contract.ts";

describe("store contract: SQLite in memory", () => {
  testStoreContract(async () => await openSqlite({ file: ":memory:" }));
});

describe.each(["full", "normal"] as const)("store contract: SQLite on file, %s", (durability) => {
  let directory = "";
  let files = 0;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "guvnor-store-"));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });
  testStoreContract(async () => {
    files += 1;
    return await openSqlite({ file: join(directory, `${files}.db`), durability });
  });
});

import { join } from "node:path";

import { beforeEach, describe, expect, test } from "vitest";

import { SCHEMA_NUMBER } from "../../src/store/migrations/migrations.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Scope, Store } from "../../src/store/store.ts";
import { aTask } from "../support/a-task.ts";
import { startStoreProcess } from "./child-process.ts";
import { inDatabase } from "./database-file.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const SCOPE: Scope = { tenant: "t", project: "p" };

let file = "";
let store: Store;
beforeEach(async () => {
  file = join(temporaryDirectory(), "guvnor.db");
  store = await openSqlite({ file });
  return async () => await store.close();
});

function heldCounters(): unknown[] {
  return inDatabase(file, ({ rows }) => rows("select * from counter where kind = 'held'"));
}

describe("a lock that another process holds", () => {
  test("fails a write with busy when it does not end, and nothing is written", async () => {
    const other = await startStoreProcess(file);
    await other.ask("hold");
    let begun = false;
    const write = store.write(SCOPE, async (tx) => {
      begun = true;
      await tx.tasks.insert(aTask());
    });
    await expect(write).rejects.toMatchObject({ code: "busy", name: "GuvnorError" });
    expect(begun).toBe(false);
    expect(await store.read(SCOPE, async (tx) => await tx.tasks.get("T1"))).toBeUndefined();
    await other.ask("release");
    await store.write(SCOPE, async (tx) => await tx.tasks.insert(aTask()));
  });

  test("makes a write wait no longer than it is held, and never a read", async () => {
    const other = await startStoreProcess(file);
    await other.ask("hold");
    const order: string[] = [];
    const write = store
      .write(SCOPE, async (tx) => await tx.tasks.insert(aTask()))
      .then(() => order.push("written"));
    await store.read(SCOPE, async (tx) => await tx.tasks.get("T1"));
    order.push("read");
    await other.ask("release");
    await write;
    expect(order).toEqual(["read", "written"]);
  });

  test("ends with the process, killed inside its transaction, and so do its writes", async () => {
    const other = await startStoreProcess(file);
    await other.ask("hold");
    await other.kill();
    await store.write(SCOPE, async (tx) => await tx.tasks.insert(aTask()));
    expect(heldCounters()).toEqual([]);
    inDatabase(file, (database) => database.verify());
  });
});

describe("two processes on one file", () => {
  test("see each other's commits at once", async () => {
    const other = await startStoreProcess(file);
    await store.write(SCOPE, async (tx) => await tx.tasks.insert(aTask({ id: "T1" })));
    await other.ask("insert", "T2");
    const tasks = await store.read(SCOPE, async (tx) => await tx.tasks.list({ limit: 9 }));
    expect(tasks.map(({ id }) => id)).toEqual(["T1", "T2"]);
  });

  test("wake each other", async () => {
    const other = await startStoreProcess(file);
    const watch = store.watch();
    const waiting = watch.next(50_000, new AbortController().signal).then(() => "woken");
    await other.ask("wake");
    const slow = new Promise((resolve) => {
      setTimeout(() => resolve("not woken"), 20_000).unref();
    });
    expect(await Promise.race([waiting, slow])).toBe("woken");
    watch.close();
  });

  test("open a file that neither has seen, at the same moment", async () => {
    const fresh = join(temporaryDirectory(), "guvnor.db");
    const stores = await Promise.all([
      ...Array.from({ length: 4 }, async () => await openSqlite({ file: fresh })),
      startStoreProcess(fresh),
      startStoreProcess(fresh),
    ]);
    inDatabase(fresh, ({ rows }) => {
      expect(rows("pragma user_version")).toEqual([{ user_version: SCHEMA_NUMBER }]);
    });
    for (const each of stores) if ("close" in each) await each.close();
  });
});

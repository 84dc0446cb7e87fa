import { chmodSync, closeSync, openSync, statSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";

import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";

import { postsSchema } from "../../src/store/migrations/0007-posts.ts";
import { MIGRATIONS, SCHEMA_NUMBER } from "../../src/store/migrations/migrations.ts";
import { refuseSharedFilesystem } from "../../src/store/sqlite/filesystem.ts";
import { inspectSqlite } from "../../src/store/sqlite/inspect-sqlite.ts";
import { migrate } from "../../src/store/sqlite/migrate.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Scope, Store } from "../../src/store/store.ts";
import { aTask } from "../support/a-task.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const SCOPE: Scope = { tenant: "t", project: "p" };
const FAILED = { name: "GuvnorError", code: "storage_failed" };
const PAGE_BYTES = 4096;
const TASKS = 1000;

async function open(file: string): Promise<Store> {
  const store = await openSqlite({ file });
  onTestFinished(async () => await store.close());
  return store;
}

/** A database with tasks over many pages, all in the main file. */
async function createFile(): Promise<string> {
  const file = join(temporaryDirectory(), "guvnor.db");
  const store = await openSqlite({ file });
  await store.write(SCOPE, async (tx) => {
    for (let n = 1; n <= TASKS; n += 1) await tx.tasks.insert(aTask({ id: `T${n}` }));
  });
  await store.close();
  return file;
}

/** Overwrites the last quarter of the pages: rows, not the schema. */
function garble(file: string): void {
  const pages = statSync(file).size / PAGE_BYTES;
  const from = Math.floor(pages * 0.75) * PAGE_BYTES;
  const bytes = pages * PAGE_BYTES - from;
  const handle = openSync(file, "r+");
  writeSync(handle, Buffer.alloc(bytes, "garbage"), 0, bytes, from);
  closeSync(handle);
}

/** Acts with the rights of a user who owns nothing here; as root, no file is read-only. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return await work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

function versionOf(db: Database.Database): unknown {
  return db.pragma("user_version", { simple: true });
}

describe("a file that is no sound database", () => {
  test("is refused when it is something else", async () => {
    const file = join(temporaryDirectory(), "guvnor.db");
    writeFileSync(file, "This is a text of some length, not a database.\n".repeat(200));
    await expect(openSqlite({ file })).rejects.toMatchObject(FAILED);
    expect(() => inspectSqlite(file)).toThrow(expect.objectContaining(FAILED));
  });

  test("is refused when it is a directory", async () => {
    await expect(openSqlite({ file: temporaryDirectory() })).rejects.toMatchObject(FAILED);
  });

  test("is refused when its directory is not there", async () => {
    const file = join(temporaryDirectory(), "missing", "guvnor.db");
    await expect(openSqlite({ file })).rejects.toMatchObject(FAILED);
  });

  test("fails reads and writes when pages are damaged, and says so to doctor", async () => {
    const file = await createFile();
    garble(file);
    const store = await open(file);
    const read = store.read(SCOPE, async (tx) => await tx.tasks.list({ limit: TASKS }));
    await expect(read).rejects.toMatchObject(FAILED);
    const write = store.write(SCOPE, async (tx) => await tx.tasks.insert(aTask({ id: "T9999" })));
    await expect(write).rejects.toMatchObject(FAILED);
    expect(inspectSqlite(file)).toMatchObject({ schema: SCHEMA_NUMBER });
    expect(inspectSqlite(file).integrity).not.toBe("ok");
  });

  test("fails inside the transaction with an error that the engine can read", async () => {
    const file = await createFile();
    garble(file);
    const store = await open(file);
    let inside: unknown;
    const write = store.write(SCOPE, async (tx) => {
      try {
        await tx.tasks.list({ limit: TASKS });
      } catch (error) {
        inside = error;
        throw error;
      }
    });
    await expect(write).rejects.toMatchObject(FAILED);
    expect(inside).toMatchObject(FAILED);
  });
});

describe("a file that must not be written", () => {
  test("is refused, and stays as it is", async () => {
    const file = await createFile();
    const before = statSync(file);
    chmodSync(file, 0o444);
    chmodSync(dirname(file), 0o555);
    await asNobody(async () => {
      await expect(openSqlite({ file })).rejects.toMatchObject(FAILED);
    });
    chmodSync(dirname(file), 0o700);
    expect(statSync(file)).toMatchObject({ mtimeMs: before.mtimeMs, size: before.size });
  });

  test("can be read but takes no write when only the file itself is read-only", async () => {
    const file = await createFile();
    chmodSync(file, 0o444);
    chmodSync(dirname(file), 0o777);
    await asNobody(async () => {
      const store = await openSqlite({ file });
      const write = store.write(SCOPE, async (tx) => await tx.tasks.insert(aTask({ id: "T9999" })));
      await expect(write).rejects.toMatchObject(FAILED);
      expect(await store.read(SCOPE, async (tx) => await tx.tasks.get("T1"))).toBeDefined();
      await store.close();
    });
  });
});

describe("a newer schema", () => {
  test("is refused at opening, and the file stays as it is", async () => {
    const file = await createFile();
    const other = new Database(file);
    other.pragma("user_version = 99");
    other.close();
    await expect(openSqlite({ file })).rejects.toMatchObject({ code: "schema_newer" });
    expect(inspectSqlite(file).schema).toBe(99);
  });

  test("stops a process that has the file open, in its next transaction of either kind", async () => {
    const file = await createFile();
    const store = await open(file);
    await store.read(SCOPE, async (tx) => await tx.tasks.get("T1"));
    const other = new Database(file);
    other.pragma("user_version = 99");
    other.close();
    const write = store.write(SCOPE, async (tx) => await tx.tasks.insert(aTask({ id: "T9999" })));
    await expect(write).rejects.toMatchObject({ code: "schema_newer" });
    const read = store.read(SCOPE, async (tx) => await tx.tasks.get("T1"));
    await expect(read).rejects.toMatchObject({ code: "schema_newer" });
    const looking = new Database(file, { readonly: true });
    expect(looking.prepare("select count(*) from task").pluck().get()).toBe(TASKS);
    looking.close();
  });
});

describe("a migration", () => {
  const next = [...MIGRATIONS, () => "create table added (x)"];
  const NOW_MS = 1_000_000;

  /** A file of the last schema in which a process of that schema has beaten at `beatAtMs`. */
  function openWithProcess(beatAtMs: number, endedAtMs: number | null): Database.Database {
    const db = new Database(join(temporaryDirectory(), "guvnor.db"));
    onTestFinished(() => void db.close());
    migrate(db, NOW_MS);
    db.prepare(
      `insert into process values ('t', 'p', 'x', 'h', 'b', 'n', 4711, '1', 1, '1', 1, 0, ?, ?, ?)`,
    ).run(beatAtMs, endedAtMs, MIGRATIONS.length);
    return db;
  }

  test("is refused while a process of the older program is present, which is named", () => {
    const db = openWithProcess(NOW_MS - 14_000, null);
    expect(() => migrate(db, NOW_MS, next)).toThrow(expect.objectContaining({ code: "busy" }));
    expect(() => migrate(db, NOW_MS, next)).toThrow("4711");
    expect(versionOf(db)).toBe(MIGRATIONS.length);
    expect(db.inTransaction).toBe(false);
    expect(() => db.prepare("select * from added")).toThrow("no such table");
  });

  test.each([
    ["has not beaten for a while", NOW_MS - 15_001, null],
    ["has ended", NOW_MS, NOW_MS],
  ])("goes on when that process %s", (_, beatAtMs, endedAtMs) => {
    const db = openWithProcess(beatAtMs, endedAtMs);
    migrate(db, NOW_MS, next);
    expect(versionOf(db)).toBe(next.length);
    expect(db.prepare("select * from added").all()).toEqual([]);
  });

  test("of messages keeps what waits, and what was acknowledged", async () => {
    const file = join(temporaryDirectory(), "guvnor.db");
    const db = new Database(file);
    const before = MIGRATIONS.slice(0, MIGRATIONS.indexOf(postsSchema));
    migrate(db, NOW_MS, before);
    const insert = db.prepare(
      `insert into message values ('t', 'p', ?, 'ada', 'person:pat', 'message', null, ?, 5, ?)`,
    );
    insert.run(1, "read", 6);
    insert.run(2, "unread", null);
    db.close();
    const store = await open(file);
    const scope = { tenant: "t", project: "p" };
    const waiting = await store.read(scope, async (tx) => await tx.messages.waiting("ada", 9));
    expect(waiting).toMatchObject([{ id: "M2", text: "unread", channel: null, atMs: 5 }]);
    expect(inspectSqlite(file)).toMatchObject({ schema: SCHEMA_NUMBER, integrity: "ok" });
  });

  test("that fails leaves the file as it was", () => {
    const db = openWithProcess(NOW_MS, NOW_MS);
    const broken = [...next, () => "create table added (x); create table added (x)"];
    expect(() => migrate(db, NOW_MS, broken)).toThrow("already exists");
    expect(versionOf(db)).toBe(MIGRATIONS.length);
    expect(() => db.prepare("select * from added")).toThrow("no such table");
  });
});

describe("a shared filesystem", () => {
  test.each([
    ["NFS", 0x6969],
    ["SMB", 0x517b],
    ["CIFS", 0xff534d42],
    ["SMB2", 0xfe534d42],
    ["9p", 0x01021997],
    ["FUSE", 0x65735546],
    ["Ceph", 0x00c36400],
    ["AFS", 0x5346414f],
    ["VirtualBox", 0x786f4256],
  ])("is refused: %s", (name, type) => {
    const refuse = (): void => refuseSharedFilesystem("/data", type);
    expect(refuse).toThrow(expect.objectContaining(FAILED));
    expect(refuse).toThrow(name);
    expect(refuse).toThrow("/data");
  });

  test.each([
    ["ext4", 0xef53],
    ["xfs", 0x58465342],
    ["btrfs", 0x9123683e],
    ["tmpfs", 0x01021994],
    ["overlayfs", 0x794c7630],
    ["zfs", 0x2fc12fc1],
  ])("is not %s", (_, type) => {
    expect(() => refuseSharedFilesystem("/data", type)).not.toThrow();
  });

  test("is not where these tests lie", () => {
    expect(() => refuseSharedFilesystem(temporaryDirectory())).not.toThrow();
  });
});

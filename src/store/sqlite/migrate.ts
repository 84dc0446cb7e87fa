import type Database from "better-sqlite3";

import { GuvnorError } from "../../core/errors.ts";
import { SQLITE } from "../migrations/dialect.ts";
import { MIGRATIONS, SCHEMA_NUMBER } from "../migrations/migrations.ts";
import { newerSchema } from "./connection.ts";

/** A process that beat within this time may still hold the old schema in its statements. */
const PRESENT_MS = 15_000;

/**
 * Brings the file to the newest schema, in one transaction, alone. `user_version` is its number.
 * @throws {GuvnorError} `schema_newer`, or `busy` while processes of an older program are present.
 */
export function migrate(db: Database.Database, nowMs: number, migrations = MIGRATIONS): void {
  if (versionOf(db) === migrations.length) return;
  db.exec("begin immediate");
  try {
    // Read again: another starter may have been first.
    const from = versionOf(db);
    if (from > migrations.length) throw newerSchema(from);
    if (from > 0 && from < migrations.length) refuseOlderProcesses(db, nowMs, migrations.length);
    for (const migration of migrations.slice(from)) db.exec(migration(SQLITE));
    db.pragma(`user_version = ${migrations.length}`);
    db.exec("commit");
  } catch (error) {
    if (db.inTransaction) db.exec("rollback");
    throw error;
  }
}

function versionOf(db: Database.Database): number {
  return Number(db.pragma("user_version", { simple: true }));
}

function refuseOlderProcesses(db: Database.Database, nowMs: number, target: number): void {
  const older = db
    .prepare<[number, number], { pid: number }>(
      "select pid from process where ended_at_ms is null and schema_number < ? and beat_at_ms > ?",
    )
    .all(target, nowMs - PRESENT_MS)
    .map((row) => row.pid);
  if (older.length === 0) return;
  throw new GuvnorError(
    "busy",
    `The database must be upgraded to schema ${SCHEMA_NUMBER}, but processes of an older guvnor still use it (pid ${older.join(", ")}).`,
    "Stop those agents' clients, then start again.",
  );
}

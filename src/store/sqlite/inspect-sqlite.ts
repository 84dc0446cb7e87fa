import Database from "better-sqlite3";

import { toStorageError } from "./storage-error.ts";

export interface DatabaseInspection {
  /** Number of the schema in the file. */
  readonly schema: number;
  /** "ok", or the first damage that SQLite found. */
  readonly integrity: string;
}

/**
 * Looks at a database file without changing it. Reads every page once.
 * @throws {GuvnorError} `storage_failed` when it cannot be opened or is no database.
 */
export function inspectSqlite(file: string): DatabaseInspection {
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true, timeout: 1000 });
    try {
      return {
        schema: Number(db.pragma("user_version", { simple: true })),
        integrity: String(db.pragma("quick_check(1)", { simple: true })),
      };
    } finally {
      db.close();
    }
  } catch (error) {
    throw toStorageError(error);
  }
}

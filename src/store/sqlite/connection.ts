import Database from "better-sqlite3";

import { GuvnorError } from "../../core/errors.ts";
import { SCHEMA_NUMBER } from "../migrations/migrations.ts";
import type { Sql, SqlParams, SqlRow } from "../sql.ts";
import { toStorageError } from "./storage-error.ts";

export type Durability = "full" | "normal";

/** Called with each statement before it runs; for traces, and for tests that stop the process there. */
export type StatementListener = (statement: string) => void;

/** One connection with its statements prepared once and kept. */
export interface Connection extends Sql {
  readonly db: Database.Database;
  /** Runs a statement without values, at once. */
  control(statement: string): void;
  /** @throws {GuvnorError} `schema_newer` when a newer program has migrated the file. */
  checkSchema(): void;
  dataVersion(): number;
  /** From now until `endGuard`, a statement after the next macrotask fails. */
  beginGuard(): void;
  endGuard(): void;
}

export function openConnection(
  file: string,
  options: { readonly: boolean; durability: Durability; onStatement?: StatementListener },
): Connection {
  // The short time-out bounds how long the event loop stands still; the retry is ours.
  const db = new Database(file, { readonly: options.readonly, timeout: 50 });
  // The library would keep 16 MB a connection: after some thousand calls that is a fifth of the process.
  db.pragma("cache_size = -4000");
  if (!options.readonly) configureWriter(db, options.durability);
  const statements = new Map<string, Database.Statement<[SqlParams], SqlRow>>();
  const prepare = (statement: string): Database.Statement<[SqlParams], SqlRow> => {
    const kept = statements.get(statement);
    if (kept !== undefined) return kept;
    const made = db.prepare<[SqlParams], SqlRow>(withStablePlan(statement));
    statements.set(statement, made);
    return made;
  };
  const guard = createMacrotaskGuard();
  const before = (statement: string): void => {
    guard.check();
    options.onStatement?.(statement);
  };
  const schemaVersion = db.prepare<[], { user_version: number }>("pragma user_version");
  return {
    db,
    beginGuard: guard.begin,
    endGuard: guard.end,
    get: async (statement, params) => {
      before(statement);
      return onDisk(() => prepare(statement).get(params));
    },
    all: async (statement, params) => {
      before(statement);
      return onDisk(() => prepare(statement).all(params));
    },
    run: async (statement, params) => {
      before(statement);
      return onDisk(() => prepare(statement).run(params).changes);
    },
    control: (statement) => {
      options.onStatement?.(statement);
      prepare(statement).run({});
    },
    checkSchema: () => {
      const found = schemaVersion.get()?.user_version ?? 0;
      if (found > SCHEMA_NUMBER) throw newerSchema(found);
    },
    dataVersion: () => Number(db.pragma("data_version", { simple: true })),
  };
}

/** Where a statement fails for the disk, the engine must know at once: nothing more can be written. */
function onDisk<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw toStorageError(error);
  }
}

/**
 * This SQLite looks at bound values when it plans a statement (it is built with STAT4, and has
 * partial indexes to choose from), so it plans many of them anew at each execution. It does not look
 * into `(select @value)`. Measured, in µs: the best ready tasks 68 to 4, gate runs of a task 44 to 3,
 * buckets 25 to 3, a row by its key 1.3 to 1.6.
 */
function withStablePlan(statement: string): string {
  return /^(?:select|with)\b/.test(statement)
    ? statement.replaceAll(/@\w+/g, "(select $&)")
    : statement;
}

export function newerSchema(found: number): GuvnorError {
  return new GuvnorError(
    "schema_newer",
    `The database has schema ${found}; this guvnor knows up to ${SCHEMA_NUMBER}.`,
    "Another process runs a newer guvnor: upgrade this one and start it again.",
  );
}

function configureWriter(db: Database.Database, durability: Durability): void {
  db.pragma("journal_mode = wal");
  // Said explicitly: the library would run WAL at NORMAL, which may lose the last calls in a power cut.
  db.pragma(`synchronous = ${durability === "full" ? "full" : "normal"}`);
  if (process.platform === "darwin" && durability === "full") db.pragma("fullfsync = 1");
  // The ticker checkpoints, off the path of calls; this is only the limit where no ticker runs.
  db.pragma("wal_autocheckpoint = 10000");
}

/**
 * Finds a transaction that awaits something other than the store: statements resolve within
 * microtasks, so a statement after a macrotask means that somebody else ran in between.
 */
function createMacrotaskGuard(): { begin: () => void; end: () => void; check: () => void } {
  let immediate: NodeJS.Immediate | undefined;
  let late = false;
  return {
    begin: () => {
      late = false;
      immediate = setImmediate(() => {
        late = true;
      });
    },
    end: () => {
      clearImmediate(immediate);
      late = false;
    },
    check: () => {
      if (late) throw new Error("a transaction awaited something that is not the store");
    },
  };
}

import { dirname } from "node:path";

import pLimit from "p-limit";

import { GuvnorError } from "../../core/errors.ts";
import type { ChangeWatch, ReadTx, Scope, Store, StoreTx } from "../store.ts";
import { createTables } from "../tables/tables.ts";
import {
  openConnection,
  type Connection,
  type Durability,
  type StatementListener,
} from "./connection.ts";
import { refuseSharedFilesystem } from "./filesystem.ts";
import { migrate } from "./migrate.ts";
import { isBusy, toStorageError } from "./storage-error.ts";
import { createLocalWake, createWakeFile, type WakeSignal } from "./wake-file.ts";

const BUSY_LIMIT_MS = 5000;
const RETRY_MS = 10;

export interface SqliteOptions {
  /** A path, or ":memory:". */
  readonly file: string;
  /** `full`: an answered call survives a power cut. `normal`: it survives any crash of a process. */
  readonly durability?: Durability;
  readonly onStatement?: StatementListener;
}

/**
 * Opens (and if needed migrates) the store.
 * @throws {GuvnorError} `storage_failed`, `schema_newer` or `busy`.
 */
export async function openSqlite(options: SqliteOptions): Promise<Store> {
  const memory = options.file === ":memory:";
  const settings = {
    durability: options.durability ?? "full",
    ...(options.onStatement === undefined ? {} : { onStatement: options.onStatement }),
  };
  try {
    if (!memory) refuseSharedFilesystem(dirname(options.file));
    const writer = await retryBusy(() => {
      const opened = openConnection(options.file, { ...settings, readonly: false });
      try {
        migrate(opened.db, Date.now());
        opened.checkSchema();
      } catch (error) {
        opened.db.close();
        throw error;
      }
      return opened;
    });
    // In memory each connection would be a database of its own.
    const reader = memory
      ? writer
      : openConnection(options.file, { durability: settings.durability, readonly: true });
    const wake = memory
      ? createLocalWake()
      : createWakeFile(`${options.file}.wake`, () => reader.dataVersion());
    return createStore(writer, reader, wake);
  } catch (error) {
    throw toStorageError(error);
  }
}

function createStore(writer: Connection, reader: Connection, wake: WakeSignal): Store {
  const writeTurn = pLimit(1);
  const readTurn = reader === writer ? writeTurn : pLimit(1);
  const writeTx = kept((scope) => createWriteTx(writer, scope));
  const readTx = kept((scope): ReadTx => createTables(reader, scope));
  return {
    write: async (scope, work) =>
      await writeTurn(async () => {
        const { tx, flags } = writeTx(scope);
        flags.wake = false;
        const result = await transact(writer, "begin immediate", async () => await work(tx));
        if (flags.wake) wake.raise();
        return result;
      }),
    read: async (scope, work) =>
      await readTurn(
        async () => await transact(reader, "begin", async () => await work(readTx(scope))),
      ),
    watch: () => createWatch(wake),
    checkpoint: async () => {
      await writeTurn(() => void writer.db.pragma("wal_checkpoint(passive)"));
    },
    close: async () => {
      wake.close();
      await readTurn(() => reader.db.close());
      if (reader !== writer) await writeTurn(() => writer.db.close());
    },
  };
}

/** One object a scope: building the tables anew for each call would cost more than a statement. */
function kept<T>(make: (scope: Scope) => T): (scope: Scope) => T {
  const made = new Map<string, T>();
  return (scope) => {
    const key = `${scope.tenant}\n${scope.project}`;
    const found = made.get(key);
    if (found !== undefined) return found;
    const fresh = make(scope);
    made.set(key, fresh);
    return fresh;
  };
}

function createWriteTx(
  writer: Connection,
  scope: Scope,
): { tx: StoreTx; flags: { wake: boolean } } {
  const flags = { wake: false };
  const tx: StoreTx = {
    ...createTables(writer, scope),
    wake: () => {
      flags.wake = true;
    },
    savepoint: async (work) => {
      writer.control("savepoint work");
      const before = flags.wake;
      try {
        const { keep, value } = await work();
        if (!keep) {
          writer.control("rollback to work");
          flags.wake = before;
        }
        writer.control("release work");
        return value;
      } catch (error) {
        flags.wake = before;
        // After a full disk SQLite may have rolled back everything already.
        if (writer.db.inTransaction) {
          writer.control("rollback to work");
          writer.control("release work");
        }
        throw error;
      }
    },
  };
  return { tx, flags };
}

async function transact<T>(
  connection: Connection,
  begin: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    await retryBusy(() => connection.control(begin));
    connection.beginGuard();
    connection.checkSchema();
    const result = await work();
    connection.control("commit");
    return result;
  } catch (error) {
    // Some errors (disk full) have ended the transaction already.
    if (connection.db.inTransaction) connection.control("rollback");
    throw toStorageError(error);
  } finally {
    connection.endGuard();
  }
}

/**
 * Other processes hold the write lock for well under a millisecond, unless one was stopped. A short
 * time-out with our own jittered retry starves nobody at real load; a long busy_timeout did for > 5 s.
 */
async function retryBusy<T>(attempt: () => T): Promise<T> {
  const startedMs = performance.now();
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() - startedMs > BUSY_LIMIT_MS) {
        throw new GuvnorError(
          "busy",
          `The database was locked for ${BUSY_LIMIT_MS / 1000} s by another process.`,
          "Try again. If it stays so, a guvnor process is stopped in the middle of a call: `guvnor doctor` finds it.",
          { cause: error },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * (0.5 + Math.random())));
    }
  }
}

function createWatch(wake: WakeSignal): ChangeWatch {
  let seen = wake.count();
  const unlisten = wake.listen(() => {
    notify?.();
  });
  let notify: (() => void) | undefined;
  return {
    next: async (timeoutMs, signal) => {
      if (wake.count() === seen && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const finish = (): void => {
            clearTimeout(timer);
            signal.removeEventListener("abort", finish);
            notify = undefined;
            resolve();
          };
          const timer = setTimeout(finish, timeoutMs);
          signal.addEventListener("abort", finish);
          notify = finish;
        });
      }
      seen = wake.count();
    },
    close: () => {
      notify?.();
      unlisten();
    },
  };
}

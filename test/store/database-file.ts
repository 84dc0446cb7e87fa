import { createHash } from "node:crypto";

import Database from "better-sqlite3";

import { checkChain, type ChainedEntry } from "../../src/core/audit-chain.ts";

/** A database file, read past the store: tests judge what lies on the disk, not what the store says. */
export interface DatabaseFile {
  readonly rows: <Row>(statement: string, ...values: readonly (string | number)[]) => Row[];
  /** SHA-256 of every row of every table. */
  readonly digest: () => string;
  /** Throws unless the file is sound and each project's chain of entries holds from its first one. */
  readonly verify: () => void;
  readonly close: () => void;
}

function readDatabase(file: string): DatabaseFile {
  const db = new Database(file, { readonly: true, fileMustExist: true });
  const rows: DatabaseFile["rows"] = <Row>(
    statement: string,
    ...values: readonly (string | number)[]
  ) => db.prepare<(string | number)[], Row>(statement).all(...values);
  return {
    rows,
    digest: () => {
      const hash = createHash("sha256");
      const tables = rows<{ name: string }>(
        "select name from sqlite_schema where type = 'table' order by name",
      );
      for (const { name } of tables) {
        hash.update(`${name}\n`);
        for (const row of rows(`select * from ${name} order by rowid`)) {
          hash.update(`${JSON.stringify(row)}\n`);
        }
      }
      return hash.digest("hex");
    },
    verify: () => {
      const damage = String(db.pragma("integrity_check(1)", { simple: true }));
      if (damage !== "ok") throw new Error(`${file} is damaged: ${damage}`);
      const scopes = rows<{ tenant: string; project: string }>(
        "select distinct tenant, project from audit_entry",
      );
      for (const { tenant, project } of scopes) {
        const entries = rows<ChainedEntry>(
          "select seq, prev_hash as prevHash, hash, body from audit_entry where tenant = ? and project = ? order by seq",
          tenant,
          project,
        );
        const check = checkChain(entries);
        if (!check.ok) throw new Error(`${file}: ${check.broken.message}`);
        const [head] = rows<{ seq: number; hash: string }>(
          "select seq, hash from audit_head where tenant = ? and project = ?",
          tenant,
          project,
        );
        if (head?.seq !== check.head.seq || head.hash !== check.head.hash) {
          throw new Error(`${file}: the head of ${project} is not its last entry`);
        }
      }
    },
    close: () => {
      db.close();
    },
  };
}

/** Does it while no process writes, in the middle of a transaction or otherwise. */
export async function betweenWrites(file: string, work: () => Promise<void>): Promise<void> {
  const db = new Database(file, { fileMustExist: true, timeout: 30_000 });
  try {
    db.exec("begin immediate");
    await work();
    db.exec("rollback");
  } finally {
    db.close();
  }
}

/** Opens, looks and closes. */
export function inDatabase<T>(file: string, look: (database: DatabaseFile) => T): T {
  const database = readDatabase(file);
  try {
    return look(database);
  } finally {
    database.close();
  }
}

import type { Scope } from "./store.ts";

type SqlValue = string | number | null;
export type SqlParams = Readonly<Record<string, SqlValue>>;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** One connection inside a transaction. Statements name their values `@like_this`. */
export interface Sql {
  get(statement: string, params: SqlParams): Promise<SqlRow | undefined>;
  all(statement: string, params: SqlParams): Promise<SqlRow[]>;
  /** Answers the number of rows changed. */
  run(statement: string, params: SqlParams): Promise<number>;
}

/** Every statement starts its condition with this. */
export const IN_SCOPE = "tenant = @tenant and project = @project";

/** `insert … on conflict … do update` for rows that are written whole. */
export function upsert(table: string, key: readonly string[], columns: readonly string[]): string {
  const all = ["tenant", "project", ...key, ...columns];
  const updates = columns.map((column) => `${column} = excluded.${column}`).join(", ");
  const conflict = ["tenant", "project", ...key].join(", ");
  return `${insert(table, all)} on conflict (${conflict}) do update set ${updates}`;
}

export function insert(table: string, columns: readonly string[]): string {
  return `insert into ${table} (${columns.join(", ")}) values (${columns.map((c) => `@${c}`).join(", ")})`;
}

/** A connection that fills in whose rows are meant. */
export function scoped(sql: Sql, scope: Scope): Sql {
  const { tenant, project } = scope;
  return {
    get: async (statement, params) => await sql.get(statement, { ...params, tenant, project }),
    all: async (statement, params) => await sql.all(statement, { ...params, tenant, project }),
    run: async (statement, params) => await sql.run(statement, { ...params, tenant, project }),
  };
}

export function text(row: SqlRow, column: string): string {
  return String(row[column]);
}

export function textOrNull(row: SqlRow, column: string): string | null {
  const value = row[column];
  return value === null || value === undefined ? null : String(value);
}

export function number(row: SqlRow, column: string): number {
  return Number(row[column]);
}

export function numberOrNull(row: SqlRow, column: string): number | null {
  const value = row[column];
  return value === null || value === undefined ? null : Number(value);
}

/**
 * A value that this program stored as JSON. The shape is what was written: rows are not input from
 * outside, and a changed shape comes with a migration.
 */
export function json<T>(row: SqlRow, column: string): T {
  return JSON.parse(text(row, column)) as T;
}

export function jsonOrNull<T>(row: SqlRow, column: string): T | null {
  return row[column] === null ? null : json<T>(row, column);
}

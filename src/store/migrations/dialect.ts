/** The few places where the stores' SQL differs. */
export interface Dialect {
  /** Text of one top-level field of a JSON text column. */
  field(column: string, name: string): string;
}

export const SQLITE: Dialect = { field: (column, name) => `(${column} ->> '$.${name}')` };

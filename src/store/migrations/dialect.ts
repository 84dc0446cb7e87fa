/** The few places where the stores' SQL differs. */
export interface Dialect {
  /** Text of one top-level field of a JSON text column. */
  field(column: string, name: string): string;
  /** How columns to search by are made from the body: computed when read, where that is possible. */
  readonly generated: "virtual" | "stored";
}

export const SQLITE: Dialect = {
  field: (column, name) => `(${column} ->> '$.${name}')`,
  generated: "virtual",
};

import type { Guard, GuardKind, GuardOf } from "../../core/guard.ts";
import { IN_SCOPE, json, text, upsert, type Sql, type SqlRow } from "../sql.ts";
import type { GuardTable } from "../store.ts";

// One read for a call: its agent, the agent's tier, the tool and the project.
const OF = `select * from guard where ${IN_SCOPE} and subject in (@s0, @s1, @s2, @s3)`;
const LIST = `select * from guard where ${IN_SCOPE} and kind = @kind order by subject, name`;
const SAVE = upsert("guard", ["subject", "kind", "name"], ["state"]);

export function guardTable(sql: Sql): GuardTable {
  return {
    of: async ([s0, s1 = s0, s2 = s0, s3 = s0]) =>
      (await sql.all(OF, { s0, s1, s2, s3 })).map((row) => toGuard<GuardKind>(row)),
    list: async <Kind extends GuardKind>(kind: Kind) =>
      (await sql.all(LIST, { kind })).map((row) => toGuard<Kind>(row)),
    save: async ({ subject, kind, name, state }: Guard) => {
      await sql.run(SAVE, { subject, kind, name, state: JSON.stringify(state) });
    },
  };
}

/** Kind and state were written together. */
function toGuard<Kind extends GuardKind>(row: SqlRow): GuardOf<Kind> {
  return {
    subject: text(row, "subject"),
    kind: text(row, "kind") as Kind,
    name: text(row, "name"),
    state: json(row, "state"),
  };
}

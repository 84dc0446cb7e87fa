import { formatId, parseId } from "../../core/ids.ts";
import type { Plan } from "../../core/plan.ts";
import {
  IN_SCOPE,
  number,
  numberOrNull,
  text,
  textOrNull,
  upsert,
  type Sql,
  type SqlRow,
} from "../sql.ts";
import type { PlanTable } from "../store.ts";

const GET = `select * from plan where ${IN_SCOPE} and id = @id`;
const LIST = `select * from plan where ${IN_SCOPE} order by id desc limit @max_rows`;
const OPEN_COUNT = `select count(*) as n from plan where ${IN_SCOPE} and state = 'open'`;
const SAVE = upsert(
  "plan",
  ["id"],
  [
    "title",
    "state",
    "created_by",
    "created_at_ms",
    "ended_at_ms",
    "integrate",
    "branch",
    "base_commit",
    "head_commit",
    "next_head",
  ],
);

export function planTable(sql: Sql): PlanTable {
  return {
    get: async (id) => {
      const row = await sql.get(GET, { id: parseId("plan", id) ?? -1 });
      return row === undefined ? undefined : toPlan(row);
    },
    list: async (limit) => (await sql.all(LIST, { max_rows: limit })).map(toPlan),
    openCount: async () => Number((await sql.get(OPEN_COUNT, {}))?.["n"] ?? 0),
    save: async (plan) => {
      await sql.run(SAVE, {
        id: parseId("plan", plan.id) ?? -1,
        title: plan.title,
        state: plan.state,
        created_by: plan.createdBy,
        created_at_ms: plan.createdAtMs,
        ended_at_ms: plan.endedAtMs,
        integrate: plan.integrate ? 1 : 0,
        branch: plan.branch,
        base_commit: plan.baseCommit,
        head_commit: plan.headCommit,
        next_head: plan.nextHead,
      });
    },
  };
}

function toPlan(row: SqlRow): Plan {
  return {
    id: formatId("plan", number(row, "id")),
    title: text(row, "title"),
    state: text(row, "state") as Plan["state"],
    createdBy: text(row, "created_by"),
    createdAtMs: number(row, "created_at_ms"),
    endedAtMs: numberOrNull(row, "ended_at_ms"),
    integrate: number(row, "integrate") === 1,
    branch: textOrNull(row, "branch"),
    baseCommit: textOrNull(row, "base_commit"),
    headCommit: textOrNull(row, "head_commit"),
    nextHead: textOrNull(row, "next_head"),
  };
}

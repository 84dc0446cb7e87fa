import { formatId, parseId } from "../../core/ids.ts";
import type { Attempt } from "../../core/task.ts";
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
import type { AttemptTable } from "../store.ts";

const GET = `select * from attempt where ${IN_SCOPE} and task_id = @task_id and no = @no`;
const LIST = `select * from attempt where ${IN_SCOPE} and task_id = @task_id order by no`;
const LIST_RUNNING = `select * from attempt where ${IN_SCOPE} and ended_at_ms is null order by task_id, no`;
const LIST_ENDED = `select * from attempt where ${IN_SCOPE} and agent = @agent and ended_at_ms is not null
  order by ended_at_ms desc, task_id desc, no desc limit @max_rows`;
const SAVE = upsert(
  "attempt",
  ["task_id", "no"],
  [
    "agent",
    "fence",
    "worktree",
    "base_commit",
    "head_commit",
    "started_at_ms",
    "ended_at_ms",
    "outcome",
    "needed_person",
  ],
);

export function attemptTable(sql: Sql): AttemptTable {
  return {
    get: async (taskId, no) => {
      const row = await sql.get(GET, { task_id: parseId("task", taskId) ?? -1, no });
      return row === undefined ? undefined : toAttempt(row);
    },
    list: async (taskId) =>
      (await sql.all(LIST, { task_id: parseId("task", taskId) ?? -1 })).map(toAttempt),
    listRunning: async () => (await sql.all(LIST_RUNNING, {})).map(toAttempt),
    listEnded: async (agent, limit) =>
      (await sql.all(LIST_ENDED, { agent, max_rows: limit })).map(toAttempt),
    save: async (attempt) => {
      await sql.run(SAVE, {
        task_id: parseId("task", attempt.taskId) ?? -1,
        no: attempt.no,
        agent: attempt.agent,
        fence: attempt.fence,
        worktree: attempt.worktree,
        base_commit: attempt.baseCommit,
        head_commit: attempt.headCommit,
        started_at_ms: attempt.startedAtMs,
        ended_at_ms: attempt.endedAtMs,
        outcome: attempt.outcome,
        needed_person: attempt.neededPerson ? 1 : 0,
      });
    },
  };
}

function toAttempt(row: SqlRow): Attempt {
  return {
    taskId: formatId("task", number(row, "task_id")),
    no: number(row, "no"),
    agent: text(row, "agent"),
    fence: number(row, "fence"),
    worktree: textOrNull(row, "worktree"),
    baseCommit: textOrNull(row, "base_commit"),
    headCommit: textOrNull(row, "head_commit"),
    startedAtMs: number(row, "started_at_ms"),
    endedAtMs: numberOrNull(row, "ended_at_ms"),
    outcome: textOrNull(row, "outcome") as Attempt["outcome"],
    neededPerson: number(row, "needed_person") === 1,
  };
}

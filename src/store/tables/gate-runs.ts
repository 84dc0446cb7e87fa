import type { GateRun } from "../../core/gate-run.ts";
import { formatId, parseId } from "../../core/ids.ts";
import {
  IN_SCOPE,
  jsonOrNull,
  number,
  numberOrNull,
  text,
  textOrNull,
  upsert,
  type Sql,
  type SqlRow,
} from "../sql.ts";
import type { GateRunTable } from "../store.ts";

/** The column may not be null, and no task has this number. */
const NO_TASK = 0;

const GET = `select * from gate_run where ${IN_SCOPE} and id = @id`;
const OF_TASK = `select * from gate_run where ${IN_SCOPE} and task_id = @task_id and fence = @fence order by id`;
const OF_SOLUTION = `select * from gate_run where ${IN_SCOPE} and solution_id = @solution_id order by id`;
const RUNNING = `select * from gate_run where ${IN_SCOPE} and state = 'running' order by id`;
// Merges of one plan take turns: a queued one waits while another of its plan runs.
const NEXT_QUEUED = `select * from gate_run g where g.tenant = @tenant and g.project = @project
  and g.state = 'queued' and (g.kind <> 'merge' or not exists (
    select 1 from gate_run m where m.tenant = g.tenant and m.project = g.project
      and m.state = 'running' and m.kind = 'merge' and m.plan_id = g.plan_id))
  order by g.id limit 1`;
const SAVE = upsert(
  "gate_run",
  ["id"],
  [
    "task_id",
    "solution_id",
    "fence",
    "attempt_no",
    "round",
    "gate",
    "kind",
    "plan_id",
    "commit_id",
    "state",
    "process_id",
    "slot",
    "tries",
    "queued_at_ms",
    "ended_at_ms",
    "evidence",
  ],
);

export function gateRunTable(sql: Sql): GateRunTable {
  return {
    get: async (id) => optional(await sql.get(GET, { id: parseId("gateRun", id) ?? -1 })),
    ofTask: async (taskId, fence) =>
      (await sql.all(OF_TASK, { task_id: parseId("task", taskId) ?? -1, fence })).map(toGateRun),
    ofSolution: async (solutionId) =>
      (await sql.all(OF_SOLUTION, { solution_id: parseId("solution", solutionId) ?? -1 })).map(
        toGateRun,
      ),
    nextQueued: async () => optional(await sql.get(NEXT_QUEUED, {})),
    running: async () => (await sql.all(RUNNING, {})).map(toGateRun),
    save: async (run) => {
      await sql.run(SAVE, {
        id: parseId("gateRun", run.id) ?? -1,
        task_id: run.taskId === null ? NO_TASK : (parseId("task", run.taskId) ?? -1),
        solution_id: run.solutionId === null ? null : (parseId("solution", run.solutionId) ?? -1),
        fence: run.fence,
        attempt_no: run.attemptNo,
        round: run.round,
        gate: run.gate,
        kind: run.kind,
        plan_id: run.planId === null ? null : (parseId("plan", run.planId) ?? -1),
        commit_id: run.commit,
        state: run.state,
        process_id: run.processId,
        slot: run.slot,
        tries: run.tries,
        queued_at_ms: run.queuedAtMs,
        ended_at_ms: run.endedAtMs,
        evidence: run.evidence === null ? null : JSON.stringify(run.evidence),
      });
    },
  };
}

function optional(row: SqlRow | undefined): GateRun | undefined {
  return row === undefined ? undefined : toGateRun(row);
}

function toGateRun(row: SqlRow): GateRun {
  const plan = numberOrNull(row, "plan_id");
  const task = number(row, "task_id");
  const solution = numberOrNull(row, "solution_id");
  return {
    id: formatId("gateRun", number(row, "id")),
    taskId: task === NO_TASK ? null : formatId("task", task),
    solutionId: solution === null ? null : formatId("solution", solution),
    fence: number(row, "fence"),
    attemptNo: number(row, "attempt_no"),
    round: number(row, "round"),
    gate: text(row, "gate"),
    kind: text(row, "kind") as GateRun["kind"],
    planId: plan === null ? null : formatId("plan", plan),
    commit: textOrNull(row, "commit_id"),
    state: text(row, "state") as GateRun["state"],
    processId: textOrNull(row, "process_id"),
    slot: numberOrNull(row, "slot"),
    tries: number(row, "tries"),
    queuedAtMs: number(row, "queued_at_ms"),
    endedAtMs: numberOrNull(row, "ended_at_ms"),
    evidence: jsonOrNull(row, "evidence"),
  };
}

import { formatId, parseId } from "../../core/ids.ts";
import { orderKey } from "../../core/score.ts";
import { TASK_STATES, type Blocker, type Task, type TaskState } from "../../core/task.ts";
import {
  IN_SCOPE,
  insert,
  json,
  jsonOrNull,
  number,
  numberOrNull,
  text,
  textOrNull,
  type Sql,
  type SqlParams,
  type SqlRow,
} from "../sql.ts";
import type { TaskFilter, TaskTable } from "../store.ts";

const MUTABLE = [
  "state",
  "updated_at_ms",
  "ended_at_ms",
  "open_dependencies",
  "order_key",
  "ready_at_ms",
  "not_before_ms",
  "fence",
  "holder",
  "attempt_no",
  "progress_at_ms",
  "percent",
  "note",
  "blocker",
  "missing",
  "outputs",
  "artifacts",
  "commit_id",
  "failures",
  "lost_leases",
  "review_rounds",
  "preferred_agent",
  "failed_by",
  "verified_by",
] as const;

const INSERT = insert("task", [
  "tenant",
  "project",
  "id",
  "plan_id",
  "spec",
  "needs",
  "priority",
  "created_by",
  "created_at_ms",
  ...MUTABLE,
]);
/** In indexes: they are written only where they changed, as each index costs a page of the commit. */
const INDEXED: readonly string[] = ["state", "order_key", "not_before_ms", "holder"];
const SAVE = `update task set ${MUTABLE.filter((c) => !INDEXED.includes(c))
  .map((c) => `${c} = @${c}`)
  .join(", ")} where ${IN_SCOPE} and id = @id`;
const SAVE_INDEXED = `update task set ${INDEXED.map((c) => `${c} = @${c}`).join(", ")}
  where ${IN_SCOPE} and id = @id and (${INDEXED.map((c) => `${c} is distinct from @${c}`).join(" or ")})`;
const GET = `select * from task where ${IN_SCOPE} and id = @id`;
const HELD_BY = `select * from task where ${IN_SCOPE} and holder = @holder`;
// A loose index scan: one seek a bucket, however many tasks are ready.
const READY_NEEDS = `with recursive bucket (needs) as (
    select min(needs) from task where ${IN_SCOPE} and state = 'ready'
    union all
    select (select min(t.needs) from task t where t.tenant = @tenant and t.project = @project
      and t.state = 'ready' and t.needs > bucket.needs)
    from bucket where bucket.needs is not null)
  select needs from bucket where needs is not null`;
const BEST_READY = `select * from task where ${IN_SCOPE} and state = 'ready' and needs = @needs
  and (not_before_ms is null or not_before_ms <= @now_ms)
  order by order_key desc, id limit @max_rows`;
const NEXT_NOT_BEFORE = `select min(not_before_ms) as at_ms from task
  where ${IN_SCOPE} and state = 'ready' and not_before_ms > @now_ms`;
const DEPENDENCIES = `select after_id as id from dependency where ${IN_SCOPE} and task_id = @id order by after_id`;
const DEPENDENTS = `select task_id as id from dependency where ${IN_SCOPE} and after_id = @id order by task_id`;
const ADD_DEPENDENCY = `insert into dependency (tenant, project, task_id, after_id)
  values (@tenant, @project, @task_id, @after_id) on conflict do nothing`;
const COUNTS = `select state, count(*) as n from task where ${IN_SCOPE} group by state`;
const PLAN_COUNTS = `select state, count(*) as n from task where ${IN_SCOPE} and plan_id = @plan_id group by state`;

export function taskTable(sql: Sql): TaskTable {
  return {
    get: async (id) => {
      const row = await sql.get(GET, { id: numberOf(id) });
      return row === undefined ? undefined : toTask(row);
    },
    list: async (filter) => (await listRows(sql, filter)).map(toTask),
    hasAny: async (states, planId) => {
      const wanted = [...states];
      const conditions = [
        IN_SCOPE,
        ...(planId === undefined ? [] : ["plan_id = @plan_id"]),
        isOneOf(wanted),
      ];
      const statement = `select 1 from task where ${conditions.join(" and ")} limit 1`;
      return (await sql.get(statement, { ...paramsOf(wanted), ...ofPlan(planId) })) !== undefined;
    },
    counts: async (planId) => {
      const rows =
        planId === undefined
          ? await sql.all(COUNTS, {})
          : await sql.all(PLAN_COUNTS, ofPlan(planId));
      return Object.fromEntries(rows.map((row) => [text(row, "state"), number(row, "n")]));
    },
    heldBy: async (holder) =>
      (await sql.all(HELD_BY, { holder }))
        .toSorted((a, b) => number(a, "id") - number(b, "id"))
        .map(toTask),
    readyNeeds: async () => (await sql.all(READY_NEEDS, {})).map((row) => json(row, "needs")),
    bestReady: async (needs, nowMs, limit) => {
      const params = { needs: JSON.stringify(needs), now_ms: nowMs, max_rows: limit };
      return (await sql.all(BEST_READY, params)).map(toTask);
    },
    nextNotBefore: async (nowMs) => {
      const row = await sql.get(NEXT_NOT_BEFORE, { now_ms: nowMs });
      return row === undefined ? undefined : (numberOrNull(row, "at_ms") ?? undefined);
    },
    dependenciesOf: async (id) => (await sql.all(DEPENDENCIES, { id: numberOf(id) })).map(taskIdOf),
    dependentsOf: async (id) => (await sql.all(DEPENDENTS, { id: numberOf(id) })).map(taskIdOf),
    addDependency: async (taskId, afterId) => {
      await sql.run(ADD_DEPENDENCY, { task_id: numberOf(taskId), after_id: numberOf(afterId) });
    },
    insert: async (task) => {
      await sql.run(INSERT, {
        ...mutableColumns(task),
        plan_id: task.planId === null ? null : (parseId("plan", task.planId) ?? null),
        spec: JSON.stringify(task.spec),
        needs: JSON.stringify(task.spec.needs),
        priority: task.spec.priority,
        created_by: task.createdBy,
        created_at_ms: task.createdAtMs,
      });
    },
    save: async (task) => {
      const columns = mutableColumns(task);
      const changed = await sql.run(SAVE, columns);
      if (changed !== 1) throw new Error(`task ${task.id} is not there to be saved`);
      await sql.run(SAVE_INDEXED, columns);
    },
  };
}

async function listRows(sql: Sql, filter: TaskFilter): Promise<SqlRow[]> {
  const { states, planId, holder, limit } = filter;
  if (holder !== undefined || (states === undefined && planId === undefined)) {
    return await sql.all(listOf(filter), listParams(filter));
  }
  // One seek a state, each in order of id: all states in one statement would walk the table.
  const rows: SqlRow[] = [];
  for (const state of new Set(states ?? TASK_STATES)) {
    const one = { ...filter, states: [state] };
    rows.push(...(await sql.all(listOf(one), listParams(one))));
  }
  return rows.toSorted((a, b) => number(a, "id") - number(b, "id")).slice(0, limit);
}

function listOf({ states = [], planId, holder }: TaskFilter): string {
  const conditions = [
    IN_SCOPE,
    "id > @after_id",
    ...(planId === undefined ? [] : ["plan_id = @plan_id"]),
    ...(holder === undefined ? [] : ["holder = @holder"]),
    ...(states.length === 0 ? [] : [isOneOf(states)]),
  ];
  return `select * from task where ${conditions.join(" and ")} order by id limit @max_rows`;
}

function listParams({ states = [], planId, holder, afterId, limit }: TaskFilter): SqlParams {
  return {
    after_id: afterId === undefined ? 0 : numberOf(afterId),
    ...ofPlan(planId),
    ...(holder === undefined ? {} : { holder }),
    ...paramsOf(states),
    max_rows: limit,
  };
}

function isOneOf(states: readonly TaskState[]): string {
  return `state in (${states.map((_, index) => `@s${index}`).join(", ")})`;
}

function paramsOf(states: readonly TaskState[]): SqlParams {
  return Object.fromEntries(states.map((state, index) => [`s${index}`, state]));
}

function ofPlan(planId: string | undefined): SqlParams {
  return planId === undefined ? {} : { plan_id: parseId("plan", planId) ?? -1 };
}

/** −1 never matches: an id of another shape finds nothing. */
function numberOf(id: string): number {
  return parseId("task", id) ?? -1;
}

function taskIdOf(row: SqlRow): string {
  return formatId("task", number(row, "id"));
}

function mutableColumns(task: Task): SqlParams {
  return {
    id: numberOf(task.id),
    state: task.state,
    updated_at_ms: task.updatedAtMs,
    ended_at_ms: task.endedAtMs,
    open_dependencies: task.openDependencies,
    order_key: orderKey(task.spec.priority, task.readyAtMs ?? task.createdAtMs),
    ready_at_ms: task.readyAtMs,
    not_before_ms: task.notBeforeMs,
    fence: task.fence,
    holder: task.holder,
    attempt_no: task.attemptNo,
    progress_at_ms: task.progressAtMs,
    percent: task.percent,
    note: task.note,
    blocker: task.blocker === null ? null : JSON.stringify(task.blocker),
    missing: JSON.stringify(task.missing),
    outputs: JSON.stringify(task.outputs),
    artifacts: JSON.stringify(task.artifacts),
    commit_id: task.commit,
    failures: task.failures,
    lost_leases: task.lostLeases,
    review_rounds: task.reviewRounds,
    preferred_agent: task.preferredAgent,
    failed_by: task.failedBy,
    verified_by: task.verifiedBy,
  };
}

function toTask(row: SqlRow): Task {
  const planNumber = numberOrNull(row, "plan_id");
  return {
    id: taskIdOf(row),
    planId: planNumber === null ? null : formatId("plan", planNumber),
    spec: json(row, "spec"),
    state: text(row, "state") as TaskState,
    createdBy: text(row, "created_by"),
    createdAtMs: number(row, "created_at_ms"),
    updatedAtMs: number(row, "updated_at_ms"),
    endedAtMs: numberOrNull(row, "ended_at_ms"),
    openDependencies: number(row, "open_dependencies"),
    readyAtMs: numberOrNull(row, "ready_at_ms"),
    notBeforeMs: numberOrNull(row, "not_before_ms"),
    fence: number(row, "fence"),
    holder: textOrNull(row, "holder"),
    attemptNo: number(row, "attempt_no"),
    progressAtMs: numberOrNull(row, "progress_at_ms"),
    percent: numberOrNull(row, "percent"),
    note: textOrNull(row, "note"),
    blocker: toBlocker(row),
    missing: json(row, "missing"),
    outputs: json(row, "outputs"),
    artifacts: json(row, "artifacts"),
    commit: textOrNull(row, "commit_id"),
    failures: number(row, "failures"),
    lostLeases: number(row, "lost_leases"),
    reviewRounds: number(row, "review_rounds"),
    preferredAgent: textOrNull(row, "preferred_agent"),
    failedBy: textOrNull(row, "failed_by"),
    verifiedBy: textOrNull(row, "verified_by") as Task["verifiedBy"],
  };
}

/** One that was stored before blockers said since when counts from the task's last change. */
function toBlocker(row: SqlRow): Blocker | null {
  const stored = jsonOrNull<Omit<Blocker, "sinceMs"> & Partial<Blocker>>(row, "blocker");
  return stored === null ? null : { sinceMs: number(row, "updated_at_ms"), ...stored };
}

import type { Escalation, Resolution } from "../../core/escalation.ts";
import { formatId, parseId } from "../../core/ids.ts";
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
import type { EscalationTable } from "../store.ts";

const GET = `select * from escalation where ${IN_SCOPE} and id = @id`;
const OF_TASK = `select * from escalation where ${IN_SCOPE} and task_id = @task_id order by id`;
const CLIMBING = `select * from escalation where ${IN_SCOPE} and level <> 'L3' and ended_at_ms is null
  order by id`;
const SAVE = upsert(
  "escalation",
  ["id"],
  [
    "kind",
    "severity",
    "summary",
    "detail",
    "task_id",
    "topic_id",
    "raised_by",
    "for_people",
    "level",
    "climbs",
    "state",
    "created_at_ms",
    "counted_from_ms",
    "due_at_ms",
    "acknowledged_by",
    "resolved_by",
    "resolution",
    "resolved_how",
    "valid_until_ms",
    "ended_at_ms",
  ],
);

export function escalationTable(sql: Sql): EscalationTable {
  return {
    get: async (id) => {
      const row = await sql.get(GET, { id: parseId("escalation", id) ?? -1 });
      return row === undefined ? undefined : toEscalation(row);
    },
    list: async (states, limit) => {
      const places = states.map((_, index) => `@s${index}`).join(", ");
      const rows = await sql.all(
        `select * from escalation where ${IN_SCOPE} and state in (${places}) order by id limit @max_rows`,
        {
          ...Object.fromEntries(states.map((state, index) => [`s${index}`, state])),
          max_rows: limit,
        },
      );
      return rows.map(toEscalation);
    },
    ofTask: async (taskId) =>
      (await sql.all(OF_TASK, { task_id: parseId("task", taskId) ?? -1 })).map(toEscalation),
    climbing: async () => (await sql.all(CLIMBING, {})).map(toEscalation),
    save: async (escalation) => {
      await sql.run(SAVE, {
        id: parseId("escalation", escalation.id) ?? -1,
        kind: escalation.kind,
        severity: escalation.severity,
        summary: escalation.summary,
        detail: escalation.detail,
        task_id: escalation.taskId === null ? null : (parseId("task", escalation.taskId) ?? -1),
        topic_id: escalation.topicId === null ? null : (parseId("topic", escalation.topicId) ?? -1),
        raised_by: escalation.raisedBy,
        for_people: escalation.forPeople ? 1 : 0,
        level: escalation.level,
        climbs: JSON.stringify(escalation.climbs),
        state: escalation.state,
        created_at_ms: escalation.createdAtMs,
        counted_from_ms: escalation.countedFromMs,
        due_at_ms: escalation.dueAtMs,
        acknowledged_by: escalation.acknowledgedBy,
        resolved_by: escalation.resolvedBy,
        resolution: escalation.resolution?.text ?? null,
        resolved_how: escalation.resolution?.how ?? null,
        valid_until_ms: escalation.resolution?.untilMs ?? null,
        ended_at_ms: escalation.endedAtMs,
      });
    },
  };
}

function toEscalation(row: SqlRow): Escalation {
  const task = numberOrNull(row, "task_id");
  const topic = numberOrNull(row, "topic_id");
  return {
    id: formatId("escalation", number(row, "id")),
    kind: text(row, "kind") as Escalation["kind"],
    severity: text(row, "severity") as Escalation["severity"],
    summary: text(row, "summary"),
    detail: textOrNull(row, "detail"),
    taskId: task === null ? null : formatId("task", task),
    topicId: topic === null ? null : formatId("topic", topic),
    raisedBy: text(row, "raised_by"),
    forPeople: number(row, "for_people") === 1,
    level: text(row, "level") as Escalation["level"],
    climbs: JSON.parse(text(row, "climbs")) as Escalation["climbs"],
    state: text(row, "state") as Escalation["state"],
    createdAtMs: number(row, "created_at_ms"),
    countedFromMs: number(row, "counted_from_ms"),
    dueAtMs: number(row, "due_at_ms"),
    acknowledgedBy: textOrNull(row, "acknowledged_by"),
    resolvedBy: textOrNull(row, "resolved_by"),
    resolution: toResolution(row),
    endedAtMs: numberOrNull(row, "ended_at_ms"),
  };
}

function toResolution(row: SqlRow): Resolution | null {
  const said = textOrNull(row, "resolution");
  if (said === null) return null;
  const how = text(row, "resolved_how") as Resolution["how"];
  return { how, text: said, untilMs: numberOrNull(row, "valid_until_ms") };
}

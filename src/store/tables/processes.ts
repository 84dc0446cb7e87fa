import type { ProcessRow } from "../../core/agent.ts";
import { IN_SCOPE, number, numberOrNull, text, upsert, type Sql, type SqlRow } from "../sql.ts";
import { textOrNull } from "../sql.ts";
import type { ProcessTable, Project, ProjectTable, Scope } from "../store.ts";

const GET_PROJECT = `select * from project where ${IN_SCOPE}`;
const SAVE_PROJECT = `insert into project
  (tenant, project, name, root, policy_hash, operator_key_hash, created_at_ms)
  values (@tenant, @project, @name, @root, @policy_hash, @operator_key_hash, @created_at_ms)
  on conflict (tenant, project) do update set name = excluded.name, root = excluded.root,
    policy_hash = excluded.policy_hash, operator_key_hash = excluded.operator_key_hash`;

export function projectTable(sql: Sql, scope: Scope): ProjectTable {
  return {
    get: async () => {
      const row = await sql.get(GET_PROJECT, {});
      return row === undefined ? undefined : toProject(row);
    },
    save: async (project) => {
      if (project.id !== scope.project) throw new Error("a project is saved in its own scope");
      await sql.run(SAVE_PROJECT, {
        name: project.name,
        root: project.root,
        policy_hash: project.policyHash,
        operator_key_hash: project.operatorKeyHash,
        created_at_ms: project.createdAtMs,
      });
    },
  };
}

function toProject(row: SqlRow): Project {
  return {
    id: text(row, "project"),
    name: text(row, "name"),
    root: textOrNull(row, "root"),
    policyHash: textOrNull(row, "policy_hash"),
    operatorKeyHash: textOrNull(row, "operator_key_hash"),
    createdAtMs: number(row, "created_at_ms"),
  };
}

const GET_PROCESS = `select * from process where ${IN_SCOPE} and id = @id`;
const LIST_PRESENT = `select * from process where ${IN_SCOPE} and ended_at_ms is null order by id`;
const BEAT = `update process set beat = beat + 1, beat_at_ms = @at_ms where ${IN_SCOPE} and id = @id and ended_at_ms is null`;
const SAVE_PROCESS = upsert(
  "process",
  ["id"],
  [
    "host",
    "boot_id",
    "pid_namespace",
    "pid",
    "start_time",
    "parent_pid",
    "parent_start_time",
    "beat",
    "started_at_ms",
    "beat_at_ms",
    "ended_at_ms",
    "schema_number",
  ],
);

export function processTable(sql: Sql): ProcessTable {
  return {
    get: async (id) => {
      const row = await sql.get(GET_PROCESS, { id });
      return row === undefined ? undefined : toProcess(row);
    },
    listPresent: async () => (await sql.all(LIST_PRESENT, {})).map(toProcess),
    beat: async (id, atMs) => {
      await sql.run(BEAT, { id, at_ms: atMs });
    },
    save: async (process) => {
      await sql.run(SAVE_PROCESS, {
        id: process.id,
        host: process.host,
        boot_id: process.bootId,
        pid_namespace: process.pidNamespace,
        pid: process.pid,
        start_time: process.startTime,
        parent_pid: process.parentPid,
        parent_start_time: process.parentStartTime,
        beat: process.beat,
        started_at_ms: process.startedAtMs,
        beat_at_ms: process.beatAtMs,
        ended_at_ms: process.endedAtMs,
        schema_number: process.schema,
      });
    },
  };
}

function toProcess(row: SqlRow): ProcessRow {
  return {
    id: text(row, "id"),
    host: text(row, "host"),
    bootId: text(row, "boot_id"),
    pidNamespace: text(row, "pid_namespace"),
    pid: number(row, "pid"),
    startTime: text(row, "start_time"),
    parentPid: number(row, "parent_pid"),
    parentStartTime: text(row, "parent_start_time"),
    beat: number(row, "beat"),
    startedAtMs: number(row, "started_at_ms"),
    beatAtMs: number(row, "beat_at_ms"),
    endedAtMs: numberOrNull(row, "ended_at_ms"),
    schema: number(row, "schema_number"),
  };
}

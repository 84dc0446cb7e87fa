import type { HeldAction, HeldReport } from "../../core/held-action.ts";
import { formatId, parseId } from "../../core/ids.ts";
import type { Violation } from "../../core/violation.ts";
import {
  IN_SCOPE,
  insert,
  json,
  number,
  numberOrNull,
  text,
  textOrNull,
  upsert,
  type Sql,
  type SqlRow,
} from "../sql.ts";
import type {
  ApprovalTable,
  HeldReportTable,
  NamedToken,
  OutboxTable,
  TokenTable,
  ViolationTable,
} from "../store.ts";

const INSERT_VIOLATION = insert("violation", [
  "tenant",
  "project",
  "id",
  "agent",
  "rule",
  "limit_id",
  "severity",
  "what",
  "action",
  "task_id",
  "at_ms",
]);
const LIST_VIOLATIONS = `select * from violation where ${IN_SCOPE}
  and (@agent is null or agent = @agent) order by id desc limit @max_rows`;
const COUNT_VIOLATIONS = `select count(*) as n from violation where ${IN_SCOPE} and agent = @agent and at_ms > @since_ms`;

export function violationTable(sql: Sql): ViolationTable {
  return {
    insert: async (violation) => {
      await sql.run(INSERT_VIOLATION, {
        id: parseId("violation", violation.id) ?? -1,
        agent: violation.agent,
        rule: violation.rule,
        limit_id: violation.limit,
        severity: violation.severity,
        what: violation.what,
        action: violation.action,
        task_id: violation.taskId === null ? null : (parseId("task", violation.taskId) ?? -1),
        at_ms: violation.atMs,
      });
    },
    list: async (agent, limit) =>
      (await sql.all(LIST_VIOLATIONS, { agent: agent ?? null, max_rows: limit })).map(toViolation),
    countSince: async (agent, sinceMs) =>
      Number((await sql.get(COUNT_VIOLATIONS, { agent, since_ms: sinceMs }))?.["n"] ?? 0),
  };
}

function toViolation(row: SqlRow): Violation {
  const task = numberOrNull(row, "task_id");
  return {
    id: formatId("violation", number(row, "id")),
    agent: text(row, "agent"),
    rule: textOrNull(row, "rule"),
    limit: textOrNull(row, "limit_id"),
    severity: text(row, "severity") as Violation["severity"],
    what: text(row, "what"),
    action: text(row, "action") as Violation["action"],
    taskId: task === null ? null : formatId("task", task),
    atMs: number(row, "at_ms"),
  };
}

const SAVE_APPROVAL = upsert(
  "approval",
  ["id"],
  ["action", "agent", "subject_hash", "state", "task_id", "body", "created_at_ms", "expires_at_ms"],
);
const GET_APPROVAL = `select body from approval where ${IN_SCOPE} and id = @id`;
const OPEN_APPROVALS = `select body from approval where ${IN_SCOPE} and subject_hash = @subject_hash
  and state in ('requested', 'granted') order by id`;
const LIST_APPROVALS = `select body from approval where ${IN_SCOPE}
  and (@state is null or state = @state) order by id desc limit @max_rows`;
const DUE_APPROVALS = `select body from approval where ${IN_SCOPE} and state = 'granted'
  and expires_at_ms <= @now_ms order by id`;
const APPROVALS_OF_TASK = `select body from approval where ${IN_SCOPE} and task_id = @task_id order by id`;

export function approvalTable(sql: Sql): ApprovalTable {
  return {
    get: async (id) => {
      const row = await sql.get(GET_APPROVAL, { id: parseId("approval", id) ?? -1 });
      return row === undefined ? undefined : json<HeldAction>(row, "body");
    },
    openFor: async (subjectHash) =>
      (await sql.all(OPEN_APPROVALS, { subject_hash: subjectHash })).map(toApproval),
    list: async (state, limit) =>
      (await sql.all(LIST_APPROVALS, { state: state ?? null, max_rows: limit })).map(toApproval),
    due: async (nowMs) => (await sql.all(DUE_APPROVALS, { now_ms: nowMs })).map(toApproval),
    ofTask: async (taskId) =>
      (await sql.all(APPROVALS_OF_TASK, { task_id: parseId("task", taskId) ?? -1 })).map(
        toApproval,
      ),
    save: async (action) => {
      const { approval } = action;
      await sql.run(SAVE_APPROVAL, {
        id: parseId("approval", approval.id) ?? -1,
        action: approval.tool,
        agent: approval.requester.agent,
        subject_hash: approval.subject,
        state: approval.state,
        task_id: approval.taskId === null ? null : (parseId("task", approval.taskId) ?? -1),
        body: JSON.stringify(action),
        created_at_ms: approval.requestedAtMs,
        expires_at_ms: approval.expiresAtMs,
      });
    },
  };
}

function toApproval(row: SqlRow): HeldAction {
  return json(row, "body");
}

const SAVE_HELD = upsert("held_report", ["id"], ["agent", "body", "at_ms", "outcome"]);
const OPEN_HELD = `select body from held_report where ${IN_SCOPE} and outcome is null order by id`;

export function heldReportTable(sql: Sql): HeldReportTable {
  return {
    open: async () => (await sql.all(OPEN_HELD, {})).map((row) => json<HeldReport>(row, "body")),
    save: async (report) => {
      await sql.run(SAVE_HELD, {
        id: report.number,
        agent: report.agent,
        body: JSON.stringify(report),
        at_ms: report.atMs,
        outcome: report.outcome,
      });
    },
  };
}

const SAVE_TOKEN = upsert(
  "token",
  ["hash"],
  ["kind", "name", "parent", "agent", "body", "revoked_at_ms"],
);
const GET_TOKEN = `select body from token where ${IN_SCOPE} and hash = @hash`;
const TOKEN_NAMED = `select body from token where ${IN_SCOPE} and name = @name`;
const TOKENS_OF = `select body from token where ${IN_SCOPE} and agent = @agent order by hash`;
const LIST_TOKENS = `select body from token where ${IN_SCOPE}
  and (@kind is null or kind = @kind) and (@with_revoked = 1 or revoked_at_ms is null)
  order by hash limit @max_rows`;

function toToken(row: SqlRow): NamedToken {
  return json(row, "body");
}

function oneToken(row: SqlRow | undefined): NamedToken | undefined {
  return row === undefined ? undefined : toToken(row);
}

export function tokenTable(sql: Sql): TokenTable {
  return {
    get: async (hash) => oneToken(await sql.get(GET_TOKEN, { hash })),
    named: async (name) => oneToken(await sql.get(TOKEN_NAMED, { name })),
    ofAgent: async (agent) => (await sql.all(TOKENS_OF, { agent })).map(toToken),
    list: async ({ kind, withRevoked, limit }) =>
      (
        await sql.all(LIST_TOKENS, {
          kind: kind ?? null,
          with_revoked: withRevoked ? 1 : 0,
          max_rows: limit,
        })
      ).map(toToken),
    save: async (named) => {
      const { token, name } = named;
      await sql.run(SAVE_TOKEN, {
        hash: token.hash,
        kind: token.kind,
        name,
        parent: token.parent,
        agent: token.agent,
        body: JSON.stringify(named),
        revoked_at_ms: token.revokedAtMs,
      });
    },
  };
}

const INSERT_EVENT = insert("outbox", ["tenant", "project", "id", "kind", "body", "at_ms"]);
const LIST_EVENTS = `select * from outbox where ${IN_SCOPE} and id > @after_id order by id limit @max_rows`;

export function outboxTable(sql: Sql): OutboxTable {
  return {
    insert: async ({ number: id, kind, body, atMs }) => {
      await sql.run(INSERT_EVENT, { id, kind, body: JSON.stringify(body), at_ms: atMs });
    },
    list: async (afterNumber, limit) =>
      (await sql.all(LIST_EVENTS, { after_id: afterNumber, max_rows: limit })).map((row) => ({
        number: number(row, "id"),
        kind: text(row, "kind"),
        body: json(row, "body"),
        atMs: number(row, "at_ms"),
      })),
  };
}

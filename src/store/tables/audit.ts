import { chainHash, GENESIS_HASH } from "../../core/audit-chain.ts";
import type { PolicySet } from "../../core/settings.ts";
import { IN_SCOPE, insert, json, number, text, upsert, type Sql, type SqlRow } from "../sql.ts";
import type { AuditRow, AuditTable, PolicyTable, RequestTable } from "../store.ts";

const COLUMNS = "seq, prev_hash, hash, body";
const HEAD = `select seq, hash from audit_head where ${IN_SCOPE}`;
const MOVE_HEAD = upsert("audit_head", [], ["seq", "hash"]);
const GET = `select ${COLUMNS} from audit_entry where ${IN_SCOPE} and seq = @seq`;
const LIST = `select ${COLUMNS} from audit_entry where ${IN_SCOPE} and seq >= @from_seq order by seq limit @max_rows`;
const PAYLOAD = `select nonce, payload from audit_payload where ${IN_SCOPE} and seq = @seq`;
// The primary key (tenant, project, seq) is what makes a fork of the chain impossible.
const APPEND = insert("audit_entry", ["tenant", "project", "seq", "prev_hash", "hash", "body"]);
const APPEND_PAYLOAD = insert("audit_payload", ["tenant", "project", "seq", "nonce", "payload"]);

export function auditTable(sql: Sql): AuditTable {
  const head = async (): Promise<{ seq: number; hash: string } | undefined> => {
    const row = await sql.get(HEAD, {});
    return row === undefined ? undefined : { seq: number(row, "seq"), hash: text(row, "hash") };
  };
  return {
    head,
    get: async (seq) => optional(await sql.get(GET, { seq })),
    list: async (fromSeq, limit) =>
      (await sql.all(LIST, { from_seq: fromSeq, max_rows: limit })).map(toAuditRow),
    search: async (filter) => {
      const equal = {
        actor: filter.actor,
        action: filter.action,
        target: filter.target,
        decision: filter.decision,
      };
      const asked = Object.entries(equal).filter(([, value]) => value !== undefined);
      const conditions = [
        IN_SCOPE,
        "seq > @after_seq",
        "at >= @since",
        "at <= @until",
        ...asked.map(([column]) => `${column} = @${column}`),
      ];
      const order = filter.newestFirst === true ? "desc" : "asc";
      const rows = await sql.all(
        `select ${COLUMNS} from audit_entry where ${conditions.join(" and ")} order by seq ${order} limit @max_rows`,
        {
          ...Object.fromEntries(asked.map(([column, value]) => [column, value ?? null])),
          after_seq: filter.afterSeq ?? 0,
          since: filter.sinceMs === undefined ? "" : new Date(filter.sinceMs).toISOString(),
          until: filter.untilMs === undefined ? "~" : new Date(filter.untilMs).toISOString(),
          max_rows: filter.limit,
        },
      );
      return rows.map(toAuditRow);
    },
    payload: async (seq) => {
      const row = await sql.get(PAYLOAD, { seq });
      if (row === undefined) return undefined;
      return { nonce: text(row, "nonce"), payload: text(row, "payload") };
    },
    append: async (body, payload) => {
      const last = await head();
      const seq = (last?.seq ?? 0) + 1;
      const prevHash = last?.hash ?? GENESIS_HASH;
      const row = { seq, prevHash, hash: chainHash(prevHash, seq, body), body };
      await sql.run(APPEND, { seq, prev_hash: prevHash, hash: row.hash, body });
      await sql.run(MOVE_HEAD, { seq, hash: row.hash });
      if (payload !== undefined) await sql.run(APPEND_PAYLOAD, { seq, ...payload });
      return row;
    },
  };
}

function optional(row: SqlRow | undefined): AuditRow | undefined {
  return row === undefined ? undefined : toAuditRow(row);
}

function toAuditRow(row: SqlRow): AuditRow {
  return {
    seq: number(row, "seq"),
    prevHash: text(row, "prev_hash"),
    hash: text(row, "hash"),
    body: text(row, "body"),
  };
}

const GET_REQUEST = `select * from request where ${IN_SCOPE} and agent = @agent and request_id = @request_id`;
const INSERT_REQUEST = insert("request", [
  "tenant",
  "project",
  "agent",
  "request_id",
  "digest",
  "answer",
  "call_id",
  "at_ms",
]);

export function requestTable(sql: Sql): RequestTable {
  return {
    get: async (agent, requestId) => {
      const row = await sql.get(GET_REQUEST, { agent, request_id: requestId });
      if (row === undefined) return undefined;
      return {
        agent: text(row, "agent"),
        requestId: text(row, "request_id"),
        digest: text(row, "digest"),
        answer: text(row, "answer"),
        callId: text(row, "call_id"),
        atMs: number(row, "at_ms"),
      };
    },
    insert: async (request) => {
      await sql.run(INSERT_REQUEST, {
        agent: request.agent,
        request_id: request.requestId,
        digest: request.digest,
        answer: request.answer,
        call_id: request.callId,
        at_ms: request.atMs,
      });
    },
    remove: async (agent, callId) => {
      await sql.run(REMOVE_REQUEST, { agent, call_id: callId });
    },
  };
}

const REMOVE_REQUEST = `delete from request where ${IN_SCOPE} and agent = @agent and call_id = @call_id`;
const GET_POLICY = `select * from policy_set where ${IN_SCOPE} and hash = @hash`;
const LIST_POLICIES = `select * from policy_set where ${IN_SCOPE} order by applied_at_ms, hash`;
const INSERT_POLICY = `${insert("policy_set", ["tenant", "project", "hash", "source", "settings", "applied_by", "applied_at_ms"])} on conflict do nothing`;

export function policyTable(sql: Sql): PolicyTable {
  return {
    get: async (hash) => {
      const row = await sql.get(GET_POLICY, { hash });
      return row === undefined ? undefined : toPolicySet(row);
    },
    list: async () => (await sql.all(LIST_POLICIES, {})).map(toPolicySet),
    insert: async (set) => {
      await sql.run(INSERT_POLICY, {
        hash: set.hash,
        source: set.source,
        settings: JSON.stringify(set.settings),
        applied_by: set.appliedBy,
        applied_at_ms: set.appliedAtMs,
      });
    },
  };
}

function toPolicySet(row: SqlRow): PolicySet {
  return {
    hash: text(row, "hash"),
    source: text(row, "source"),
    settings: json(row, "settings"),
    appliedBy: text(row, "applied_by"),
    appliedAtMs: number(row, "applied_at_ms"),
  };
}

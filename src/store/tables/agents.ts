import type { Agent, AgentState } from "../../core/agent.ts";
import { IN_SCOPE, json, number, text, textOrNull, upsert, type Sql, type SqlRow } from "../sql.ts";
import type { AgentTable } from "../store.ts";

const GET = `select * from agent where ${IN_SCOPE} and name = @name`;
const BY_SESSION = `select * from agent where ${IN_SCOPE} and session_hash = @session_hash`;
const LIST = `select * from agent where ${IN_SCOPE} order by name`;
const BY_PROCESS = `select * from agent where ${IN_SCOPE} and process_id = @process_id`;
const TOUCH = `update agent set last_seen_ms = @at_ms where ${IN_SCOPE} and name = @name`;
// Most saves change the state alone; then no index is written, each of which costs a page of the commit.
const SAVE_STATE = `update agent set state = @state, last_seen_ms = @last_seen_ms
  where ${IN_SCOPE} and name = @name and session_hash = @session_hash and tier = @tier
  and principal = @principal and capabilities = @capabilities
  and registered_at_ms = @registered_at_ms and role is not distinct from @role
  and model is not distinct from @model and process_id is not distinct from @process_id
  and worktree is not distinct from @worktree and token_hash is not distinct from @token_hash`;
const SAVE = upsert(
  "agent",
  ["name"],
  [
    "role",
    "capabilities",
    "model",
    "tier",
    "principal",
    "state",
    "session_hash",
    "process_id",
    "worktree",
    "registered_at_ms",
    "last_seen_ms",
    "token_hash",
  ],
);

export function agentTable(sql: Sql): AgentTable {
  return {
    get: async (name) => optional(await sql.get(GET, { name })),
    bySession: async (hash) => optional(await sql.get(BY_SESSION, { session_hash: hash })),
    list: async () => (await sql.all(LIST, {})).map(toAgent),
    byProcess: async (id) =>
      (await sql.all(BY_PROCESS, { process_id: id }))
        .map(toAgent)
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    touch: async (name, atMs) => {
      await sql.run(TOUCH, { name, at_ms: atMs });
    },
    save: async (agent) => {
      const columns = {
        name: agent.name,
        role: agent.role,
        capabilities: JSON.stringify(agent.capabilities),
        model: agent.model,
        tier: agent.tier,
        principal: agent.principal,
        state: agent.state,
        session_hash: agent.sessionHash,
        process_id: agent.processId,
        worktree: agent.worktree,
        registered_at_ms: agent.registeredAtMs,
        last_seen_ms: agent.lastSeenMs,
        token_hash: agent.tokenHash,
      };
      if ((await sql.run(SAVE_STATE, columns)) === 0) await sql.run(SAVE, columns);
    },
  };
}

function optional(row: SqlRow | undefined): Agent | undefined {
  return row === undefined ? undefined : toAgent(row);
}

function toAgent(row: SqlRow): Agent {
  return {
    name: text(row, "name"),
    role: textOrNull(row, "role"),
    capabilities: json(row, "capabilities"),
    model: textOrNull(row, "model"),
    tier: text(row, "tier") as Agent["tier"],
    principal: text(row, "principal"),
    state: text(row, "state") as AgentState,
    sessionHash: text(row, "session_hash"),
    processId: text(row, "process_id"),
    worktree: textOrNull(row, "worktree"),
    registeredAtMs: number(row, "registered_at_ms"),
    lastSeenMs: number(row, "last_seen_ms"),
    tokenHash: textOrNull(row, "token_hash"),
  };
}

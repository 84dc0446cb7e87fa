import { scoped, IN_SCOPE, type Sql } from "../sql.ts";
import type { Scope, StoreTx } from "../store.ts";
import { agentTable } from "./agents.ts";
import { attemptTable } from "./attempts.ts";
import { auditTable, policyTable, requestTable } from "./audit.ts";
import { ballotTable, solutionTable, topicTable } from "./board.ts";
import { escalationTable } from "./escalations.ts";
import { gateRunTable } from "./gate-runs.ts";
import { guardTable } from "./guards.ts";
import { memberTable, messageTable, postTable } from "./messages.ts";
import { pipelineTable } from "./pipelines.ts";
import { planTable } from "./plans.ts";
import { processTable, projectTable } from "./processes.ts";
import {
  approvalTable,
  heldReportTable,
  outboxTable,
  tokenTable,
  violationTable,
} from "./rules.ts";
import { taskTable } from "./tasks.ts";

const NEXT_NUMBER = `insert into counter (tenant, project, kind, value) values (@tenant, @project, @kind, 1)
  on conflict (tenant, project, kind) do update set value = counter.value + 1`;
const LAST_NUMBER = `select value from counter where ${IN_SCOPE} and kind = @kind`;

/** All tables of one scope over one connection; the rest of a transaction is the store's own. */
export function createTables(connection: Sql, scope: Scope): Omit<StoreTx, "savepoint" | "wake"> {
  const sql = scoped(connection, scope);
  return {
    scope,
    projects: projectTable(sql, scope),
    processes: processTable(sql),
    agents: agentTable(sql),
    plans: planTable(sql),
    tasks: taskTable(sql),
    attempts: attemptTable(sql),
    gateRuns: gateRunTable(sql),
    topics: topicTable(sql),
    solutions: solutionTable(sql),
    ballots: ballotTable(sql),
    escalations: escalationTable(sql),
    messages: messageTable(sql),
    posts: postTable(sql),
    members: memberTable(sql),
    requests: requestTable(sql),
    policies: policyTable(sql),
    audit: auditTable(sql),
    guards: guardTable(sql),
    violations: violationTable(sql),
    approvals: approvalTable(sql),
    heldReports: heldReportTable(sql),
    tokens: tokenTable(sql),
    outbox: outboxTable(sql),
    pipelines: pipelineTable(sql),
    nextNumber: async (kind) => {
      await sql.run(NEXT_NUMBER, { kind });
      return Number((await sql.get(LAST_NUMBER, { kind }))?.["value"]);
    },
  };
}

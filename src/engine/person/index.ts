import type { Operation } from "../operation.ts";
import { agentOperations } from "./agent-operations.ts";
import { approvalOperations } from "./approval-operations.ts";
import { auditOperations } from "./audit-operations.ts";
import { boardOperations } from "./board-operations.ts";
import { breakerOperations } from "./breaker-operations.ts";
import { escalationOperations } from "./escalation-operations.ts";
import { messageOperations } from "./message-operations.ts";
import { pipelineOperations } from "./pipeline-operations.ts";
import { policyOperations } from "./policy-operations.ts";
import { stopOperations } from "./stop-operations.ts";
import { taskOperations } from "./task-operations.ts";
import { tokenOperations } from "./token-operations.ts";

/** Everything that only people may ask for. */
export const PERSON_OPERATIONS: readonly Operation[] = [
  ...taskOperations,
  ...policyOperations,
  ...auditOperations,
  ...boardOperations,
  ...breakerOperations,
  ...escalationOperations,
  ...messageOperations,
  ...pipelineOperations,
  ...agentOperations,
  ...approvalOperations,
  ...stopOperations,
  ...tokenOperations,
];

import type { Row } from "../row.ts";
import { auditVerify } from "./audit-verify.ts";
import { contention } from "./contention.ts";
import { governedCall } from "./governed-call.ts";
import { manyProcesses } from "./many-processes.ts";
import { memory } from "./memory.ts";
import { messages } from "./messages.ts";
import { oneAfterAnother } from "./one-after-another.ts";
import { policyRules } from "./policy-rules.ts";
import { queuedTasks } from "./queued-tasks.ts";
import { startUp } from "./start-up.ts";
import { submitPlan } from "./submit-plan.ts";
import { timeToStop } from "./time-to-stop.ts";
import { wakeUp } from "./wake-up.ts";
import { wholeWork } from "./whole-work.ts";

/** In the order of docs/performance.md. */
export const ROWS: readonly Row[] = [
  governedCall,
  manyProcesses,
  oneAfterAnother,
  policyRules,
  queuedTasks,
  wakeUp,
  messages,
  timeToStop,
  startUp,
  auditVerify,
  memory,
  wholeWork,
  contention,
  submitPlan,
];

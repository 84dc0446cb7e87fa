import { z } from "zod";

import { ESCALATION_KINDS, SEVERITIES } from "../core/escalation.ts";
import { requestEscalation } from "../engine/request-escalation.ts";
import {
  body,
  inboxField,
  requestId,
  session,
  taskId,
  title,
  waitSeconds,
} from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const requestEscalationTool = defineTool({
  name: "request_escalation",
  title: "Ask for help",
  description:
    "Asks peers, leads or people: give kind and summary. With escalation_id alone: what became of it. wait_seconds waits for the answer; your inbox gets it too.",
  class: "write",
  input: z.strictObject({
    kind: z.enum(ESCALATION_KINDS).optional(),
    severity: z.enum(SEVERITIES).optional(),
    summary: title.optional(),
    detail: body.optional(),
    task_id: taskId.optional(),
    escalation_id: z.string().max(32).optional(),
    wait_seconds: waitSeconds,
    session,
    request_id: requestId,
  }),
  output: z.object({
    escalation_id: z.string(),
    level: z.string(),
    state: z.string(),
    resolution: z.string().optional(),
    due_at: z.string(),
    next: z.string(),
    inbox: inboxField,
  }),
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: false },
  toolset: "core",
  alwaysLoad: false,
  handle: requestEscalation,
});

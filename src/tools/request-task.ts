import { z } from "zod";

import { prepareRequest, requestTask } from "../engine/request-task.ts";
import { inboxField, requestId, session, taskId, waitSeconds } from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const requestTaskTool = defineTool({
  name: "request_task",
  title: "Request task",
  description:
    "Get the next task: chosen, claimed and briefed in one step, yours alone until its lease ends. wait_seconds 25 waits for work. If you hold a running task you get it again. Without a task the answer says why, and what to do.",
  class: "write",
  toolset: "core",
  alwaysLoad: true,
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: false },
  input: z.strictObject({
    capabilities: z
      .array(z.string().min(1).max(64))
      .max(50)
      .optional()
      .describe("instead of the registered ones"),
    task_id: taskId.optional().describe("only this one"),
    wait_seconds: waitSeconds,
    session,
    request_id: requestId,
  }),
  output: z.object({
    task: z.looseObject({ id: z.string(), title: z.string(), attempt: z.string() }).optional(),
    lease: z.object({ fence: z.number(), expires_at: z.string() }).optional(),
    why: z.object({ priority: z.number(), age: z.number(), total: z.number() }).optional(),
    reason: z
      .enum(["nothing_ready", "plan_finished", "no_capability", "stopped", "limit"])
      .optional(),
    missing_capabilities: z.array(z.string()).optional(),
    needs_approval: z.array(z.string()).optional(),
    waiting_on: z.array(z.looseObject({ id: z.string(), state: z.string() })).optional(),
    retry_after_seconds: z.number().optional(),
    next: z.string(),
    inbox: inboxField,
  }),
  prepare: prepareRequest,
  handle: requestTask,
});

import { z } from "zod";

import { prepareReport, reportProgress } from "../engine/report-progress.ts";
import { holdReport } from "../engine/rules/held-reports.ts";
import {
  body,
  inboxField,
  requestId,
  session,
  taskId,
  values,
  waitSeconds,
} from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const reportProgressTool = defineTool({
  name: "report_progress",
  title: "Report progress",
  description:
    "Report on a task you hold. done: commit first; gates then measure that commit, and what is missing comes back to you. failed: it is tried again later. released: you give it back. blocked: you wait for somebody.",
  class: "write",
  toolset: "core",
  alwaysLoad: true,
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: false },
  input: z.strictObject({
    task_id: taskId,
    fence: z.int().min(0).optional().describe("from your lease"),
    status: z.enum(["working", "blocked", "done", "failed", "released"]),
    percent: z.number().min(0).max(100).optional(),
    note: body.optional(),
    commit: z
      .string()
      .max(200)
      .regex(/^[A-Za-z0-9][\w./~^-]*$/, "a commit id or the name of a ref")
      .optional()
      .describe("default: head of your worktree"),
    outputs: values.optional(),
    artifacts: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(200),
          path: z.string().min(1).max(1024),
          sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/)
            .optional(),
        }),
      )
      .max(50)
      .optional(),
    blocker: z
      .strictObject({
        kind: z.string().min(1).max(64),
        text: z.string().max(2000),
        blocked_by: z.string().max(64).optional(),
      })
      .optional(),
    retryable: z.boolean().optional().describe("failed only; default true"),
    wait_seconds: waitSeconds,
    session,
    request_id: requestId,
  }),
  output: z.object({
    accepted: z.boolean(),
    task: z.looseObject({ id: z.string(), state: z.string() }),
    missing: z.array(z.object({ gate: z.string(), evidence: z.string() })).optional(),
    lease: z.object({ fence: z.number(), expires_at: z.string() }).optional(),
    next: z.string(),
    inbox: inboxField,
  }),
  prepare: prepareReport,
  hold: holdReport,
  handle: reportProgress,
});

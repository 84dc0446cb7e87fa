import { z } from "zod";

import { preparePlan, submitPlan } from "../engine/submit-plan.ts";
import { body, inboxField, requestId, session, title, values } from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

const names = z.array(z.string().min(1).max(200)).max(200);

export const submitPlanTool = defineTool({
  name: "submit_plan",
  title: "Submit plan",
  description:
    "Submit tasks with their dependencies, all or nothing. dry_run checks and analyses without saving. plan_id adds tasks to that plan. integrate: done commits are merged into the plan's branch in order, and the merge result is measured.",
  class: "coordinate",
  toolset: "core",
  alwaysLoad: false,
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: false },
  input: z.strictObject({
    title: title.optional(),
    plan_id: z.string().max(32).optional(),
    tasks: z
      .array(
        z.strictObject({
          key: z.string().min(1).max(100).describe("your name for it"),
          title,
          body: body.optional(),
          kind: z.string().min(1).max(64).optional(),
          labels: z.record(z.string().max(64), z.string().max(200)).optional(),
          needs: names.optional().describe("capabilities"),
          after: z.array(z.string().min(1).max(100)).max(10_000).optional().describe("keys or ids"),
          paths: names.optional().describe("globs it will write"),
          resources: names.optional(),
          priority: z.int().min(0).max(100).optional(),
          estimate_minutes: z.number().positive().max(100_000).optional(),
          deadline: z.iso.datetime({ offset: true }).optional(),
          budget_usd: z.number().min(0).optional(),
          inputs: values.optional(),
          outputs_wanted: names.optional(),
          gates: names.optional().describe("default: all in force"),
          parent: z.string().max(100).optional(),
          on_failure: z.enum(["block", "cancel", "skip"]).optional(),
        }),
      )
      .min(1)
      .max(10_000),
    integrate: z.boolean().optional(),
    dry_run: z.boolean().optional(),
    session,
    request_id: requestId,
  }),
  output: z.object({
    plan_id: z.string().optional(),
    tasks: z.record(z.string(), z.string()).optional(),
    dry_run: z.boolean().optional(),
    branch: z.string().optional(),
    analysis: z.looseObject({
      critical_path: z.array(z.string()),
      missing_capabilities: z.array(z.string()),
    }),
    next: z.string(),
    inbox: inboxField,
  }),
  prepare: preparePlan,
  handle: submitPlan,
});

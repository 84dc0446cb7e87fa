import { z } from "zod";

import { startPipeline } from "../engine/pipelines/start-pipeline.ts";
import { preparePlan } from "../engine/submit-plan.ts";
import { inboxField, requestId, session, title, waitSeconds } from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

const names = z.array(z.string().min(1).max(200)).max(200);

export const startPipelineTool = defineTool({
  name: "start_pipeline",
  title: "Start pipeline",
  description:
    "Has one objective worked on twice: ALPHA (research) and BETA (synthesis) are tasks for two different agents, whose solutions are voted on; GAMMA mediates where they are stuck. plan: what has to be done, if known.",
  class: "coordinate",
  toolset: "workflow",
  alwaysLoad: false,
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: false },
  input: z.strictObject({
    objective: z.string().trim().min(1).max(4000),
    template: z.string().max(64).optional().describe("of guvnor.yaml's pipelines"),
    plan: z
      .array(
        z.strictObject({
          key: z.string().min(1).max(100),
          title,
          after: z.array(z.string().min(1).max(100)).max(1000).optional(),
          needs: names.optional(),
          estimate_minutes: z.number().positive().max(100_000).optional(),
        }),
      )
      .max(1000)
      .optional(),
    wait_seconds: waitSeconds,
    session,
    request_id: requestId,
  }),
  output: z.looseObject({
    pipeline_id: z.string(),
    state: z.string(),
    next: z.string(),
    inbox: inboxField,
  }),
  prepare: preparePlan,
  handle: startPipeline,
});

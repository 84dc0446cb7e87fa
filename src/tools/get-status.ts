import { z } from "zod";

import { getStatus } from "../engine/get-status.ts";
import { inboxField, session } from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const getStatusTool = defineTool({
  name: "get_status",
  title: "Get status",
  description:
    "A small picture: me (your tasks; shows and acknowledges your inbox), task, plan, project or agents.",
  class: "read",
  toolset: "core",
  alwaysLoad: true,
  hints: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
  input: z.strictObject({
    scope: z
      .enum(["me", "task", "plan", "pipeline", "project", "agents"])
      .optional()
      .describe("default me"),
    id: z.string().max(64).optional().describe("T12, P3, L2"),
    cursor: z.string().max(64).optional(),
    session,
  }),
  output: z.looseObject({ scope: z.string(), inbox: inboxField }),
  handle: getStatus,
});

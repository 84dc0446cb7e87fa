import { z } from "zod";

import { registerAgent } from "../engine/register-agent.ts";
import { inboxField, requestId, session } from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const registerAgentTool = defineTool({
  name: "register_agent",
  title: "Register agent",
  description:
    "Say who you are. Answers your session: if several agents share this connection, pass it to every call. Call it again after a compaction; with `session` you come back as the same agent.",
  class: "write",
  toolset: "core",
  alwaysLoad: true,
  registers: true,
  hints: { readOnly: false, destructive: false, idempotent: true, openWorld: false },
  input: z.strictObject({
    name: z.string().max(64).optional().describe("a–z, 0–9, . _ -"),
    session,
    role: z.string().max(64).optional(),
    capabilities: z.array(z.string().min(1).max(64)).max(50).optional().describe("what you can do"),
    model: z.string().max(100).optional(),
    template: z.string().max(64).optional(),
    worktree: z
      .string()
      .max(1024)
      .regex(/^\//, "an absolute path")
      .optional()
      .describe("your checkout; default: where you run"),
    request_id: requestId,
  }),
  output: z.object({
    agent: z.string(),
    session: z.string(),
    tier: z.string(),
    capabilities: z.array(z.string()).optional(),
    project: z.string().optional(),
    limits: z.looseObject({ parallel_tasks: z.number() }).optional(),
    gates: z.array(z.string()).optional(),
    tasks: z.array(z.looseObject({ id: z.string() })).optional(),
    next: z.string(),
    inbox: inboxField,
  }),
  handle: registerAgent,
});

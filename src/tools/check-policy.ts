import { z } from "zod";

import { checkPolicy } from "../engine/check-policy.ts";
import { inboxField, session } from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const checkPolicyTool = defineTool({
  name: "check_policy",
  title: "Check policy",
  description:
    "May I? Says what the rules in force would answer to a call, without making it: allow, warn, require_approval or deny, and which rule.",
  class: "read",
  toolset: "coordination",
  alwaysLoad: false,
  hints: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
  input: z.strictObject({
    tool: z.string().min(1).max(64),
    input: z.record(z.string().max(200), z.json()).optional().describe("its arguments"),
    session,
  }),
  output: z.object({
    effect: z.enum(["allow", "warn", "require_approval", "deny"]),
    rule: z.string(),
    reason: z.string(),
    approvals: z.array(z.looseObject({ rule: z.string() })).optional(),
    warnings: z.array(z.looseObject({ rule: z.string() })).optional(),
    policy: z.string().optional(),
    next: z.string(),
    inbox: inboxField,
  }),
  handle: checkPolicy,
});

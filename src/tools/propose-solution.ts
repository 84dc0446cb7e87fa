import { z } from "zod";

import { prepareProposal, proposeSolution } from "../engine/board/propose-solution.ts";
import { body, inboxField, requestId, session, texts, title } from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const proposeSolutionTool = defineTool({
  name: "propose_solution",
  title: "Propose a solution",
  description:
    "Proposes a solution (title, body), or passes. Voting opens once all members did either, or at the deadline.",
  class: "write",
  input: z.strictObject({
    topic_id: z.string().max(32),
    title: title.optional(),
    body: body.min(1).optional(),
    commit: z.string().min(1).max(64).optional(),
    files: texts(50, 500).optional().describe("Changed paths"),
    evidence: texts(50, 2000).optional(),
    confidence: z.number().min(0).max(1).optional(),
    pass: z.boolean().optional(),
    session,
    request_id: requestId,
  }),
  output: z.object({
    topic_id: z.string(),
    solution_id: z.string().optional(),
    state: z.string(),
    next: z.string(),
    inbox: inboxField,
  }),
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: false },
  toolset: "core",
  alwaysLoad: false,
  prepare: prepareProposal,
  handle: proposeSolution,
});

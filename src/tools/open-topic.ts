import { z } from "zod";

import { VOTING_METHODS } from "../core/board.ts";
import { openTopic } from "../engine/board/open-topic.ts";
import { MAX_SOLUTIONS } from "../engine/board/propose-solution.ts";
import {
  agentName,
  body,
  inboxField,
  isSaid,
  requestId,
  session,
  taskId,
  texts,
  title,
} from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const openTopicTool = defineTool({
  name: "open_topic",
  title: "Open a topic",
  description:
    "Puts a question to a vote. With options voting opens at once, else members propose first. Electorate: agents named, or present with a role or capability, or all present.",
  class: "coordinate",
  input: z.strictObject({
    title,
    problem: body.min(1).refine(isSaid, "must not be blank"),
    options: z
      .array(title)
      .max(MAX_SOLUTIONS)
      .refine((list) => list.length > 0, "leave it out, or name some")
      .optional(),
    method: z.enum(VOTING_METHODS).optional(),
    electorate: z
      .strictObject({
        agents: texts(50, 64).optional(),
        roles: texts(20, 64).optional(),
        capability: agentName.optional(),
      })
      .optional(),
    quorum: z.int().min(1).max(1000).optional().describe("Default: half"),
    veto: z.array(agentName).max(20).optional().describe("Roles that may"),
    irreversible: z.boolean().optional().describe("Two thirds and a person"),
    propose_seconds: z.int().min(10).max(604_800).optional(),
    vote_seconds: z.int().min(10).max(604_800).optional(),
    checks: z
      .strictObject({
        gates: texts(20, 64).optional(),
        files: texts(20, 500).optional(),
        schema: z.looseObject({}).optional(),
      })
      .optional()
      .describe("Solutions that fail are off the ballot"),
    task_id: taskId.optional(),
    session,
    request_id: requestId,
  }),
  output: z.object({
    topic_id: z.string(),
    state: z.string(),
    next: z.string(),
    inbox: inboxField,
  }),
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: false },
  toolset: "core",
  alwaysLoad: false,
  handle: openTopic,
});

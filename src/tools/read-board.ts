import { z } from "zod";

import { prepareReadBoard, readBoard } from "../engine/board/read-board.ts";
import { inboxField, session, waitSeconds } from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const readBoardTool = defineTool({
  name: "read_board",
  title: "Read the blackboard",
  description:
    "Lists topics; with topic_id one with its solutions and decision; with solution_id one uncut. wait_seconds waits until your word is wanted or the topic named changes state.",
  class: "read",
  input: z.strictObject({
    topic_id: z.string().max(32).optional(),
    solution_id: z.string().max(32).optional(),
    state: z.enum(["proposing", "voting", "decided", "no_consensus", "withdrawn"]).optional(),
    wait_seconds: waitSeconds,
    session,
  }),
  output: z.object({
    topics: z.array(z.looseObject({ id: z.string(), state: z.string() })).optional(),
    topic: z.looseObject({ id: z.string(), state: z.string() }).optional(),
    solutions: z.array(z.looseObject({ id: z.string() })).optional(),
    decision: z.looseObject({ winner: z.string().optional() }).optional(),
    next: z.string(),
    inbox: inboxField,
  }),
  hints: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
  toolset: "core",
  alwaysLoad: false,
  prepare: prepareReadBoard,
  handle: readBoard,
});

import { z } from "zod";

import { castVote } from "../engine/board/cast-vote.ts";
import { MAX_SOLUTIONS } from "../engine/board/propose-solution.ts";
import { inboxField, isSaid, requestId, session } from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const voteTool = defineTool({
  name: "vote",
  title: "Vote",
  description:
    "Casts your one ballot: solution ids, best first (approval: all you approve); [] for none. Unranked are equal last. Sealed until closing, final.",
  class: "write",
  input: z.strictObject({
    topic_id: z.string().max(32),
    ballot: z.array(z.string().max(32)).max(MAX_SOLUTIONS).optional(),
    abstain: z.boolean().optional(),
    veto: z.array(z.string().max(32)).max(MAX_SOLUTIONS).optional(),
    reason: z.string().min(1).max(2000).refine(isSaid, "must not be blank"),
    session,
    request_id: requestId,
  }),
  output: z.object({
    accepted: z.boolean(),
    topic_id: z.string(),
    ballots: z.looseObject({ cast: z.number(), of: z.number() }),
    state: z.string(),
    next: z.string(),
    inbox: inboxField,
  }),
  hints: { readOnly: false, destructive: false, idempotent: true, openWorld: false },
  toolset: "core",
  alwaysLoad: false,
  handle: castVote,
});

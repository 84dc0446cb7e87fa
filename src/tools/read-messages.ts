import { z } from "zod";

import { hasMessages, readMessages } from "../engine/messages/read-messages.ts";
import { inboxField, session, waitSeconds } from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const readMessagesTool = defineTool({
  name: "read_messages",
  title: "Read messages",
  description:
    "What was said to you, oldest first; it comes again until you acknowledge it with after. With channel: there only, and you join it. With message_id: one message uncut. wait_seconds waits until there is something.",
  class: "read",
  toolset: "core",
  alwaysLoad: false,
  hints: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
  input: z.strictObject({
    channel: z.string().min(1).max(64).optional().describe("ben, #build, T12 or B1"),
    after: z.string().max(32).optional().describe("the last id that you have taken in, such as M9"),
    message_id: z.string().max(32).optional(),
    wait_seconds: waitSeconds,
    session,
  }),
  output: z.object({
    messages: z.array(
      z.looseObject({ id: z.string(), channel: z.string(), from: z.string(), body: z.string() }),
    ),
    more: z.boolean().optional(),
    acknowledged: z.number().optional(),
    joined: z.string().optional(),
    next: z.string(),
    inbox: inboxField,
  }),
  concerns: hasMessages,
  handle: readMessages,
});

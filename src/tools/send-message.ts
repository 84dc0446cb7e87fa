import { z } from "zod";

import { sendMessage } from "../engine/messages/send-message.ts";
import { inboxField, requestId, session } from "./common-input.ts";
import { defineTool } from "./define-tool.ts";

export const sendMessageTool = defineTool({
  name: "send_message",
  title: "Send a message",
  description:
    "Says something to an agent, to all (#all), to a role or channel (#reviewer, #build), or in the thread of a task (T12) or topic (B1). It waits in the inbox of everybody there.",
  class: "write",
  toolset: "core",
  alwaysLoad: false,
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: false },
  input: z.strictObject({
    to: z.string().min(1).max(64).describe("ben, #all, #reviewer, T12 or B1"),
    body: z.string().max(4000).regex(/\S/, "it says nothing"),
    reply_to: z.string().max(32).optional().describe("M9, said in the same place"),
    request_id: requestId,
    session,
  }),
  output: z.object({
    message_id: z.string(),
    to: z.string(),
    delivered_to: z.array(z.string()).optional(),
    full: z.array(z.string()).optional(),
    denied: z.array(z.string()).optional(),
    next: z.string(),
    inbox: inboxField,
  }),
  handle: sendMessage,
});

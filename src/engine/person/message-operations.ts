import { z } from "zod";

import { GuvnorError } from "../../core/errors.ts";
import type { Post } from "../../core/message.ts";
import type { CallContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import type { Operation } from "../operation.ts";
import { say } from "../say.ts";
import { iso, present } from "../task-view.ts";
import { definePersonOperation } from "./define-person-operation.ts";

const SHOWN = 50;
const MOST = 500;

const sayOperation = definePersonOperation({
  name: "say",
  input: z.strictObject({ to: z.string().min(1).max(64), text: z.string().min(1).max(4000) }),
  handle: say,
});

const messagesList = definePersonOperation({
  name: "messages_list",
  input: z.strictObject({
    /** As stored: "#build", "T12", "B1", or "ada+ben" for what the two said to each other. */
    channel: z.string().min(1).max(200).optional(),
    limit: z.int().min(1).max(MOST).optional(),
  }),
  handle: async (ctx, { channel, limit = SHOWN }) => {
    const found = await ctx.tx.posts.list(channel, limit + 1);
    const messages = found.slice(0, limit).map(postRow);
    return { answer: { messages, ...(found.length > limit ? { more: true } : {}) } };
  },
});

const messagesShow = definePersonOperation({
  name: "messages_show",
  input: z.strictObject({ message_id: z.string().max(32) }),
  handle: async (ctx, { message_id: id }) => {
    const post = await requirePost(ctx, id);
    const deliveries = (await ctx.tx.messages.ofPost(post.id)).map((delivery) =>
      present({
        agent: delivery.to,
        given_at: timeOf(delivery.givenAtMs),
        acknowledged_at: timeOf(delivery.acknowledgedAtMs),
      }),
    );
    return { target: post.id, answer: { ...postRow(post), deliveries } };
  },
});

function postRow({ id, channel, from, text, replyTo, atMs }: Post): JsonObject {
  return present({ id, channel, from, body: text, reply_to: replyTo, at: iso(atMs) });
}

function timeOf(atMs: number | null): string | null {
  return atMs === null ? null : iso(atMs);
}

async function requirePost({ tx }: CallContext, id: string): Promise<Post> {
  const post = await tx.posts.get(id);
  if (post !== undefined) return post;
  throw new GuvnorError(
    "message_not_found",
    `There is no message "${id.slice(0, 32)}".`,
    "List them with `guvnor messages list`.",
  );
}

export const messageOperations: readonly Operation[] = [sayOperation, messagesList, messagesShow];

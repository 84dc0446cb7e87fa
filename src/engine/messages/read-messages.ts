import type { Agent } from "../../core/agent.ts";
import { addressIn, channelOf, isPerson, parseAddress, partnersOf } from "../../core/channel.ts";
import { seenWith } from "../../core/delivery.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { Message, Post } from "../../core/message.ts";
import type { ReadTx } from "../../store/store.ts";
import { callingAgent, type CallContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { cut } from "../inbox.ts";
import type { Outcome } from "../operation.ts";
import { iso, present } from "../task-view.ts";
import { joinChannel } from "./join-channel.ts";
import { whoMayRead } from "./may-read.ts";
import { requireAddress } from "./require-address.ts";

/** Messages that an answer holds at most. */
const ROWS = 20;
/** Longer ones are cut; whole with `message_id`. */
const ROW_CHARACTERS = 1000;

export interface ReadingMessages {
  readonly channel?: string | undefined;
  /** Acknowledges what it was given, up to this one. */
  readonly after?: string | undefined;
  /** One message, uncut. */
  readonly message_id?: string | undefined;
  readonly wait_seconds?: number | undefined;
}

/**
 * What waits for the caller, in every channel of its own or in one, in the order in which it was
 * said. It comes again until it is acknowledged, so that an answer that was lost loses nothing.
 * What is acknowledged or joined stands at once, also while the call goes on to wait.
 */
export async function readMessages(ctx: CallContext, asked: ReadingMessages): Promise<Outcome> {
  const agent = callingAgent(ctx);
  if (asked.message_id !== undefined) return await readOne(ctx, agent, asked.message_id);
  const channel = await channelNamed(ctx, agent, asked.channel);
  const acknowledged =
    asked.after === undefined ? [] : await acknowledge(ctx, agent, { upTo: asked.after, channel });
  const joined = channel !== undefined && (await joinChannel(ctx, agent, channel));
  const found =
    channel === undefined
      ? await readableIn(ctx, agent)
      : await ctx.tx.messages.waitingPosts(agent.name, { channel }, ROWS + 1);
  const shown = found.slice(0, ROWS);
  await give(ctx, agent, { shown, isOfAll: channel === undefined });
  const answer = {
    messages: shown.map((message) => messageRow(message, agent.name)),
    ...present({
      more: found.length > ROWS ? true : null,
      acknowledged: acknowledged.length === 0 ? null : acknowledged.length,
      joined: joined ? asked.channel : null,
      next: nextStep(shown.at(-1), asked.channel),
    }),
  };
  const target = asked.channel === undefined ? {} : { target: asked.channel };
  if (shown.length > 0) return { answer, ...target, shows: shown.map(({ id }) => id) };
  return { answer, ...target, retry: true, stands: true };
}

async function channelNamed(
  ctx: CallContext,
  agent: Agent,
  text: string | undefined,
): Promise<string | undefined> {
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  const isKnown = address?.kind === "person";
  return channelOf(isKnown ? address : await requireAddress(ctx, text), agent.name);
}

/** Something waits for it, there or anywhere. */
export async function hasMessages(
  tx: ReadTx,
  agent: string,
  { channel: text }: ReadingMessages,
): Promise<boolean> {
  const address = text === undefined ? undefined : parseAddress(text);
  const channel = address === undefined ? undefined : channelOf(address, agent);
  return (await tx.messages.waitingPosts(agent, { channel }, 1)).length > 0;
}

/** Of all channels, without those that a rule closes to it: their messages wait. */
async function readableIn(ctx: CallContext, agent: Agent): Promise<readonly Message[]> {
  const mayRead = await whoMayRead(ctx);
  const readable: Message[] = [];
  let afterId: string | undefined;
  for (;;) {
    const page = await ctx.tx.messages.waitingPosts(agent.name, { afterId }, ROWS + 1);
    for (const message of page) {
      if (await mayRead(agent, message)) readable.push(message);
    }
    if (readable.length > ROWS || page.length <= ROWS) return readable.slice(0, ROWS + 1);
    afterId = page.at(-1)?.id;
  }
}

async function acknowledge(
  ctx: CallContext,
  agent: Agent,
  { upTo, channel }: { upTo: string; channel: string | undefined },
): Promise<readonly string[]> {
  const { messages } = ctx.tx;
  const last = await messages.given(agent.name, upTo);
  if (last === undefined || (channel ?? last.channel) !== last.channel) throw neverGiven(upTo);
  const ids = await messages.seen(agent.name, upTo, seenWith(last, channel));
  await messages.acknowledge(agent.name, ids, ctx.nowMs);
  for (const id of ids) {
    ctx.effects.push({ type: "message", id, event: "acknowledged", by: agent.name });
  }
  return ids;
}

function neverGiven(id: string): GuvnorError {
  return new GuvnorError(
    "message_not_found",
    `No answer has given you a message "${id.slice(0, 32)}" there.`,
    "Acknowledge with the last id of an earlier answer and, where that was of a channel, with the channel.",
  );
}

async function give(
  ctx: CallContext,
  agent: Agent,
  { shown, isOfAll }: { shown: readonly Message[]; isOfAll: boolean },
): Promise<void> {
  if (shown.length === 0) return;
  const reading = { number: await ctx.tx.nextNumber("reading"), isOfAll, atMs: ctx.nowMs };
  const ids = shown.map(({ id }) => id);
  await ctx.tx.messages.give(agent.name, ids, reading);
  for (const { id, givenAtMs } of shown) {
    if (givenAtMs !== null) continue;
    ctx.effects.push({ type: "message", id, event: "given", to: [agent.name] });
  }
}

function messageRow(message: Message, self: string): JsonObject {
  const { id, from, text, replyTo, atMs, givenAtMs, channel } = message;
  return present({
    id,
    channel: addressIn(channel ?? "", self),
    from,
    body: cut(text, ROW_CHARACTERS),
    characters: text.length > ROW_CHARACTERS ? text.length : null,
    reply_to: replyTo,
    at: iso(atMs),
    again: givenAtMs === null ? null : true,
  });
}

function nextStep(last: Message | undefined, channel: string | undefined): string {
  const where = channel === undefined ? "" : `"channel":"${channel}",`;
  return last === undefined
    ? `Nothing waits. To wait for it: read_messages {${where}"wait_seconds":25}.`
    : `Acknowledge when you have taken it in, and read on: read_messages {${where}"after":"${last.id}"}.`;
}

async function isReadable(ctx: CallContext, agent: Agent, post: Post): Promise<boolean> {
  const partners = partnersOf(post.channel);
  if (partners !== undefined && !partners.includes(agent.name)) return false;
  const mayRead = await whoMayRead(ctx);
  return await mayRead(agent, post);
}

/** Whole; it acknowledges nothing. */
async function readOne(ctx: CallContext, agent: Agent, id: string): Promise<Outcome> {
  const post = await ctx.tx.posts.get(id);
  if (post === undefined || !(await isReadable(ctx, agent, post))) {
    throw new GuvnorError(
      "message_not_found",
      `There is no message "${id.slice(0, 32)}" that you may read.`,
      "Take an id from read_messages {}.",
    );
  }
  const channel = addressIn(post.channel, agent.name);
  return {
    target: post.id,
    answer: {
      messages: [
        present({
          id: post.id,
          channel,
          from: post.from,
          body: post.text,
          reply_to: post.replyTo,
          at: iso(post.atMs),
        }),
      ],
      next: isPerson(channel)
        ? "Do as it says; ask the person with request_escalation."
        : `Answer with send_message {"to":"${channel}","reply_to":"${post.id}","body":"…"}, or go on.`,
    },
  };
}

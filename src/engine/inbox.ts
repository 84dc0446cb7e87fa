import type { Agent } from "../core/agent.ts";
import { formatId, isAgentName } from "../core/ids.ts";
import type { Message } from "../core/message.ts";
import type { ReadContext, WriteContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import { whoMayRead } from "./messages/may-read.ts";

/** More than this many waiting items are counted as "this many or more". */
const COUNT_LIMIT = 50;
const FIRST_CHARACTERS = 200;

export type NewMessage = Pick<Message, "to" | "from" | "kind" | "subject" | "text">;

/** Puts something into an agent's inbox; it rides on the agent's next answer. */
export async function sendToInbox(ctx: WriteContext, message: NewMessage): Promise<Message> {
  const sent: Message = {
    ...message,
    id: formatId("message", await ctx.tx.nextNumber("message")),
    atMs: ctx.nowMs,
    channel: null,
    replyTo: null,
    givenAtMs: null,
    acknowledgedAtMs: null,
  };
  await ctx.tx.messages.insert(sent);
  ctx.effects.push({ type: "message", id: sent.id, to: sent.to, kind: sent.kind });
  ctx.tx.wake();
  return sent;
}

/** The short form for every answer: counts by kind and the first item; undefined when nothing waits. */
export async function inboxSummary(
  ctx: ReadContext & { readonly nowMs: number },
  agent: Agent,
  shown: readonly string[] = [],
): Promise<JsonObject | undefined> {
  const found = await waitingFor(ctx, agent, COUNT_LIMIT);
  const waiting = shown.length === 0 ? found : found.filter(({ id }) => !shown.includes(id));
  const [first] = waiting;
  if (first === undefined) return undefined;
  const counts: Record<string, number> = {};
  for (const message of waiting) counts[message.kind] = (counts[message.kind] ?? 0) + 1;
  return {
    counts,
    first: {
      id: first.id,
      from: first.from,
      ...(first.subject === null ? {} : { subject: first.subject }),
      text: cut(first.text, FIRST_CHARACTERS),
    },
    next: waiting.every(isOfAgent)
      ? "Read and acknowledge with read_messages {}."
      : 'Read all of it with get_status {"scope":"me"}.',
  };
}

/** What waits for an agent, without what a rule keeps from it. */
export async function waitingFor(
  ctx: ReadContext & { readonly nowMs: number },
  agent: Agent,
  limit: number,
): Promise<readonly Message[]> {
  const waiting = await ctx.tx.messages.waiting(agent.name, limit);
  if (waiting.every(({ channel }) => channel === null)) return waiting;
  const mayRead = await whoMayRead(ctx);
  const readable: Message[] = [];
  for (const message of waiting) {
    if (await mayRead(agent, message)) readable.push(message);
  }
  return readable;
}

/** Said by another agent: it stays until read_messages acknowledges it. */
export function isOfAgent({ channel, from }: Message): boolean {
  return channel !== null && isAgentName(from);
}

/** Cuts long text with a mark, never in the middle of a surrogate pair. */
export function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const kept = text.slice(0, characters - 1);
  const whole = /[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept;
  return `${whole}…`;
}

import { formatId } from "../core/ids.ts";
import type { Message } from "../core/message.ts";
import type { ReadTx } from "../store/store.ts";
import type { WriteContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";

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
    acknowledgedAtMs: null,
  };
  await ctx.tx.messages.insert(sent);
  ctx.effects.push({ type: "message", id: sent.id, to: sent.to, kind: sent.kind });
  ctx.tx.wake();
  return sent;
}

/** The short form for every answer: counts by kind and the first item; undefined when nothing waits. */
export async function inboxSummary(tx: ReadTx, agent: string): Promise<JsonObject | undefined> {
  const waiting = await tx.messages.waiting(agent, COUNT_LIMIT);
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
    next: 'Read all of it with get_status {"scope":"me"}.',
  };
}

/** Cuts long text with a mark, never in the middle of a surrogate pair. */
export function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const kept = text.slice(0, characters - 1);
  const whole = /[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept;
  return `${whole}…`;
}

import { textOfAddress } from "../core/channel.ts";
import { GuvnorError } from "../core/errors.ts";
import { appendNote } from "./append-note.ts";
import { callingPerson, type CallContext } from "./call-context.ts";
import { requireTask } from "./find-rows.ts";
import { isPresent } from "./is-present.ts";
import { postMessage } from "./messages/post-message.ts";
import { requireAddress } from "./messages/require-address.ts";
import type { Outcome } from "./operation.ts";
import { present } from "./task-view.ts";

export interface Saying {
  /** An agent, a task (T12), a topic (B1), everybody (#all), all of one role (#reviewer) or a channel. */
  readonly to: string;
  readonly text: string;
}

/** A person's word, which rides on the agents' next answers and stands in the channel like any other. */
export async function say(ctx: CallContext, { to, text }: Saying): Promise<Outcome> {
  const from = callingPerson(ctx);
  const address = await requireAddress(ctx, to);
  const { post, deliveredTo } = await postMessage(ctx, { address, from, text, replyTo: null });
  const isThread = address.kind === "task" || address.kind === "topic";
  if (deliveredTo.length === 0 && !isThread) throw nobodyHears(to);
  const noted = address.kind === "task" && (await noteUnheard(ctx, address.id, text));
  return {
    target: textOfAddress(address),
    answer: present({
      message_id: post.id,
      delivered_to: deliveredTo,
      noted: noted ? textOfAddress(address) : null,
    }),
  };
}

/** Where nobody works on the task, it waits in its notes for the next one. */
async function noteUnheard(ctx: CallContext, taskId: string, text: string): Promise<boolean> {
  const task = await requireTask(ctx, taskId);
  if (task.holder !== null && (await isPresent(ctx, task.holder))) return false;
  await appendNote(ctx, task, { from: ctx.actor, text });
  return true;
}

function nobodyHears(to: string): GuvnorError {
  const who = to.startsWith("#")
    ? `Nobody has the role or is in the channel ${to}.`
    : `${to} is revoked.`;
  return new GuvnorError(
    "agent_unknown",
    to === "#all" ? "No agent is registered." : who,
    'Use "#all" for every agent, or an agent\'s name.',
  );
}

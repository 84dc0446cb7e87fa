import { channelOf, textOfAddress, type Address } from "../../core/channel.ts";
import { GuvnorError } from "../../core/errors.ts";
import { callingAgent, type CallContext } from "../call-context.ts";
import type { Outcome } from "../operation.ts";
import { present } from "../task-view.ts";
import { joinChannel } from "./join-channel.ts";
import { whoMayRead } from "./may-read.ts";
import { postMessage } from "./post-message.ts";
import { requireAddress } from "./require-address.ts";

export interface SendingMessage {
  /** An agent, a channel or role (#build), a task or a topic. */
  readonly to: string;
  readonly body: string;
  readonly reply_to?: string | undefined;
}

/** Says something; it always comes from the agent that calls, which no argument can change. */
export async function sendMessage(ctx: CallContext, sent: SendingMessage): Promise<Outcome> {
  const agent = callingAgent(ctx);
  const address = await requireAddress(ctx, sent.to);
  await refuseUnheard(ctx, address, agent.name);
  const channel = channelOf(address, agent.name);
  const replyTo = sent.reply_to ?? null;
  if (replyTo !== null) await requireReply(ctx, replyTo, { channel, to: sent.to });
  // Whoever speaks in a channel hears it, where no rule keeps it from that.
  const mayRead = await whoMayRead(ctx);
  if (await mayRead(agent, { channel, from: agent.name })) await joinChannel(ctx, agent, channel);
  const said = { address, from: agent.name, text: sent.body, replyTo };
  const { post, deliveredTo, full, denied } = await postMessage(ctx, said);
  return {
    target: textOfAddress(address),
    answer: present({
      message_id: post.id,
      to: sent.to,
      delivered_to: deliveredTo,
      full,
      denied,
      next: nextStep(address, deliveredTo.length),
    }),
  };
}

function nextStep(address: Address, delivered: number): string {
  const to = textOfAddress(address);
  const answers = `Go on with your work. To wait for an answer: read_messages {"channel":"${to}","wait_seconds":25}.`;
  if (delivered === 0) return `Nobody is in ${to} yet; whoever joins gets it. ${answers}`;
  if (address.kind !== "topic") return answers;
  return `Everybody can read this: ballots stay sealed, what you say does not. ${answers}`;
}

async function refuseUnheard(ctx: CallContext, address: Address, self: string): Promise<void> {
  if (address.kind !== "agent") return;
  if (address.name === self) {
    const fix = "Name another agent, a channel, a task or a topic.";
    throw new GuvnorError("input_invalid", "That is you.", fix);
  }
  const other = await ctx.tx.agents.get(address.name);
  if (other?.state !== "revoked") return;
  throw new GuvnorError(
    "state_conflict",
    `${address.name} is revoked and reads nothing.`,
    "Say it to another agent, or to #all.",
  );
}

/** Said in the same place: the reply must not show there what was said elsewhere. */
async function requireReply(
  ctx: CallContext,
  id: string,
  { channel, to }: { channel: string; to: string },
): Promise<void> {
  const post = await ctx.tx.posts.get(id);
  if (post?.channel === channel) return;
  throw new GuvnorError(
    "message_not_found",
    `There is no message "${id.slice(0, 32)}" in ${to}.`,
    "Send it to the channel of that message, or leave reply_to out.",
  );
}

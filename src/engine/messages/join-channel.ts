import type { Agent } from "../../core/agent.ts";
import { partnersOf } from "../../core/channel.ts";
import { parseId } from "../../core/ids.ts";
import type { WriteContext } from "../call-context.ts";
import { whoMayRead } from "./may-read.ts";

/** Of what was said before, whoever joins a channel gets so much. */
const HISTORY = 20;

/** The last posts, and all that come, are for this agent too; answers whether that is new. */
export async function joinChannel(
  ctx: WriteContext,
  agent: Agent,
  channel: string,
): Promise<boolean> {
  const { tx, nowMs } = ctx;
  if (partnersOf(channel) !== undefined || (await tx.members.has(channel, agent.name)))
    return false;
  await tx.members.add(channel, agent.name, nowMs);
  ctx.effects.push({ type: "channel", id: channel, event: "joined", agent: agent.name });
  const to = { agent: agent.name, subject: channel };
  for (const post of (await tx.posts.list(channel, HISTORY)).toReversed()) {
    if (post.from !== agent.name && (await tx.messages.deliver(post, to))) {
      ctx.effects.push({ type: "message", id: post.id, event: "delivered", to: [agent.name] });
    }
  }
  return true;
}

/** Whoever takes a task gets what was said about it, and about what it was made for. */
export async function joinThreads(
  ctx: WriteContext,
  task: { readonly id: string; readonly holder: string; readonly serves: string | undefined },
): Promise<void> {
  const agent = await ctx.tx.agents.get(task.holder);
  if (agent === undefined) return;
  const { serves } = task;
  const isTopic = serves !== undefined && parseId("topic", serves) !== undefined;
  // The holder is in the task's thread as long as it holds it; only what was said before is missing.
  const hasPosts = (await ctx.tx.posts.list(task.id, 1)).length > 0;
  const threads = [...(hasPosts ? [task.id] : []), ...(isTopic ? [serves] : [])];
  for (const channel of threads) {
    const mayRead = await whoMayRead(ctx);
    const may = await mayRead(agent, { channel, from: agent.name });
    if (may) await joinChannel(ctx, agent, channel);
  }
}

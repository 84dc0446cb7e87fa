import { settleMediation } from "./board/settle-mediation.ts";
import type { Effect, WriteContext } from "./call-context.ts";
import { followEscalation, followTask } from "./follow-escalations.ts";
import { joinThreads } from "./messages/join-channel.ts";
import { followPartTask, followPipelineTopic } from "./pipelines/follow-pipelines.ts";

/** Looks at one change and does what follows from it; it throws for nothing that a caller did. */
type Follower = (ctx: WriteContext, effect: Effect) => Promise<void>;

const FOLLOWERS: Readonly<Partial<Record<Effect["type"], readonly Follower[]>>> = {
  task: [settleMediation, followTask, followPartTask, hearThreads],
  topic: [settleMediation, followPipelineTopic],
  escalation: [followEscalation],
};

/** Whoever takes a task hears what was said about it. */
async function hearThreads(ctx: WriteContext, effect: Effect): Promise<void> {
  const { id, event, holder, serves } = effect;
  if (event !== "claimed" || typeof holder !== "string") return;
  await joinThreads(ctx, { id, holder, serves: typeof serves === "string" ? serves : undefined });
}

/** Changes that were followed up: a transaction asks twice, within its handler's savepoint and at its end. */
const followed = new WeakSet<Effect>();

/**
 * What follows by itself from what a transaction has changed so far; what that changes is followed up
 * in turn. So whatever ended a task or a topic (a report, a deadline, a person), what waits for it goes
 * on in the same transaction, and is in the same entry.
 */
export async function followUp(ctx: WriteContext): Promise<void> {
  for (let at = 0; at < ctx.effects.length; at += 1) {
    const effect = ctx.effects[at];
    if (effect === undefined || followed.has(effect)) continue;
    followed.add(effect);
    for (const follow of FOLLOWERS[effect.type] ?? []) await follow(ctx, effect);
  }
}

import type { Topic } from "../../core/board.ts";
import { dueMove } from "../../core/topic-decisions.ts";
import type { WriteContext } from "../call-context.ts";
import { loadDeliberation, saveTopicMove } from "./move-topic.ts";

/**
 * Does what deadlines ask for, for all topics; once done there is nothing more to do. No process has
 * to be awake at a deadline: whoever looks next settles it, and a vote that opens late has its full time.
 *
 * @returns how many topics moved.
 */
export async function settleDueTopics(ctx: WriteContext): Promise<number> {
  let moved = 0;
  for (const topic of await ctx.tx.topics.due(ctx.nowMs)) {
    const settled = await settleTopic(ctx, topic, undefined);
    if (settled !== topic) moved += 1;
  }
  return moved;
}

/** Moves one topic on where time or the last voice asks for it. @param actor - As for saveTopicMove. */
export async function settleTopic(
  ctx: WriteContext,
  topic: Topic,
  actor: string | undefined,
): Promise<Topic> {
  const move = dueMove(await loadDeliberation(ctx.tx, topic), ctx.nowMs);
  return move === undefined ? topic : await saveTopicMove(ctx, topic.state, move, actor);
}

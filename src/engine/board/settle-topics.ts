import type { Topic } from "../../core/board.ts";
import { dueMove, prolong } from "../../core/topic-decisions.ts";
import type { ReadTx } from "../../store/store.ts";
import type { WriteContext } from "../call-context.ts";
import { readStopFor } from "../rules/stops.ts";
import { advanceTopic } from "./advance-topic.ts";
import { untilOf } from "./describe-topic.ts";
import { loadDeliberation } from "./move-topic.ts";

/** More open topics than anybody can follow. */
const MAX_OPEN = 1_000_000;

/** Topics whose deadline is past; none while the project is stopped, as nobody can speak. */
export async function dueTopics(tx: ReadTx, nowMs: number): Promise<readonly Topic[]> {
  const due = await tx.topics.due(nowMs);
  if (due.length === 0 || (await readStopFor(tx, null)) !== undefined) return [];
  return due;
}

/**
 * Does what deadlines ask for, for all topics; once done there is nothing more to do. No process has
 * to be awake at a deadline: whoever looks next settles it, and a vote that opens late has its full time.
 *
 * @returns how many topics moved.
 */
export async function settleDueTopics(ctx: WriteContext): Promise<number> {
  let moved = 0;
  for (const topic of await dueTopics(ctx.tx, ctx.nowMs)) {
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
  const deliberation = await loadDeliberation(ctx.tx, topic);
  const move = dueMove(deliberation, ctx.nowMs);
  return move === undefined ? topic : await advanceTopic(ctx, deliberation, move, actor);
}

/** Gives topics back the time in which everything was stopped. */
export async function prolongTopics(
  ctx: WriteContext,
  stopped: { readonly fromMs: number; readonly toMs: number },
): Promise<void> {
  for (const state of ["proposing", "voting"] as const) {
    for (const topic of await ctx.tx.topics.list(state, MAX_OPEN)) {
      const prolonged = prolong(topic, stopped);
      // One that awaits a person has no deadline.
      if (prolonged === topic) continue;
      await ctx.tx.topics.save(prolonged);
      const until = untilOf(prolonged);
      ctx.effects.push({ type: "topic", id: topic.id, event: "prolonged", until });
    }
  }
}

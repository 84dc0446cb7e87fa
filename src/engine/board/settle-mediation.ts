import { awaitsMediator } from "../../core/mediation.ts";
import { OPEN_STATES } from "../../core/task.ts";
import { giveUp } from "../../core/topic-move.ts";
import type { Effect, WriteContext } from "../call-context.ts";
import { cancelTask } from "../move-task.ts";
import { loadDeliberation, saveTopicMove } from "./move-topic.ts";

/**
 * A topic and its mediator's task go together: the task is open as long as the topic waits for the
 * mediator's word, whatever ended either of them.
 */
export async function settleMediation(ctx: WriteContext, effect: Effect): Promise<void> {
  const topicId = effect.type === "task" ? effect["serves"] : effect.id;
  const topic = typeof topicId === "string" ? await ctx.tx.topics.get(topicId) : undefined;
  const { taskId = null } = topic?.mediation ?? {};
  const task = taskId === null ? undefined : await ctx.tx.tasks.get(taskId);
  if (topic === undefined || task === undefined) return;
  const isOpen = OPEN_STATES.has(task.state);
  const isAwaited = awaitsMediator(topic);
  if (isAwaited === isOpen) return;
  if (isOpen) {
    await cancelTask(ctx, task, {
      why: `${topic.id} waits for no mediator: it is ${topic.state}.`,
    });
    return;
  }
  const why = `${task.id} is ${task.state}, and no mediator has spoken.`;
  const move = giveUp(await loadDeliberation(ctx.tx, topic), ctx.nowMs, why);
  await saveTopicMove(ctx, topic.state, move, undefined);
}

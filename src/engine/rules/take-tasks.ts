import { takeAway } from "../../core/task-decisions.ts";
import type { WriteContext } from "../call-context.ts";
import { endAttempt, saveMoved } from "../move-task.ts";

/**
 * What an agent holds that may not go on with it is ready again, not counted against the task; what
 * is being measured goes on.
 */
export async function takeTasks(ctx: WriteContext, agent: string, why: string): Promise<void> {
  for (const { id } of await ctx.tx.tasks.heldBy(agent)) {
    const task = await ctx.tx.tasks.get(id);
    if (task?.holder !== agent) continue;
    if (task.state !== "running" && task.state !== "blocked") continue;
    await endAttempt(ctx, task, "lost");
    await saveMoved(ctx, task, takeAway(task, ctx.nowMs), { lost_by: agent, why });
  }
}

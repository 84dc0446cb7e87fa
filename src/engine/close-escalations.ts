import type { WriteContext } from "./call-context.ts";
import { saveEscalation } from "./escalations.ts";

/** Open escalations that are searched for those about a topic. */
const MOST_OPEN = 1000;

/** What guvnor asked about a task is answered by what a person did with it. */
export async function closeEscalationsOf(
  ctx: WriteContext,
  taskId: string,
  resolution: string,
): Promise<void> {
  for (const escalation of await ctx.tx.escalations.ofTask(taskId)) {
    const open = escalation.state === "open" || escalation.state === "acknowledged";
    // A topic about the task is another question: only the topic's end answers it.
    if (!open || escalation.raisedBy !== "guvnor" || escalation.topicId !== null) continue;
    await saveEscalation(
      ctx,
      { ...escalation, state: "resolved", resolution, endedAtMs: ctx.nowMs },
      escalation.state,
    );
  }
}

/** What people were asked about a topic is answered otherwise. */
export async function closeEscalationsAbout(
  ctx: WriteContext,
  topicId: string,
  resolution: string,
): Promise<void> {
  for (const escalation of await ctx.tx.escalations.list(["open", "acknowledged"], MOST_OPEN)) {
    if (escalation.topicId !== topicId) continue;
    const resolved = {
      ...escalation,
      state: "resolved",
      resolution,
      endedAtMs: ctx.nowMs,
    } as const;
    await saveEscalation(ctx, resolved, escalation.state);
  }
}

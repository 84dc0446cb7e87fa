import { isUnended, type Escalation } from "../core/escalation.ts";
import type { WriteContext } from "./call-context.ts";
import { saveEscalation } from "./escalations.ts";

/** Open escalations that are searched for those about a topic. */
const MOST_OPEN = 1000;

/** What guvnor asked about a task is answered by what a person did with it. */
export async function closeEscalationsOf(
  ctx: WriteContext,
  taskId: string,
  text: string,
): Promise<void> {
  for (const escalation of await ctx.tx.escalations.ofTask(taskId)) {
    // A topic about the task is another question: only the topic's end answers it.
    if (escalation.raisedBy !== "guvnor" || escalation.topicId !== null) continue;
    if (!isUnended(escalation)) continue;
    await answerOtherwise(ctx, escalation, text);
  }
}

/** What people were asked about a topic is answered otherwise. */
export async function closeEscalationsAbout(
  ctx: WriteContext,
  topicId: string,
  text: string,
): Promise<void> {
  for (const escalation of await ctx.tx.escalations.list(["open", "acknowledged"], MOST_OPEN)) {
    if (escalation.topicId !== topicId) continue;
    await answerOtherwise(ctx, escalation, text);
  }
}

async function answerOtherwise(
  ctx: WriteContext,
  escalation: Escalation,
  text: string,
): Promise<void> {
  const resolution = { how: "answer", text, untilMs: null } as const;
  await saveEscalation(
    ctx,
    { ...escalation, state: "resolved", resolution, endedAtMs: ctx.nowMs },
    { from: escalation.state, event: "resolved" },
  );
}

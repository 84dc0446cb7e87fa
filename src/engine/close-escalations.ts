import { isUnended } from "../core/escalation.ts";
import type { WriteContext } from "./call-context.ts";
import { saveEscalation } from "./escalations.ts";

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
    const resolution = { how: "answer", text, untilMs: null } as const;
    await saveEscalation(
      ctx,
      { ...escalation, state: "resolved", resolution, endedAtMs: ctx.nowMs },
      { from: escalation.state, event: "resolved" },
    );
  }
}

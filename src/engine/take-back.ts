import { takeBack } from "../core/task-decisions.ts";
import type { EngineDeps } from "./deps.ts";
import { endAttempt, saveMoved } from "./move-task.ts";
import { systemAct } from "./system-act.ts";

/** A claim whose answer never arrived is taken back, uncounted, unless the task has moved on. */
export async function takeBackGrant(
  deps: EngineDeps,
  grant: { readonly taskId: string; readonly fence: number },
  callId: string,
): Promise<void> {
  await systemAct(deps, "take_back", async (ctx) => {
    const task = await ctx.tx.tasks.get(grant.taskId);
    if (task === undefined || task.state !== "running" || task.fence !== grant.fence) return;
    // Asked again under the same request_id, it must not answer what is no longer granted.
    if (task.holder !== null) await ctx.tx.requests.remove(task.holder, callId);
    await endAttempt(ctx, task, "undelivered");
    await saveMoved(ctx, task, takeBack(task, ctx.nowMs), { undelivered_call: callId });
  });
}

import { withdrawApproval, type Approval } from "../../core/approval.ts";
import type { HeldAction } from "../../core/held-action.ts";
import type { WriteContext } from "../call-context.ts";

/** @param from - Its state before; null for a new one. */
export async function saveApproval(
  ctx: WriteContext,
  action: HeldAction,
  from: Approval["state"] | null,
): Promise<void> {
  await ctx.tx.approvals.save(action);
  const { id, state, tool, rule, subject, taskId } = action.approval;
  ctx.effects.push({
    type: "approval",
    id,
    from,
    to: state,
    tool,
    rule,
    subject,
    ...(taskId === null ? {} : { task: taskId }),
  });
  ctx.tx.wake();
}

/** What was asked for a task that is over will not happen. */
export async function withdrawApprovalsOf(
  ctx: WriteContext,
  taskId: string,
  reason: string,
): Promise<void> {
  for (const action of await ctx.tx.approvals.ofTask(taskId)) {
    const { state } = action.approval;
    const move = withdrawApproval(action.approval, { by: "guvnor", reason }, ctx.nowMs);
    if (move.ok) await saveApproval(ctx, { ...action, approval: move.approval }, state);
  }
}

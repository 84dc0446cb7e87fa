import type { HeldReport } from "../../core/held-action.ts";
import type { ProgressReport } from "../../core/progress-report.ts";
import type { HoldContext } from "../operation.ts";

/**
 * A report that comes while everything is stopped changes nothing yet, and is not lost.
 * @returns Whether it is kept: only the task's holder has something to report.
 */
export async function holdReport(ctx: HoldContext, report: ProgressReport): Promise<boolean> {
  const task = await ctx.tx.tasks.get(report.task_id);
  if (task?.holder !== ctx.agent.name) return false;
  const kept = said(report, task.fence);
  const text = JSON.stringify(kept);
  const open = await ctx.tx.heldReports.open();
  const last = open.findLast(({ agent }) => agent === ctx.agent.name);
  // It is said again as nobody seemed to listen; once is enough.
  if (last !== undefined && JSON.stringify(last.report) === text) return true;
  const held: HeldReport = {
    number: await ctx.tx.nextNumber("heldReport"),
    agent: ctx.agent.name,
    callId: ctx.callId,
    request: ctx.request,
    tool: "report_progress",
    report: kept,
    tier: ctx.agent.tier,
    facts: ctx.facts,
    atMs: ctx.nowMs,
    outcome: null,
  };
  await ctx.tx.heldReports.save(held);
  ctx.effects.push({ type: "task", id: task.id, event: "report_held", fence: task.fence });
  return true;
}

/** What it says, and not the session: that is a secret. */
function said(report: ProgressReport, present: number): ProgressReport {
  const { task_id, status, percent, note, commit, outputs, artifacts, blocker, retryable } = report;
  // Replayed under the lease that it was made under, whatever came in between.
  const fence = report.fence ?? present;
  return { task_id, fence, status, percent, note, commit, outputs, artifacts, blocker, retryable };
}

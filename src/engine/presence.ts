import type { ProcessRow } from "../core/agent.ts";
import { loseLease, MAX_LOST_LEASES } from "../core/task-decisions.ts";
import type { Task } from "../core/task.ts";
import type { WriteContext } from "./call-context.ts";
import { raiseEscalation } from "./escalations.ts";
import { requeueGateRuns } from "./gate-runs.ts";
import { isPresent } from "./is-present.ts";
import { endAttempt, escalatePoison, saveMoved, settleEnded } from "./move-task.ts";
import { readStopFor } from "./rules/stops.ts";
import { endTokens } from "./rules/tokens.ts";

/**
 * A process is over: its agents are offline, their running tasks are ready again, and what it
 * measured is measured by another.
 */
export async function endProcess(
  ctx: WriteContext,
  process: ProcessRow,
  why: "closed" | "gone" | "silent",
): Promise<void> {
  await ctx.tx.processes.save({ ...process, endedAtMs: ctx.nowMs });
  ctx.effects.push({ type: "process", id: process.id, event: why, pid: process.pid });
  for (const agent of await ctx.tx.agents.byProcess(process.id)) {
    await endTokens(ctx, agent.name, `its process ended (${why})`);
    const state = agent.state === "revoked" ? "revoked" : "offline";
    await ctx.tx.agents.save({ ...agent, state, tokenHash: null });
    ctx.effects.push({ type: "agent", id: agent.name, event: "offline", why });
    // While it is stopped nothing is taken from anybody; resuming looks at what was left behind.
    if ((await readStopFor(ctx.tx, agent.name)) !== undefined) continue;
    for (const { id } of await ctx.tx.tasks.heldBy(agent.name)) {
      // Read again: one lost lease may have cancelled or changed the next task.
      const task = await ctx.tx.tasks.get(id);
      if (task?.holder !== agent.name) continue;
      // One in review waits for its gates, holder or not.
      if (task.state === "running") await takeLease(ctx, task, why);
      if (task.state === "blocked") await reportOrphan(ctx, task);
    }
  }
  await requeueGateRuns(ctx, process.id, why !== "closed");
  ctx.tx.wake();
}

/** Nobody is left who would say that the blocker is gone: unless somebody was asked already, guvnor asks. */
async function reportOrphan(ctx: WriteContext, task: Task): Promise<void> {
  const asked = await ctx.tx.escalations.ofTask(task.id);
  if (asked.some(({ state }) => state === "open" || state === "acknowledged")) return;
  await raiseEscalation(ctx, {
    kind: "blocked",
    severity: "medium",
    summary: `${task.id} is blocked and its holder ${task.holder ?? ""} has left.`,
    detail: `${task.blocker?.kind ?? "unknown"}: ${task.blocker?.text ?? ""}`,
    taskId: task.id,
    topicId: null,
    raisedBy: "guvnor",
    forPeople: true,
  });
}

/** The holder is gone or stalled: the task is ready at once, unless it may be what kills its agents. */
export async function takeLease(ctx: WriteContext, task: Task, why: string): Promise<Task> {
  const moved = loseLease(task, ctx.nowMs);
  await endAttempt(ctx, task, "lost");
  const saved = await saveMoved(ctx, task, moved, { lost_by: task.holder, why });
  if (saved.state === "failed") {
    await escalatePoison(ctx, saved, `its lease was lost ${MAX_LOST_LEASES} times`);
    await settleEnded(ctx, saved);
  }
  return saved;
}

/** After a stop: what was held by agents that are gone by now is given back. */
export async function takeFromAbsent(ctx: WriteContext): Promise<void> {
  for (const attempt of await ctx.tx.attempts.listRunning()) {
    const task = await ctx.tx.tasks.get(attempt.taskId);
    if (task?.holder !== attempt.agent || (await isPresent(ctx, attempt.agent))) continue;
    if ((await readStopFor(ctx.tx, attempt.agent)) !== undefined) continue;
    if (task.state === "running") await takeLease(ctx, task, "gone");
    if (task.state === "blocked") await reportOrphan(ctx, task);
  }
}

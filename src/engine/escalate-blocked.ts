import { ESCALATION_TASK, isUnended } from "../core/escalation.ts";
import { frozenMs, stopIntervals } from "../core/stop.ts";
import type { Blocker, Task } from "../core/task.ts";
import type { ReadContext, WriteContext } from "./call-context.ts";
import { raiseEscalation } from "./escalations.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";
import { readStopFor, readStops } from "./rules/stops.ts";

/** Blocked tasks looked at in one round. */
const MAX_BLOCKED = 1000;

/** Kind of a blocker that somebody else's yes lifts. */
const APPROVAL = "approval";

type BlockedTask = Task & { readonly blocker: Blocker };

/** Tasks that are blocked for longer than `peer_after` and about which nobody was asked. */
export async function findStuck(ctx: ReadContext, nowMs: number): Promise<readonly BlockedTask[]> {
  const blocked = await ctx.tx.tasks.list({ states: ["blocked"], limit: MAX_BLOCKED });
  if (blocked.length === 0 || (await readStopFor(ctx.tx, null)) !== undefined) return [];
  const { peerAfterMs } = (await rulesInForce(ctx)).settings.escalation;
  const stops = await readStops(ctx.tx);
  const { project } = ctx.tx.scope;
  const stuck: BlockedTask[] = [];
  for (const task of blocked) {
    const { blocker, holder } = task;
    // One in which a question is put climbs by itself.
    if (blocker === null || task.spec.kind === ESCALATION_TASK) continue;
    const intervals = stopIntervals(stops, { project, agent: holder });
    const { sinceMs } = blocker;
    if (nowMs - sinceMs - frozenMs(intervals, sinceMs, nowMs) < peerAfterMs) continue;
    if (!(await wasAsked(ctx, task, blocker))) stuck.push({ ...task, blocker });
  }
  return stuck;
}

/**
 * Once a blocker. What its holder asked counts, whether it named the task or the blocker names it; so
 * does an action that waits for an approval, which only people give.
 */
async function wasAsked(
  { tx }: ReadContext,
  { id }: Task,
  { blockedBy, sinceMs }: Blocker,
): Promise<boolean> {
  const named = blockedBy === null ? undefined : await tx.escalations.get(blockedBy);
  if (named !== undefined && isUnended(named)) return true;
  const held = blockedBy === null ? undefined : await tx.approvals.get(blockedBy);
  if (held?.approval.state === "requested") return true;
  return (await tx.escalations.ofTask(id)).some(
    (each) => isUnended(each) || (each.raisedBy === "guvnor" && each.createdAtMs >= sinceMs),
  );
}

export async function escalateStuck(ctx: WriteContext): Promise<void> {
  for (const task of await findStuck(ctx, ctx.nowMs)) await askFor(ctx, task, "blocked too long");
}

/** A holder that says that somebody must approve its work need not wait until it is stuck. */
export async function escalateReview(ctx: WriteContext, task: Task): Promise<void> {
  const { blocker } = task;
  if (blocker?.kind !== APPROVAL || task.spec.kind === ESCALATION_TASK) return;
  if (!(await wasAsked(ctx, task, blocker)))
    await askFor(ctx, { ...task, blocker }, "needs approval");
}

/** Asks for the holder, which has not asked itself. */
async function askFor(
  ctx: WriteContext,
  { id, holder, blocker }: BlockedTask,
  why: string,
): Promise<void> {
  await raiseEscalation(ctx, {
    kind: "blocked",
    severity: "medium",
    summary: `${id}: ${why}`,
    detail: `Held by ${holder ?? "nobody"}; ${blocker.kind}: ${blocker.text}`,
    taskId: id,
    topicId: null,
    raisedBy: "guvnor",
    forPeople: false,
  });
}

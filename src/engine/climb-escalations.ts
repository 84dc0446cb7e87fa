import {
  climbAbove,
  climbTo,
  nextClimb,
  prolongClimb,
  type NextClimb,
} from "../core/escalation-matrix.ts";
import { isUnended, type Escalation } from "../core/escalation.ts";
import { OPEN_STATES } from "../core/task.ts";
import type { ReadContext, WriteContext } from "./call-context.ts";
import { askHelpers, helpersFor, readRoster } from "./escalation-helpers.ts";
import { saveEscalation } from "./escalations.ts";
import { cancelTask } from "./move-task.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";
import { readStopFor } from "./rules/stops.ts";

interface FoundClimb {
  readonly escalation: Escalation;
  readonly next: NextClimb;
}

/**
 * Those that go up now; none while the project is stopped, as nobody can answer.
 * @param climbing - Of all, those that are looked at.
 */
async function findAmong(
  ctx: ReadContext,
  climbing: readonly Escalation[],
  nowMs: number,
): Promise<readonly FoundClimb[]> {
  if (climbing.length === 0 || (await readStopFor(ctx.tx, null)) !== undefined) return [];
  const { personAfterMs } = (await rulesInForce(ctx)).settings.escalation;
  const roster = await readRoster(ctx);
  const found: FoundClimb[] = [];
  for (const escalation of climbing) {
    const helpers = await helpersFor(ctx, escalation, roster);
    const next = nextClimb(escalation, { helpers, personAfterMs }, nowMs);
    if (next !== undefined) found.push({ escalation, next });
  }
  return found;
}

/** Due, or with nobody left who could answer. */
export async function findClimbs(ctx: ReadContext, nowMs: number): Promise<readonly FoundClimb[]> {
  return await findAmong(ctx, await ctx.tx.escalations.climbing(), nowMs);
}

/** All that go up now. */
export async function settleClimbs(ctx: WriteContext): Promise<void> {
  await climbAll(ctx, await findClimbs(ctx, ctx.nowMs));
}

/**
 * Those whose time is over: no process has to be awake at a threshold, whoever looks next settles it.
 * Who has left is looked for beside the calls, as it costs more to find.
 */
export async function settleDueClimbs(ctx: WriteContext): Promise<void> {
  const climbing = await ctx.tx.escalations.climbing();
  const due = climbing.filter(({ dueAtMs }) => dueAtMs <= ctx.nowMs);
  await climbAll(ctx, await findAmong(ctx, due, ctx.nowMs));
}

async function climbAll(ctx: WriteContext, found: readonly FoundClimb[]): Promise<void> {
  for (const { escalation, next } of found) await climb(ctx, escalation, next);
}

/** Whoever was asked has given up, or was told to. */
export async function climbOn(
  ctx: WriteContext,
  escalation: Escalation,
  why: string,
): Promise<void> {
  if (escalation.level === "L3") return;
  const helpers = await helpersFor(ctx, escalation, await readRoster(ctx));
  await climb(ctx, escalation, climbAbove(escalation.level, why, helpers));
}

async function climb(
  ctx: WriteContext,
  escalation: Escalation,
  { level, why }: NextClimb,
): Promise<void> {
  const { settings } = await rulesInForce(ctx);
  const taskId = await askHelpers(ctx, escalation, level);
  const step = { level, atMs: ctx.nowMs, why, taskId };
  const raised = climbTo(escalation, step, settings.escalation);
  await saveEscalation(ctx, raised, { from: escalation.state, event: "climbed", why });
  // Whoever is at it may still answer first; nobody else begins below.
  await cancelQuestions(ctx, raised, `${raised.id} is at ${level} now.`);
}

/** One question is answered once: tasks in which it was put are over, where a level above has it unless they run. */
export async function cancelQuestions(
  ctx: WriteContext,
  escalation: Escalation,
  why: string,
): Promise<void> {
  const isOver = !isUnended(escalation);
  const current = escalation.climbs.at(-1)?.taskId;
  for (const { taskId } of escalation.climbs) {
    const task = taskId === null ? undefined : await ctx.tx.tasks.get(taskId);
    if (task === undefined || !OPEN_STATES.has(task.state)) continue;
    const isAnswerable = !isOver && (task.id === current || task.state === "running");
    if (!isAnswerable) await cancelTask(ctx, task, { why });
  }
}

/** Gives back the time in which everything was stopped. */
export async function prolongClimbs(
  ctx: WriteContext,
  stopped: { readonly fromMs: number; readonly toMs: number },
): Promise<void> {
  for (const escalation of await ctx.tx.escalations.climbing()) {
    const prolonged = prolongClimb(escalation, stopped);
    if (prolonged === escalation) continue;
    await saveEscalation(ctx, prolonged, { from: escalation.state, event: "prolonged" });
  }
}

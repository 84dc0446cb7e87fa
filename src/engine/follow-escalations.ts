import { readAnswer } from "../core/escalation-answer.ts";
import { leave } from "../core/escalation-matrix.ts";
import { ESCALATION_TASK, isUnended, type Escalation } from "../core/escalation.ts";
import { OPEN_STATES, type MissingItem, type Task } from "../core/task.ts";
import type { Effect, WriteContext } from "./call-context.ts";
import { cancelQuestions, climbOn } from "./climb-escalations.ts";
import { escalateReview } from "./escalate-blocked.ts";
import { namedLeads } from "./escalation-helpers.ts";
import { saveEscalation } from "./escalations.ts";
import { acknowledgeBy, closeEscalation, withdraw } from "./resolve-escalation.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";

/** A task moved: it may put a question to peers or leads, or be what a question is about. */
export async function followTask(ctx: WriteContext, effect: Effect): Promise<void> {
  if (effect["from"] === undefined || effect["to"] === undefined) return;
  const task = await ctx.tx.tasks.get(effect.id);
  if (task === undefined) return;
  await dropQuestions(ctx, task, effect["from"] === "blocked");
  // It has moved on since: that move has an effect of its own.
  if (task.state !== effect["to"]) return;
  if (task.state === "blocked") await escalateReview(ctx, task);
  if (task.spec.kind !== ESCALATION_TASK || task.spec.serves === undefined) return;
  const escalation = await ctx.tx.escalations.get(task.spec.serves);
  if (escalation === undefined || !isUnended(escalation)) return;
  if (task.state === "done") return await takeAnswer(ctx, escalation, task);
  const { climbs, level } = escalation;
  if (climbs.at(-1)?.taskId === task.id) return await followAsked(ctx, escalation, task);
  // A level above has it: whoever was at it here may have answered, and has left it.
  await cancelQuestions(ctx, escalation, `${escalation.id} is at ${level} now.`);
}

/** Whoever takes it has acknowledged the question, until it leaves; its end without an answer lets it climb. */
async function followAsked(ctx: WriteContext, escalation: Escalation, task: Task): Promise<void> {
  if (task.state === "failed" || task.state === "cancelled") {
    return await climbOn(ctx, escalation, `${task.id} ${task.state}`);
  }
  const { acknowledgedBy } = escalation;
  // A person who looks after it goes on looking.
  if (acknowledgedBy?.includes(":") === true) return;
  const hasLeft = acknowledgedBy !== null && acknowledgedBy !== task.holder;
  const open = hasLeft ? await leaveIt(ctx, escalation) : escalation;
  if (task.state === "running" && task.holder !== null && open.state === "open") {
    await acknowledgeBy(ctx, open, task.holder);
  }
}

async function leaveIt(ctx: WriteContext, escalation: Escalation): Promise<Escalation> {
  const { settings } = await rulesInForce(ctx);
  const left = leave(escalation, settings.escalation, ctx.nowMs);
  await saveEscalation(ctx, left, { from: escalation.state, event: "left" });
  return left;
}

async function takeAnswer(ctx: WriteContext, escalation: Escalation, task: Task): Promise<void> {
  const attempt = await ctx.tx.attempts.get(task.id, task.attemptNo);
  if (attempt === undefined) return;
  const resolution = await answerOf(ctx, task, attempt.agent);
  // `missingAnswer` has looked at it when done was said.
  if ("problem" in resolution) return;
  await closeEscalation(ctx, escalation, { by: attempt.agent, resolution });
}

/** What is wrong with the answer that a task was to bring, when its holder says done. */
export async function missingAnswer(
  ctx: WriteContext,
  task: Task,
): Promise<readonly MissingItem[]> {
  if (task.spec.kind !== ESCALATION_TASK || task.spec.serves === undefined) return [];
  const answer = await answerOf(ctx, task, task.holder);
  return "problem" in answer ? [{ gate: "answer", evidence: answer.problem }] : [];
}

async function answerOf(
  ctx: WriteContext,
  { outputs }: Task,
  by: string | null,
): Promise<ReturnType<typeof readAnswer>> {
  const isLead = by !== null && (await namedLeads(ctx)).includes(by);
  return readAnswer(outputs, isLead, ctx.nowMs);
}

/** What was asked about a task need not be answered when the task has ended, or goes on by itself. */
async function dropQuestions(ctx: WriteContext, task: Task, wasBlocked: boolean): Promise<void> {
  const hasEnded = !OPEN_STATES.has(task.state);
  if (!hasEnded && (!wasBlocked || task.state === "blocked")) return;
  for (const escalation of await ctx.tx.escalations.ofTask(task.id)) {
    if (!isUnended(escalation) || escalation.forPeople) continue;
    const isOwn = escalation.raisedBy === "guvnor";
    // A person who has the question sees what became of the task.
    if (hasEnded ? !isOwn && escalation.level === "L3" : !isOwn) continue;
    const why = `${task.id} is ${task.state}.`;
    await withdraw(ctx, escalation, { by: "guvnor", why });
  }
}

/** However it ended, nobody need answer it any more. */
export async function followEscalation(ctx: WriteContext, effect: Effect): Promise<void> {
  if (effect["event"] !== "resolved" && effect["event"] !== "withdrawn") return;
  const escalation = await ctx.tx.escalations.get(effect.id);
  if (escalation === undefined) return;
  await cancelQuestions(ctx, escalation, `${escalation.id} is ${escalation.state}.`);
}

import { GuvnorError } from "../core/errors.ts";
import type { Escalation } from "../core/escalation.ts";
import { unblock } from "../core/task-decisions.ts";
import type { Task } from "../core/task.ts";
import { appendNote } from "./append-note.ts";
import { callingPerson, type CallContext, type WriteContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import { saveEscalation } from "./escalations.ts";
import { requireEscalation } from "./find-rows.ts";
import { sendToInbox } from "./inbox.ts";
import { isPresent } from "./is-present.ts";
import { endAttempt, saveMoved, setAgentState } from "./move-task.ts";
import type { Outcome } from "./operation.ts";
import { iso, present } from "./task-view.ts";

/** A person looks after it; asking again changes nothing. */
export async function acknowledgeEscalation(
  ctx: CallContext,
  { escalation_id: id }: { readonly escalation_id: string },
): Promise<Outcome> {
  const person = callingPerson(ctx);
  const found = requireUnended(await requireEscalation(ctx, id));
  if (found.state === "acknowledged") return outcomeFor(ctx, found);
  const acknowledged: Escalation = { ...found, state: "acknowledged", acknowledgedBy: person };
  await saveEscalation(ctx, acknowledged, found.state);
  return outcomeFor(ctx, acknowledged);
}

/** A person's answer. */
export async function resolveEscalation(
  ctx: CallContext,
  { escalation_id: id, text }: { readonly escalation_id: string; readonly text: string },
): Promise<Outcome> {
  const person = callingPerson(ctx);
  const found = requireUnended(await requireEscalation(ctx, id));
  await requireAnswerable(ctx, found);
  const { escalation, task } = await closeEscalation(ctx, found, { person, text });
  const outcome = outcomeFor(ctx, escalation);
  if (task === undefined) return outcome;
  return { ...outcome, answer: { ...outcome.answer, task: { id: task.id, state: task.state } } };
}

/** What guvnor asked about a review or a vote is answered by deciding it: words alone would leave it stuck. */
async function requireAnswerable(ctx: WriteContext, asked: Escalation): Promise<void> {
  if (asked.raisedBy !== "guvnor") return;
  const topic = asked.topicId === null ? undefined : await ctx.tx.topics.get(asked.topicId);
  if (topic !== undefined && topic.endedAtMs === null) {
    throw new GuvnorError(
      "state_conflict",
      `${asked.id} asks for a decision about ${topic.id}.`,
      `Decide it: guvnor board decide ${topic.id}`,
    );
  }
  const task = asked.taskId === null ? undefined : await ctx.tx.tasks.get(asked.taskId);
  if (topic === undefined && task?.state === "review") {
    throw new GuvnorError(
      "state_conflict",
      `${asked.id} asks for a decision about ${task.id}.`,
      `Decide it: guvnor tasks accept ${task.id} --reason "…" or guvnor tasks send-back ${task.id} --reason "…"`,
    );
  }
}

/**
 * The answer goes where it is needed: into the notes of the task, whose blocker may be gone with it,
 * and to the agents that wait for it.
 */
export async function closeEscalation(
  ctx: WriteContext,
  open: Escalation,
  { person, text }: { readonly person: string; readonly text: string },
): Promise<{ readonly escalation: Escalation; readonly task: Task | undefined }> {
  const escalation: Escalation = {
    ...open,
    state: "resolved",
    resolvedBy: person,
    resolution: text,
    endedAtMs: ctx.nowMs,
  };
  await saveEscalation(ctx, escalation, open.state);
  const task = await taskOf(ctx, escalation);
  const settled =
    task === undefined
      ? undefined
      : await answerTask(ctx, task, { escalation, note: { from: person, text } });
  const waiting = new Set([escalation.raisedBy, settled?.holder ?? escalation.raisedBy]);
  for (const to of waiting) {
    if ((await ctx.tx.agents.get(to)) === undefined) continue;
    await sendToInbox(ctx, {
      to,
      from: person,
      kind: "escalation",
      subject: escalation.id,
      text: messageFor(escalation, settled),
    });
  }
  return { escalation, task: settled };
}

async function answerTask(
  ctx: WriteContext,
  task: Task,
  { escalation, note }: { escalation: Escalation; note: { from: string; text: string } },
): Promise<Task> {
  const noted = await appendNote(ctx, task, {
    from: note.from,
    text: `${escalation.id} (${escalation.summary}) is resolved: ${note.text}`,
  });
  if (!(await answersBlocker(ctx, noted, escalation))) return noted;
  const holder = noted.holder === null ? undefined : await ctx.tx.agents.get(noted.holder);
  const isThere = holder !== undefined && (await isPresent(ctx, holder.name));
  const moved = unblock(noted, isThere, ctx.nowMs);
  const freed = await saveMoved(ctx, noted, moved, { escalation: escalation.id });
  if (!isThere) await endAttempt(ctx, noted, "lost", true);
  else if (holder.state === "blocked") await setAgentState(ctx, holder, "executing");
  return freed;
}

/** The task it is about; where it names none, the one that its raiser blocked with it. */
async function taskOf(
  ctx: WriteContext,
  { id, taskId, raisedBy }: Escalation,
): Promise<Task | undefined> {
  if (taskId !== null) return await ctx.tx.tasks.get(taskId);
  return (await ctx.tx.tasks.heldBy(raisedBy)).find(({ blocker }) => blocker?.blockedBy === id);
}

/** A blocker that names an escalation needs that one; any other the last open one about the task. */
async function answersBlocker(ctx: WriteContext, task: Task, { id }: Escalation): Promise<boolean> {
  if (task.state !== "blocked") return false;
  const { blockedBy = null } = task.blocker ?? {};
  if (blockedBy === id) return true;
  const named = blockedBy === null ? undefined : await ctx.tx.escalations.get(blockedBy);
  if (named !== undefined && isOpen(named)) return false;
  return !(await ctx.tx.escalations.ofTask(task.id)).some(isOpen);
}

function isOpen({ state }: Escalation): boolean {
  return state === "open" || state === "acknowledged";
}

function messageFor({ id, summary, resolution }: Escalation, task: Task | undefined): string {
  const about = task === undefined ? "" : ` ${task.id} is ${task.state}.`;
  return `${id} (${summary}) is resolved: ${resolution}${about}`;
}

/** @throws {GuvnorError} `state_conflict`. */
function requireUnended(escalation: Escalation): Escalation {
  if (isOpen(escalation)) return escalation;
  throw new GuvnorError(
    "state_conflict",
    `${escalation.id} is ${escalation.state} already.`,
    "Say more with `guvnor say`.",
  );
}

function outcomeFor(ctx: CallContext, escalation: Escalation): Outcome {
  return { answer: describeEscalation(escalation, ctx.nowMs), target: escalation.id };
}

/** All of it, for people. */
export function describeEscalation(escalation: Escalation, nowMs: number): JsonObject {
  const isOverdue = escalation.endedAtMs === null && escalation.dueAtMs <= nowMs;
  return present({
    escalation_id: escalation.id,
    kind: escalation.kind,
    severity: escalation.severity,
    summary: escalation.summary,
    detail: escalation.detail,
    task: escalation.taskId,
    topic: escalation.topicId,
    raised_by: escalation.raisedBy,
    level: escalation.level,
    state: escalation.state,
    raised_at: iso(escalation.createdAtMs),
    due_at: iso(escalation.dueAtMs),
    overdue: isOverdue ? true : null,
    acknowledged_by: escalation.acknowledgedBy,
    resolved_by: escalation.resolvedBy,
    resolution: escalation.resolution,
    ended_at: escalation.endedAtMs === null ? null : iso(escalation.endedAtMs),
  });
}

import { GuvnorError } from "../core/errors.ts";
import { acknowledge } from "../core/escalation-matrix.ts";
import { isUnended, type Escalation, type Resolution } from "../core/escalation.ts";
import { fromIso } from "../core/iso-time.ts";
import { unblock } from "../core/task-decisions.ts";
import type { Task } from "../core/task.ts";
import { appendNote } from "./append-note.ts";
import { callingPerson, type CallContext, type WriteContext } from "./call-context.ts";
import { describeEscalation } from "./describe-escalation.ts";
import { saveEscalation } from "./escalations.ts";
import { requireEscalation } from "./find-rows.ts";
import { sendToInbox } from "./inbox.ts";
import { isPresent } from "./is-present.ts";
import { endAttempt, saveMoved } from "./move-task.ts";
import type { Outcome } from "./operation.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";
import { iso } from "./task-view.ts";

/** A person looks after it; asking again changes nothing. */
export async function acknowledgeEscalation(
  ctx: CallContext,
  { escalation_id: id }: { readonly escalation_id: string },
): Promise<Outcome> {
  const person = callingPerson(ctx);
  const found = requireUnended(await requireEscalation(ctx, id));
  if (found.state === "acknowledged") return outcomeFor(ctx, found);
  return outcomeFor(ctx, await acknowledgeBy(ctx, found, person));
}

/** Below L3 it climbs no further for a while. */
export async function acknowledgeBy(
  ctx: WriteContext,
  found: Escalation,
  by: string,
): Promise<Escalation> {
  const { acknowledgedForMs } = (await rulesInForce(ctx)).settings.escalation;
  const acknowledged = acknowledge(found, { by, acknowledgedForMs }, ctx.nowMs);
  await saveEscalation(ctx, acknowledged, { from: found.state, event: "acknowledged" });
  return acknowledged;
}

export interface PersonsAnswer {
  readonly escalation_id: string;
  readonly text: string;
  readonly decision?: boolean | undefined;
  /** ISO time. */
  readonly exception_until?: string | undefined;
}

/** A person's answer. */
export async function resolveEscalation(ctx: CallContext, said: PersonsAnswer): Promise<Outcome> {
  const by = callingPerson(ctx);
  const found = requireUnended(await requireEscalation(ctx, said.escalation_id));
  const resolution = resolutionOf(said, ctx.nowMs);
  await requireAnswerable(ctx, found);
  const { escalation, task } = await closeEscalation(ctx, found, { by, resolution });
  const outcome = outcomeFor(ctx, escalation);
  if (task === undefined) return outcome;
  return { ...outcome, answer: { ...outcome.answer, task: { id: task.id, state: task.state } } };
}

function resolutionOf(
  { text, decision = false, exception_until: until }: PersonsAnswer,
  nowMs: number,
): Resolution {
  if (until === undefined) return { how: decision ? "decision" : "answer", text, untilMs: null };
  const untilMs = fromIso(until);
  if (!decision && untilMs > nowMs) return { how: "exception", text, untilMs };
  throw new GuvnorError(
    "input_invalid",
    decision ? "It is either a decision or an exception." : "An exception ends in the future.",
    "Give --decision, or --exception-until with a time that is to come.",
  );
}

/** A person takes the question back: nobody need answer it, and what it blocked stays as it is. */
export async function withdrawEscalation(
  ctx: CallContext,
  { escalation_id: id, reason }: { readonly escalation_id: string; readonly reason: string },
): Promise<Outcome> {
  const by = callingPerson(ctx);
  const found = requireUnended(await requireEscalation(ctx, id));
  await requireAnswerable(ctx, found);
  const withdrawn = await withdraw(ctx, found, { by, why: reason });
  if ((await ctx.tx.agents.get(found.raisedBy)) !== undefined) {
    const text = `${id} (${found.summary}) was withdrawn: ${reason}`;
    const to = found.raisedBy;
    await sendToInbox(ctx, { to, from: by, kind: "escalation", subject: id, text });
  }
  return outcomeFor(ctx, withdrawn);
}

export async function withdraw(
  ctx: WriteContext,
  found: Escalation,
  { by, why }: { readonly by: string; readonly why: string },
): Promise<Escalation> {
  const ended = { state: "withdrawn", resolvedBy: by, endedAtMs: ctx.nowMs } as const;
  const withdrawn: Escalation = { ...found, ...ended };
  await saveEscalation(ctx, withdrawn, { from: found.state, event: "withdrawn", why });
  return withdrawn;
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
  { by, resolution }: { readonly by: string; readonly resolution: Resolution },
): Promise<{ readonly escalation: Escalation; readonly task: Task | undefined }> {
  const escalation: Escalation = {
    ...open,
    state: "resolved",
    resolvedBy: by,
    resolution,
    endedAtMs: ctx.nowMs,
  };
  await saveEscalation(ctx, escalation, { from: open.state, event: "resolved" });
  const task = await taskOf(ctx, escalation);
  const settled = task === undefined ? undefined : await answerTask(ctx, task, escalation);
  const waiting = new Set([escalation.raisedBy, settled?.holder ?? escalation.raisedBy]);
  for (const to of waiting) {
    if ((await ctx.tx.agents.get(to)) === undefined) continue;
    await sendToInbox(ctx, {
      to,
      from: by,
      kind: "escalation",
      subject: escalation.id,
      text: messageFor(escalation, settled),
    });
  }
  return { escalation, task: settled };
}

async function answerTask(ctx: WriteContext, task: Task, escalation: Escalation): Promise<Task> {
  const noted = await appendNote(ctx, task, {
    from: escalation.resolvedBy ?? "guvnor",
    text: sentenceFor(escalation),
  });
  if (!(await answersBlocker(ctx, noted, escalation))) return noted;
  const holder = noted.holder === null ? undefined : await ctx.tx.agents.get(noted.holder);
  const isThere = holder !== undefined && (await isPresent(ctx, holder.name));
  const moved = unblock(noted, isThere, ctx.nowMs);
  const freed = await saveMoved(ctx, noted, moved, { escalation: escalation.id });
  // An answer of a peer or a lead says nothing of whether the attempt needed a person.
  const byPerson = escalation.resolvedBy?.includes(":") === true;
  if (!isThere) await endAttempt(ctx, noted, "lost", byPerson);
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
  if (named !== undefined && isUnended(named)) return false;
  return !(await ctx.tx.escalations.ofTask(task.id)).some(isUnended);
}

function messageFor(escalation: Escalation, task: Task | undefined): string {
  const about = task === undefined ? "" : ` ${task.id} is ${task.state}.`;
  return `${sentenceFor(escalation)}${about}`;
}

function sentenceFor({ id, summary, resolution }: Escalation): string {
  return `${id} (${summary}) is ${endedHow(resolution)}: ${resolution?.text ?? ""}`;
}

function endedHow(resolution: Resolution | null): string {
  if (resolution?.how === "decision") return "decided";
  if (resolution?.how !== "exception" || resolution.untilMs === null) return "resolved";
  return `granted as an exception until ${iso(resolution.untilMs)}`;
}

/** @throws {GuvnorError} `state_conflict`. */
function requireUnended(escalation: Escalation): Escalation {
  if (isUnended(escalation)) return escalation;
  throw new GuvnorError(
    "state_conflict",
    `${escalation.id} is ${escalation.state} already.`,
    "Say more with `guvnor say`.",
  );
}

function outcomeFor(ctx: CallContext, escalation: Escalation): Outcome {
  return { answer: describeEscalation(escalation, ctx.nowMs), target: escalation.id };
}

import type { GateRun } from "../core/gate-run.ts";
import { sendBack, submit, verify } from "../core/task-decisions.ts";
import type { MissingItem, Task } from "../core/task.ts";
import type { WriteContext } from "./call-context.ts";
import { closeEscalationsOf } from "./close-escalations.ts";
import { raiseEscalation } from "./escalations.ts";
import { belongsTo, queueGateRun } from "./gate-runs.ts";
import { cut, sendToInbox } from "./inbox.ts";
import { isPresent } from "./is-present.ts";
import { endAttempt, hasRunning, saveMoved, settleEnded } from "./move-task.ts";
import { noteOutcome } from "./rules/outcomes.ts";

/** Characters of a gate's output that go back to the holder. */
const EVIDENCE_CHARACTERS = 2000;

/** "done" was said: measure it, or take it as unverified where the project has no gates. */
export async function beginReview(
  ctx: WriteContext,
  task: Task,
  gates: readonly string[],
  commit: string | null,
): Promise<Task> {
  const submitted = await saveMoved(ctx, task, submit(task, commit, ctx.nowMs), { commit });
  const attempt = await ctx.tx.attempts.get(task.id, task.attemptNo);
  if (attempt !== undefined) await ctx.tx.attempts.save({ ...attempt, headCommit: commit });
  for (const gate of gates) await queueGateRun(ctx, submitted, gate, "attempt");
  return gates.length === 0 ? await mergeOrComplete(ctx, submitted, null) : submitted;
}

/** One run of the task has ended; when it was the last one, the review is decided. */
export async function decideReview(ctx: WriteContext, run: GateRun): Promise<void> {
  const task = run.taskId === null ? undefined : await ctx.tx.tasks.get(run.taskId);
  // Results count only for the same (task, fence, commit): the task may have gone on meanwhile.
  if (task === undefined || !belongsTo(run, task)) return;
  const runs = latestOfEach(
    (await currentRuns(ctx, task)).filter((each) => each.kind === run.kind),
  );
  if (runs.some((each) => each.state === "queued" || each.state === "running")) return;
  // What failed must be mended anyway; no person need look at the rest before.
  const failed = runs.filter((each) => each.state === "fail");
  if (failed.length > 0) {
    await returnWork(ctx, task, failed.map(missingFrom), "gates");
    if (task.holder === null) return;
    return await noteOutcome(ctx, { agent: task.holder, task, outcome: "gate_failed" });
  }
  const doubtful = runs.filter((each) => each.state === "indeterminate");
  if (doubtful.length > 0) return await askPerson(ctx, task, doubtful);
  const verifier = await verifierOf(ctx, task);
  await (run.kind === "attempt"
    ? mergeOrComplete(ctx, task, verifier)
    : complete(ctx, task, verifier));
}

/** What it is measured by says yes; in an integrating plan the merge result must pass too. */
async function mergeOrComplete(
  ctx: WriteContext,
  task: Task,
  by: Task["verifiedBy"],
): Promise<Task> {
  const plan = task.planId === null ? undefined : await ctx.tx.plans.get(task.planId);
  if (plan?.integrate === true && task.commit !== null) {
    await queueGateRun(ctx, task, "merge", "merge");
    return task;
  }
  return await complete(ctx, task, by);
}

async function currentRuns(ctx: WriteContext, task: Task): Promise<GateRun[]> {
  const runs = await ctx.tx.gateRuns.ofTask(task.id, task.fence);
  return runs.filter((run) => belongsTo(run, task));
}

/** A gate may have been measured again after a person looked: only its last run counts. */
function latestOfEach(runs: readonly GateRun[]): GateRun[] {
  return [...new Map(runs.map((run) => [run.gate, run])).values()];
}

/** Gates verify only what all of them measured; where one could not, it was a person. */
async function verifierOf(ctx: WriteContext, task: Task): Promise<Task["verifiedBy"]> {
  const measured = (await currentRuns(ctx, task)).filter((run) => run.kind === "attempt");
  if (measured.length === 0) return null;
  return measured.every((run) => run.state === "pass") ? "gates" : "person";
}

/** It is done: the attempt ends, and who waited for it may start. */
async function complete(ctx: WriteContext, task: Task, by: Task["verifiedBy"]): Promise<Task> {
  const done = await saveMoved(ctx, task, verify(task, by, ctx.nowMs), {
    verified_by: by,
    ...(task.commit === null ? {} : { commit: task.commit }),
  });
  await endAttempt(ctx, task, "done", by === "person");
  if (task.holder !== null) {
    await noteOutcome(ctx, { agent: task.holder, task: done, outcome: "done" });
  }
  await closeEscalationsOf(ctx, task.id, "It is done.");
  await settleEnded(ctx, done);
  return done;
}

/** A person looked and says yes. */
export async function acceptReview(ctx: WriteContext, task: Task): Promise<Task> {
  await markNeededPerson(ctx, task);
  return await mergeOrComplete(ctx, task, "person");
}

async function markNeededPerson(ctx: WriteContext, task: Task): Promise<void> {
  const attempt = await ctx.tx.attempts.get(task.id, task.attemptNo);
  if (attempt !== undefined) await ctx.tx.attempts.save({ ...attempt, neededPerson: true });
}

/** Review found something missing: back to the holder, who hears of it in the inbox. */
export async function returnWork(
  ctx: WriteContext,
  task: Task,
  missing: readonly MissingItem[],
  by: "gates" | "person",
): Promise<void> {
  const { holder } = task;
  const free =
    holder !== null && (await isPresent(ctx, holder)) && !(await hasRunning(ctx, holder));
  const moved = sendBack(task, { missing, holderFree: free, by }, ctx.nowMs);
  const saved = await saveMoved(ctx, task, moved, { missing: missing.map((item) => item.gate) });
  if (saved.holder === null) await endAttempt(ctx, task, "sent_back");
  if (saved.state === "blocked") {
    await raiseEscalation(ctx, {
      kind: "blocked",
      severity: "high",
      summary: `${task.id} was sent back ${saved.reviewRounds} times.`,
      detail: missing
        .map((item) => `${item.gate}: ${item.evidence}`)
        .join("\n")
        .slice(0, 4000),
      taskId: task.id,
      topicId: null,
      raisedBy: "guvnor",
      forPeople: true,
    });
  }
  if (holder === null) return;
  await sendToInbox(ctx, {
    to: holder,
    from: "guvnor",
    kind: "task",
    subject: task.id,
    text: `${task.id} was sent back: ${missing.map((item) => `${item.gate}: ${item.evidence}`).join("; ")}`,
  });
}

async function askPerson(ctx: WriteContext, task: Task, runs: readonly GateRun[]): Promise<void> {
  await markNeededPerson(ctx, task);
  await raiseEscalation(ctx, {
    kind: "blocked",
    severity: "medium",
    summary: `${task.id} could not be measured: ${runs.map((run) => run.gate).join(", ")}`,
    detail: cut(
      `${runs.map((run) => `${run.gate} (${run.id}): ${run.evidence?.summary ?? "no evidence"}`).join("\n")}\nDecide with: guvnor tasks accept ${task.id} --reason "…"  or  guvnor tasks send-back ${task.id} --reason "…"`,
      4000,
    ),
    taskId: task.id,
    topicId: null,
    raisedBy: "guvnor",
    forPeople: true,
  });
}

function missingFrom(run: GateRun): MissingItem {
  const { evidence } = run;
  if (evidence === null) return { gate: run.gate, evidence: run.state };
  const output = evidence.outputTail === "" ? "" : `\n${evidence.outputTail}`;
  const tail =
    output.length > EVIDENCE_CHARACTERS ? `\n…${output.slice(-EVIDENCE_CHARACTERS)}` : output;
  return { gate: run.gate, evidence: `${evidence.summary}${tail}` };
}

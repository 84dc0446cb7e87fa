import type { Solution } from "../core/board.ts";
import type { GateEvidence, GateRun } from "../core/gate-run.ts";
import { formatId } from "../core/ids.ts";
import type { Task } from "../core/task.ts";
import type { WriteContext } from "./call-context.ts";

/** Begun this often without an end: the gate seems to kill whoever measures it. */
const MAX_TRIES = 3;

/** What is measured, and for whom. */
type Subject = Pick<
  GateRun,
  "taskId" | "solutionId" | "fence" | "attemptNo" | "round" | "kind" | "planId" | "commit"
>;

/** Queues one measuring of `gate` for what the task was submitted with. */
export async function queueGateRun(
  ctx: WriteContext,
  task: Task,
  gate: string,
  kind: "attempt" | "merge",
): Promise<void> {
  const { id: taskId, fence, attemptNo, reviewRounds: round, planId, commit } = task;
  const subject = { taskId, solutionId: null, fence, attemptNo, round, kind, planId, commit };
  await queueRun(ctx, gate, subject);
}

/** Queues one measuring of `gate` on a solution's commit, before anybody votes on it. */
export async function queueCheck(
  ctx: WriteContext,
  { id, commit }: Pick<Solution, "id" | "commit">,
  gate: string,
): Promise<void> {
  const nothing = { taskId: null, fence: 0, attemptNo: 0, round: 0, planId: null };
  await queueRun(ctx, gate, { ...nothing, solutionId: id, kind: "check", commit });
}

async function queueRun(ctx: WriteContext, gate: string, subject: Subject): Promise<void> {
  const run: GateRun = {
    ...subject,
    id: formatId("gateRun", await ctx.tx.nextNumber("gateRun")),
    gate,
    state: "queued",
    processId: null,
    slot: null,
    tries: 0,
    queuedAtMs: ctx.nowMs,
    endedAtMs: null,
    evidence: null,
  };
  await saveGateRun(ctx, run, null);
}

export async function saveGateRun(
  ctx: WriteContext,
  run: GateRun,
  from: GateRun["state"] | null,
): Promise<void> {
  await ctx.tx.gateRuns.save(run);
  ctx.effects.push({
    type: "gate_run",
    id: run.id,
    ...(run.taskId === null ? { solution: run.solutionId } : { task: run.taskId }),
    gate: run.gate,
    from,
    to: run.state,
    commit: run.commit,
    fence: run.fence,
    ...(run.evidence === null ? {} : { summary: run.evidence.summary }),
  });
  ctx.tx.wake();
}

/**
 * What a process was measuring when it ended goes back to the queue, for any other process.
 * @param counted - The process may have ended by the gate; not so where it closed in order.
 */
export async function requeueGateRuns(
  ctx: WriteContext,
  processId: string,
  counted: boolean,
): Promise<void> {
  for (const run of await ctx.tx.gateRuns.running()) {
    if (run.processId !== processId) continue;
    await requeueGateRun(ctx, counted ? run : { ...run, tries: run.tries - 1 });
  }
}

export async function requeueGateRun(ctx: WriteContext, run: GateRun): Promise<void> {
  await saveGateRun(ctx, { ...run, state: "queued", processId: null }, "running");
}

/** Takes the oldest queued run for this process; undefined when nothing may be begun now. */
export async function claimGateRun(ctx: WriteContext): Promise<GateRun | undefined> {
  const running = await ctx.tx.gateRuns.running();
  if (running.length >= ctx.deps.settings.gateWorkers) return undefined;
  const queued = await nextWanted(ctx);
  if (queued === undefined) return undefined;
  const run: GateRun = {
    ...queued,
    state: "running",
    processId: ctx.deps.processId,
    slot: freeSlot(running, queued.slot),
    tries: queued.tries + 1,
  };
  await saveGateRun(ctx, run, "queued");
  return run;
}

/** The oldest queued run that still decides something; what its task or topic has left behind is ended unmeasured. */
async function nextWanted(ctx: WriteContext): Promise<GateRun | undefined> {
  for (;;) {
    const queued = await ctx.tx.gateRuns.nextQueued();
    if (queued === undefined) return undefined;
    if (await isWanted(ctx, queued)) return queued;
    const evidence = noEvidence("No longer wanted: what it was for has gone on.");
    const ended: GateRun = { ...queued, state: "indeterminate", endedAtMs: ctx.nowMs, evidence };
    await saveGateRun(ctx, ended, "queued");
  }
}

async function isWanted({ tx }: WriteContext, run: GateRun): Promise<boolean> {
  if (run.solutionId !== null) {
    const solution = await tx.solutions.get(run.solutionId);
    const topic = solution === undefined ? undefined : await tx.topics.get(solution.topicId);
    return topic?.state === "proposing";
  }
  const task = run.taskId === null ? undefined : await tx.tasks.get(run.taskId);
  return task !== undefined && belongsTo(run, task);
}

/** Whether this run decides about the task as it stands. */
export function belongsTo(run: GateRun, task: Task): boolean {
  return (
    task.state === "review" &&
    run.fence === task.fence &&
    run.commit === task.commit &&
    run.round === task.reviewRounds
  );
}

/**
 * The lowest workspace that nobody measures in; never the one of the run's last try, which a process
 * that was only suspended may still be writing to.
 */
function freeSlot(running: readonly GateRun[], lastSlot: number | null): number {
  const taken = new Set([lastSlot, ...running.map((run) => run.slot)]);
  let slot = 1;
  while (taken.has(slot)) slot += 1;
  return slot;
}

/** Whether the run has been begun too often to be begun again. */
export function isHopeless(run: GateRun): boolean {
  return run.tries > MAX_TRIES;
}

/** Evidence for a run that could not be measured. */
export function noEvidence(summary: string): GateEvidence {
  return {
    summary,
    exitCode: null,
    durationMs: 0,
    outputTail: "",
    outputCut: false,
    inPlace: false,
    protectedChanged: [],
  };
}

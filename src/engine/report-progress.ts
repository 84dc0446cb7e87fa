import type { Agent } from "../core/agent.ts";
import { GuvnorError } from "../core/errors.ts";
import { awaitsMediator } from "../core/mediation.ts";
import { PRESENCE_MS } from "../core/presence.ts";
import type { ProgressReport } from "../core/progress-report.ts";
import {
  block,
  HELD_UP,
  fail,
  MAX_FAILURES,
  release,
  requireLease,
  unblock,
  withProgress,
} from "../core/task-decisions.ts";
import type { MissingItem, Task } from "../core/task.ts";
import type { ReadTx } from "../store/store.ts";
import { callingAgent, type CallContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import { requireTask } from "./find-rows.ts";
import { missingAnswer } from "./follow-escalations.ts";
import { endAttempt, escalatePoison, saveMoved, setAgentState, settleEnded } from "./move-task.ts";
import type { Outcome, PrepareContext } from "./operation.ts";
import { usePartToken } from "./pipelines/part-holders.ts";
import { beginReview } from "./review.ts";
import { parallelTasks } from "./rules/bounds.ts";
import { noteOutcome } from "./rules/outcomes.ts";
import { gatesOf, rulesInForce } from "./rules/rules-in-force.ts";
import { iso, present } from "./task-view.ts";

const SHOWN_FILES = 10;

/** Before "done": where the attempt's worktree stands. Found outside the transaction, checked inside. */
export async function prepareReport(
  { deps }: PrepareContext,
  report: ProgressReport,
): Promise<JsonObject> {
  const { git } = deps;
  if (report.status !== "done" || git === undefined) return {};
  const directory = await deps.store.read(deps.scope, async (tx) => {
    const task = await tx.tasks.get(report.task_id);
    return task === undefined
      ? null
      : ((await tx.attempts.get(task.id, task.attemptNo))?.worktree ?? null);
  });
  if (directory === null) return {};
  const named =
    report.commit === undefined
      ? undefined
      : ((await git.resolveCommit(report.commit, directory)) ?? null);
  const { head, branch, uncommitted } = await git.workingTree(directory, SHOWN_FILES);
  return { named, head: head ?? null, branch: branch ?? null, uncommitted };
}

export async function reportProgress(ctx: CallContext, report: ProgressReport): Promise<Outcome> {
  const agent = callingAgent(ctx);
  const found = await requireTask(ctx, report.task_id);
  requireLease(found, agent.name, report.fence, await heldBefore(ctx, found, agent));
  await usePartToken(ctx, found);
  const { note, percent, outputs, artifacts } = report;
  const task = withProgress(
    found,
    {
      ...(note === undefined ? {} : { note }),
      ...(percent === undefined ? {} : { percent }),
      ...(outputs === undefined ? {} : { outputs }),
      ...(artifacts === undefined ? {} : { artifacts }),
    },
    ctx.nowMs,
  );
  return await STATUSES[report.status](ctx, agent, { task, report });
}

interface Reported {
  readonly task: Task;
  readonly report: ProgressReport;
}

type StatusHandler = (ctx: CallContext, agent: Agent, reported: Reported) => Promise<Outcome>;

const STATUSES: Record<ProgressReport["status"], StatusHandler> = {
  working,
  blocked,
  done,
  failed,
  released,
};

async function heldBefore(ctx: CallContext, task: Task, agent: Agent): Promise<boolean> {
  if (task.holder === agent.name) return true;
  return (await ctx.tx.attempts.list(task.id)).some((attempt) => attempt.agent === agent.name);
}

async function working(ctx: CallContext, agent: Agent, { task }: Reported): Promise<Outcome> {
  const going = task.state === "blocked" ? await goOn(ctx, task) : task;
  if (going.state !== "running") throw notRunning(going);
  await ctx.tx.tasks.save(going);
  ctx.effects.push({
    type: "task",
    id: task.id,
    event: "progress",
    fence: task.fence,
    ...(task.percent === null ? {} : { percent: task.percent }),
  });
  await setAgentState(ctx, agent, "executing");
  return accepted(ctx, going, "Go on; report done when the work is committed.");
}

/** The holder says that nothing blocks it any more, unless review held it up for a person. */
async function goOn(ctx: CallContext, task: Task): Promise<Task> {
  if (task.blocker?.kind === HELD_UP) {
    throw new GuvnorError(
      "state_conflict",
      `${task.id} was sent back too often: a person looks at it now.`,
      "Take other work with request_task; the inbox tells you what the person says.",
    );
  }
  const running = (await ctx.tx.tasks.heldBy(task.holder ?? "")).filter(
    (held) => held.state === "running",
  );
  if (running.length >= (await parallelTasks(ctx))) {
    throw new GuvnorError(
      "state_conflict",
      `You hold ${running.length} running tasks, the most that is allowed.`,
      "Finish, block or release one of them first.",
      { details: { running: running.map(({ id }) => id) } },
    );
  }
  return await saveMoved(ctx, task, unblock(task, true, ctx.nowMs));
}

async function blocked(
  ctx: CallContext,
  agent: Agent,
  { task, report }: Reported,
): Promise<Outcome> {
  const {
    kind,
    text,
    blocked_by: blockedBy,
  } = report.blocker ?? {
    kind: "other",
    text: report.note ?? "",
    blocked_by: undefined,
  };
  const reason = { kind, text, blockedBy: blockedBy ?? null };
  const saved = await saveMoved(ctx, task, block(task, reason, ctx.nowMs), { blocker: kind });
  return accepted(
    ctx,
    saved,
    `If somebody must help, call request_escalation {"task_id":"${task.id}"}. You may take other work with request_task; report working to go on with this one.`,
  );
}

async function done(ctx: CallContext, agent: Agent, { task, report }: Reported): Promise<Outcome> {
  const running = task.state === "blocked" ? await goOn(ctx, task) : task;
  if (running.state !== "running") throw notRunning(running);
  const commit = commitOf(ctx, report);
  const missing = await missingForDone(ctx, running);
  if (missing.length > 0) {
    await ctx.tx.tasks.save({ ...running, missing });
    ctx.effects.push({
      type: "task",
      id: task.id,
      event: "done_refused",
      missing: missing.map((item) => item.gate),
    });
    await setAgentState(ctx, agent, "executing");
    const next = "Add what is missing, then report done again.";
    return { ...accepted(ctx, { ...running, missing }, next, false), isUndone: true };
  }
  const gates = await gatesOf(ctx, running);
  const saved = await beginReview(ctx, running, gates, commit);
  const outcome = accepted(ctx, saved, nextAfterDone(saved, gates));
  if (saved.state !== "review") return outcome;
  return {
    ...outcome,
    follow: async (tx) => {
      const now = await tx.tasks.get(task.id);
      if (now === undefined) return { answer: outcome.answer, settled: true };
      const stillMine = now.fence === task.fence;
      const next = (await waitsForPerson(tx, now))
        ? "A gate could not decide, so a person must. Call request_task for other work."
        : nowStep(now, stillMine);
      const answer = answerFor(now, next, now.missing.length === 0, ctx.nowMs);
      return { answer, settled: now.state !== "review" || (await waitsForPerson(tx, now)) };
    },
  };
}

/** In review with nothing left to measure: `guvnor tasks accept` or `send-back` decides. */
async function waitsForPerson(tx: ReadTx, task: Task): Promise<boolean> {
  if (task.state !== "review") return false;
  const runs = await tx.gateRuns.ofTask(task.id, task.fence);
  return runs.every((run) => run.state !== "queued" && run.state !== "running");
}

function commitOf(ctx: CallContext, report: ProgressReport): string | null {
  const { named, head } = ctx.facts;
  if (typeof named === "string") return named;
  if (report.commit === undefined || named === undefined) {
    return typeof head === "string" ? head : null;
  }
  throw new GuvnorError(
    "input_invalid",
    `commit "${report.commit.slice(0, 64)}" is not in this repository.`,
    "Commit your work in your worktree and name that commit, or leave `commit` out.",
  );
}

async function missingForDone(ctx: CallContext, task: Task): Promise<MissingItem[]> {
  // Of what guvnor made the task for, words are wanted: the holder's worktree has other work in it.
  const asksForWords = task.spec.serves !== undefined && task.spec.gates?.length === 0;
  const missing: MissingItem[] = [...(asksForWords ? [] : missingCommits(ctx))];
  const absent = task.spec.outputsWanted.filter(
    (name) => isBlank(task.outputs[name]) && !task.artifacts.some((each) => each.name === name),
  );
  if (absent.length > 0) {
    missing.push({
      gate: "outputs",
      evidence: `Not in outputs or artifacts: ${absent.join(", ")}`,
    });
  } else missing.push(...(await missingAnswer(ctx, task)));
  missing.push(...(await missingWord(ctx, task)));
  const { settings } = await rulesInForce(ctx);
  const unknown = (task.spec.gates ?? []).filter((name) => !Object.hasOwn(settings.gates, name));
  if (unknown.length > 0) {
    missing.push({
      gate: "settings",
      evidence: `No gate ${unknown.join(", ")} is in force: a person must run guvnor policy apply.`,
    });
  }
  return missing;
}

/** What was asked for and says nothing is as good as not there. */
function isBlank(value: unknown): boolean {
  return value === undefined || (typeof value === "string" && value.trim() === "");
}

/** A mediator's task ends with what it says on the board. */
async function missingWord(ctx: CallContext, { spec }: Task): Promise<MissingItem[]> {
  const topic = spec.serves === undefined ? undefined : await ctx.tx.topics.get(spec.serves);
  if (topic === undefined || !awaitsMediator(topic)) return [];
  const evidence = `${topic.id} waits for your word: propose_solution {"topic_id":"${topic.id}","title":…,"body":…}, or with "pass":true. That ends the task.`;
  return [{ gate: "topic", evidence }];
}

function missingCommits(ctx: CallContext): MissingItem[] {
  const missing: MissingItem[] = [];
  const { uncommitted } = ctx.facts;
  const files = Array.isArray(uncommitted) ? uncommitted.map(String) : [];
  if (files.length > 0) {
    missing.push({
      gate: "commit",
      evidence: `Uncommitted changes: ${files.slice(0, SHOWN_FILES).join(", ")}`,
    });
  }
  const { branch } = ctx.facts;
  if (typeof branch === "string" && branch.startsWith("refs/heads/guvnor/")) {
    missing.push({
      gate: "branch",
      evidence: `Your worktree has guvnor's own branch ${branch.slice(11)} checked out, which guvnor moves. Make a branch of your own: git switch -c NAME and commit there.`,
    });
  }
  return missing;
}

async function failed(
  ctx: CallContext,
  agent: Agent,
  { task, report }: Reported,
): Promise<Outcome> {
  if (task.state !== "running" && task.state !== "blocked") throw notRunning(task);
  const moved = fail(
    task,
    {
      retryable: report.retryable ?? true,
      note: report.note ?? null,
      random: ctx.deps.random(),
    },
    ctx.nowMs,
  );
  const saved = await saveMoved(ctx, task, moved, { failures: moved.task.failures });
  await endAttempt(ctx, task, "failed");
  await noteOutcome(ctx, { agent: agent.name, task: saved, outcome: "failed" });
  if (saved.state === "failed") {
    const why = saved.failures >= MAX_FAILURES ? `${saved.failures} failures` : "not retryable";
    await escalatePoison(ctx, saved, why);
    await settleEnded(ctx, saved);
  }
  return accepted(ctx, saved, "Call request_task for other work.");
}

async function released(ctx: CallContext, agent: Agent, { task }: Reported): Promise<Outcome> {
  if (task.state !== "running" && task.state !== "blocked") throw notRunning(task);
  const saved = await saveMoved(ctx, task, release(task, ctx.nowMs));
  await endAttempt(ctx, task, "released");
  return accepted(ctx, saved, "Call request_task for other work.");
}

function notRunning(task: Task): GuvnorError {
  const fix =
    task.state === "review"
      ? "Wait for its gates: request_task for other work, the inbox tells you the result."
      : "Call request_task.";
  return new GuvnorError("state_conflict", `${task.id} is ${task.state}, not running.`, fix);
}

function accepted(ctx: CallContext, task: Task, next: string, isAccepted = true): Outcome {
  return { answer: answerFor(task, next, isAccepted, ctx.nowMs), target: task.id };
}

function answerFor(task: Task, next: string, isAccepted: boolean, nowMs: number): JsonObject {
  const held = task.holder !== null && task.state !== "done";
  return present({
    accepted: isAccepted,
    task: present({
      id: task.id,
      state: task.state,
      percent: task.percent,
      not_before: task.notBeforeMs === null ? null : iso(task.notBeforeMs),
      verified: task.state === "done" ? (task.verifiedBy ?? "unverified") : null,
    }),
    missing: task.missing,
    lease: held ? { fence: task.fence, expires_at: iso(nowMs + PRESENCE_MS) } : null,
    next,
  });
}

function nextAfterDone(task: Task, gates: readonly string[]): string {
  if (task.state === "done") return "Call request_task for the next one.";
  const what = gates.length === 0 ? "the merge" : gates.join(", ");
  return `Measured now: ${what}. Call request_task; if something fails it comes back to you.`;
}

function nowStep(task: Task, mine: boolean): string {
  if (task.state === "done") return "Call request_task for the next one.";
  if (task.state === "running" && mine) return "Mend what is missing, commit, report done again.";
  if (task.state === "review") return "Still being measured; the inbox tells you the result.";
  return "Call request_task.";
}

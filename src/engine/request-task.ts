import type { Agent } from "../core/agent.ts";
import { GuvnorError } from "../core/errors.ts";
import { ESCALATION_TASK } from "../core/escalation.ts";
import { MEDIATION_TASK } from "../core/mediation.ts";
import { PRESENCE_MS } from "../core/presence.ts";
import { scoreTask } from "../core/score.ts";
import { claim } from "../core/task-decisions.ts";
import { attemptId, type Task } from "../core/task.ts";
import { callingAgent, type CallContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import { settleDueClimbs } from "./climb-escalations.ts";
import { endGoneProcesses } from "./end-gone-processes.ts";
import { requireTask } from "./find-rows.ts";
import { isOpenTo } from "./is-open-to.ts";
import { isPresent } from "./is-present.ts";
import { saveMoved } from "./move-task.ts";
import type { Outcome, PrepareContext } from "./operation.ts";
import { takeLease } from "./presence.ts";
import { parallelTasks } from "./rules/bounds.ts";
import { mayClaim } from "./rules/may-claim.ts";
import { findSilent, findStalled, type SilentLease } from "./stalled-tasks.ts";
import { describeBrief, iso } from "./task-view.ts";
import { explainNone } from "./why-no-task.ts";

/** Best tasks looked at of each bucket of needs. */
const CANDIDATES = 16;
/** So many are looked at where the rules forbid all before them. */
const DEEPEST = 4096;
/** So long a returned task waits for the agent that knows it. */
const PREFERENCE_MS = 30_000;

export interface TaskRequest {
  readonly capabilities?: readonly string[] | undefined;
  readonly task_id?: string | undefined;
}

/**
 * Before the claim: which attempts have stalled. An agent that changes files is at work though it
 * says nothing, so only what was looked at here may be given away.
 */
export async function prepareRequest({ deps }: PrepareContext): Promise<JsonObject> {
  return { stalled: (await findStalled(deps)).map(leaseName) };
}

/** Chooses, claims and briefs in one transaction: two agents never get the same task. */
export async function requestTask(ctx: CallContext, request: TaskRequest): Promise<Outcome> {
  const agent = callingAgent(ctx);
  // A question that climbs now becomes a task that may be this agent's.
  await settleDueClimbs(ctx);
  const held = await ctx.tx.tasks.heldBy(agent.name);
  const running = held.filter((task) => task.state === "running");
  if (request.task_id !== undefined) return await claimNamed(ctx, agent, request.task_id, running);
  const [current] = running;
  if (current !== undefined) return await handOver(ctx, agent, current, undefined);

  const capabilities = new Set(request.capabilities ?? agent.capabilities);
  const seeker: Seeker = { agent, capabilities, input: request };
  let choice = await chooseReady(ctx, seeker);
  if (choice.task === undefined && (await endGoneProcesses(ctx))) {
    choice = await chooseReady(ctx, seeker);
  }
  const best = choice.task ?? (await freeStalled(ctx, seeker));
  if (best !== undefined) return await claimFor(ctx, agent, best);
  return { answer: await explainNone(ctx, capabilities, choice.toAskFor), retry: true };
}

/** Who wants work, and with what words. */
interface Seeker {
  readonly agent: Agent;
  readonly capabilities: ReadonlySet<string>;
  readonly input: TaskRequest;
}

/** The best one that the rules give it; or else those that it may ask people for. */
interface Choice {
  readonly task: Task | undefined;
  readonly toAskFor: readonly string[];
}

/** Looks at the best few of each bucket, and further only where the rules let it have none of them. */
async function chooseReady(ctx: CallContext, seeker: Seeker): Promise<Choice> {
  for (let depth = CANDIDATES; ; depth *= CANDIDATES) {
    const { ranked, isAll } = await rankReady(ctx, seeker, depth);
    const toAskFor: string[] = [];
    for (const task of ranked) {
      const answer = await mayClaim(ctx, { agent: seeker.agent, input: seeker.input, task });
      if (answer === "yes") return { task, toAskFor: [] };
      if (answer === "ask") toAskFor.push(task.id);
    }
    if (isAll || depth >= DEEPEST) return { task: undefined, toAskFor };
  }
}

/** At most `depth` ready tasks of each bucket that the agent can do, best first. */
async function rankReady(
  ctx: CallContext,
  { agent, capabilities }: Seeker,
  depth: number,
): Promise<{ readonly ranked: readonly Task[]; readonly isAll: boolean }> {
  const candidates: Task[] = [];
  let isAll = true;
  for (const needs of await ctx.tx.tasks.readyNeeds()) {
    if (!needs.every((need) => capabilities.has(need))) continue;
    const best = await ctx.tx.tasks.bestReady(needs, ctx.nowMs, depth);
    for (const task of best) {
      if (await isOpenTo(ctx, task, agent.name)) candidates.push(task);
    }
    if (best.length === depth) isAll = false;
  }
  const scored: { task: Task; rank: number; total: number }[] = [];
  for (const task of candidates) {
    const rank = await preferenceOf(ctx, agent, task);
    const { total } = scoreTask(task.spec.priority, task.readyAtMs ?? ctx.nowMs, ctx.nowMs);
    scored.push({ task, rank, total });
  }
  scored.sort(
    (a, b) =>
      a.rank - b.rank ||
      b.total - a.total ||
      a.task.createdAtMs - b.task.createdAtMs ||
      Number(a.task.id.slice(1)) - Number(b.task.id.slice(1)),
  );
  return { ranked: scored.map(({ task }) => task), isAll };
}

/** 0: returned to this very agent; 1: anybody's; 2: better for another agent. */
async function preferenceOf(ctx: CallContext, agent: Agent, task: Task): Promise<number> {
  if (task.preferredAgent === agent.name) return 0;
  if (task.failedBy === agent.name) return 2;
  const fresh = ctx.nowMs - (task.readyAtMs ?? 0) < PREFERENCE_MS;
  if (task.preferredAgent === null || !fresh) return 1;
  return (await isPresent(ctx, task.preferredAgent)) ? 2 : 1;
}

/** A task whose holder has been silent for `stall_after` goes to whoever wants it. */
async function freeStalled(
  ctx: CallContext,
  { agent, capabilities, input }: Seeker,
): Promise<Task | undefined> {
  const { stalled } = ctx.facts;
  const silent = await findSilent(ctx.tx, ctx.deps, ctx.nowMs);
  for (const found of silent) {
    // Read again: taking one lease may have changed the next task.
    const task = await ctx.tx.tasks.get(found.taskId);
    if (task?.state !== "running" || task.holder === agent.name) continue;
    if (!Array.isArray(stalled) || !stalled.includes(leaseName(found))) continue;
    if (!task.spec.needs.every((need) => capabilities.has(need))) continue;
    if (!(await isOpenTo(ctx, task, agent.name))) continue;
    if ((await mayClaim(ctx, { agent, input, task })) !== "yes") continue;
    const freed = await takeLease(ctx, task, "stalled");
    if (freed.state === "ready") return freed;
  }
  return undefined;
}

function leaseName({ taskId, fence }: SilentLease): string {
  return `${taskId}/${fence}`;
}

async function claimNamed(
  ctx: CallContext,
  agent: Agent,
  taskId: string,
  running: readonly Task[],
): Promise<Outcome> {
  const task = await requireTask(ctx, taskId);
  if (task.holder === agent.name && task.state === "running") {
    return await handOver(ctx, agent, task, undefined);
  }
  if (task.state !== "ready") {
    throw new GuvnorError(
      "task_not_ready",
      `${task.id} is ${task.state}${task.holder === null ? "" : `, held by ${task.holder}`}.`,
      "Call request_task without task_id to get another one.",
    );
  }
  if (task.notBeforeMs !== null && task.notBeforeMs > ctx.nowMs) {
    throw new GuvnorError(
      "task_not_ready",
      `${task.id} failed and waits until ${iso(task.notBeforeMs)}.`,
      "Call request_task without task_id to get another one.",
      { details: { not_before: iso(task.notBeforeMs) } },
    );
  }
  const missing = task.spec.needs.filter((need) => !agent.capabilities.includes(need));
  if (missing.length > 0) {
    throw new GuvnorError(
      "not_eligible",
      `${task.id} needs ${missing.join(", ")}, which you did not register.`,
      "Take another task, or register_agent with the capabilities that you really have.",
    );
  }
  if (!(await isOpenTo(ctx, task, agent.name))) {
    throw new GuvnorError(
      "not_eligible",
      `${task.id} is for others: guvnor made it for ${task.spec.serves ?? "them"}.`,
      "Call request_task without task_id to get another one.",
    );
  }
  if (running.length >= (await parallelTasks(ctx))) {
    throw new GuvnorError(
      "not_eligible",
      `You hold ${running.length} running tasks, the most that is allowed.`,
      "Finish or release one of them first.",
      { details: { running: running.map((each) => each.id) } },
    );
  }
  return await claimFor(ctx, agent, task);
}

async function claimFor(ctx: CallContext, agent: Agent, ready: Task): Promise<Outcome> {
  const why = scoreTask(ready.spec.priority, ready.readyAtMs ?? ctx.nowMs, ctx.nowMs);
  const moved = claim(ready, agent.name, ctx.nowMs);
  const plan = ready.planId === null ? undefined : await ctx.tx.plans.get(ready.planId);
  const baseCommit = plan?.integrate === true ? (plan.headCommit ?? plan.baseCommit) : null;
  const task = await saveMoved(ctx, ready, moved, {
    attempt: moved.task.attemptNo,
    score: round(why.total),
  });
  await ctx.tx.attempts.save({
    taskId: task.id,
    no: task.attemptNo,
    agent: agent.name,
    fence: task.fence,
    worktree: agent.worktree,
    baseCommit,
    headCommit: null,
    startedAtMs: ctx.nowMs,
    endedAtMs: null,
    outcome: null,
    neededPerson: false,
  });
  return await handOver(ctx, agent, task, why);
}

/** The brief; the same for a fresh claim and for a task that the agent holds already. */
async function handOver(
  ctx: CallContext,
  agent: Agent,
  task: Task,
  why: { priority: number; age: number; total: number } | undefined,
): Promise<Outcome> {
  const score = why ?? scoreTask(task.spec.priority, task.readyAtMs ?? ctx.nowMs, ctx.nowMs);
  const answer: JsonObject = {
    task: await describeBrief(ctx, task),
    lease: { fence: task.fence, expires_at: iso(ctx.nowMs + PRESENCE_MS) },
    why: { priority: score.priority, age: round(score.age), total: round(score.total) },
    next: nextStep(task, why === undefined),
  };
  const target = task.id;
  if (why === undefined) return { answer, target };
  return { answer, target, grant: { taskId: task.id, fence: task.fence } };
}

function nextStep(task: Task, again: boolean): string {
  if (task.spec.kind === ESCALATION_TASK && task.spec.serves !== undefined) {
    return `Find the answer, then report_progress {"task_id":"${task.id}","status":"done","outputs":{"answer":"…"}}.`;
  }
  if (task.spec.kind === MEDIATION_TASK && task.spec.serves !== undefined) {
    return `Read it with read_board {"topic_id":"${task.spec.serves}"}, then propose_solution {"topic_id":"${task.spec.serves}","title":…,"body":…}, or with "pass":true.`;
  }
  const start = again
    ? `You hold ${attemptId(task)} already. Go on with it`
    : "Do the work, commit it";
  return `${start}, then report_progress {"task_id":"${task.id}","status":"done"}.`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

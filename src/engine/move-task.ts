import { stateFor, type Agent, type AgentState } from "../core/agent.ts";
import {
  satisfies,
  withOpenDependencies,
  cancel,
  type Moved,
  unblock,
} from "../core/task-decisions.ts";
import { OPEN_STATES, type AttemptOutcome, type Task } from "../core/task.ts";
import type { WriteContext } from "./call-context.ts";
import { closeEscalationsOf } from "./close-escalations.ts";
import { raiseEscalation } from "./escalations.ts";
import { sendToInbox } from "./inbox.ts";
import { isPresent } from "./is-present.ts";
import { giveBackTask } from "./rules/breakers.ts";
import { withdrawApprovalsOf } from "./rules/save-approval.ts";

/** Blocked tasks looked at when one is done. */
const MAX_BLOCKED = 1000;

/** Ends that an agent's breaker goes by; with any other one nothing was tried. */
const SAYS_MUCH: ReadonlySet<AttemptOutcome> = new Set(["done", "failed", "sent_back"]);

/** Writes what a decision made of a task, tells the ledger, and wakes who waits for it. */
export async function saveMoved(
  ctx: WriteContext,
  before: Task,
  moved: Moved,
  facts: Readonly<Record<string, unknown>> = {},
): Promise<Task> {
  const { task } = moved;
  await ctx.tx.tasks.save(task);
  ctx.effects.push({
    type: "task",
    id: task.id,
    event: moved.event,
    from: before.state,
    to: task.state,
    fence: task.fence,
    ...(task.holder === null ? {} : { holder: task.holder }),
    ...(task.spec.serves === undefined ? {} : { serves: task.spec.serves }),
    ...facts,
  });
  ctx.tx.wake();
  for (const name of new Set([before.holder, task.holder])) {
    if (name !== null) await settleAgent(ctx, name, moved.event === "claimed");
  }
  // A dependency was reopened while it ran: who takes it up again must wait for that one.
  const waiting =
    task.state === "ready"
      ? withOpenDependencies(task, task.openDependencies, ctx.nowMs)
      : undefined;
  return waiting === undefined ? task : await saveMoved(ctx, task, waiting);
}

export async function endAttempt(
  ctx: WriteContext,
  task: Pick<Task, "id" | "attemptNo">,
  outcome: AttemptOutcome,
  neededPerson = false,
): Promise<void> {
  const attempt = await ctx.tx.attempts.get(task.id, task.attemptNo);
  if (attempt === undefined || attempt.endedAtMs !== null) return;
  if (!SAYS_MUCH.has(outcome)) await giveBackTask(ctx, attempt.agent);
  await ctx.tx.attempts.save({
    ...attempt,
    endedAtMs: ctx.nowMs,
    outcome,
    neededPerson: attempt.neededPerson || neededPerson,
  });
}

export async function setAgentState(
  ctx: WriteContext,
  agent: Agent,
  state: AgentState,
): Promise<void> {
  if (agent.state === state) return;
  // Read again: meanwhile it may have been revoked or moved to another tier, which work never undoes.
  const now = await ctx.tx.agents.get(agent.name);
  if (now === undefined || now.state === "offline" || now.state === "revoked") return;
  await ctx.tx.agents.save({ ...now, state });
}

export async function hasRunning(ctx: WriteContext, agent: string): Promise<boolean> {
  return (await ctx.tx.tasks.heldBy(agent)).some((task) => task.state === "running");
}

/** A task of this agent's has moved, or come to it or left it. */
async function settleAgent(ctx: WriteContext, name: string, hasClaimed: boolean): Promise<void> {
  const agent = await ctx.tx.agents.get(name);
  if (agent === undefined) return;
  const current = hasClaimed ? "analyzing" : agent.state;
  await setAgentState(ctx, agent, stateFor(current, await ctx.tx.tasks.heldBy(name)));
}

/**
 * After a task ended: dependents become ready, are cancelled or stay, and its plan may be over.
 * @param cascading - It was itself cancelled for what it waited for: cancelling is transitive.
 */
export async function settleEnded(
  ctx: WriteContext,
  ended: Task,
  cascading = false,
): Promise<void> {
  const unfinished = ended.state === "failed" || ended.state === "cancelled";
  const cancels = cascading || (unfinished && ended.spec.onFailure === "cancel");
  for (const id of await ctx.tx.tasks.dependentsOf(ended.id)) {
    const dependent = await ctx.tx.tasks.get(id);
    if (dependent === undefined) continue;
    if (cancels && OPEN_STATES.has(dependent.state)) {
      await cancelTask(ctx, dependent, { why: `${ended.id} ${ended.state}`, cascading: true });
    } else if (satisfies(ended)) {
      await changeOpenDependencies(ctx, dependent, -1);
    }
  }
  await withdrawApprovalsOf(ctx, ended.id, `${ended.id} is ${ended.state}.`);
  if (ended.state === "done") await unblockWhatNamed(ctx, ended.id);
  if (ended.planId !== null) await closePlanIfOver(ctx, ended.planId);
}

/** Tasks whose holders said that they wait for this one. */
async function unblockWhatNamed(ctx: WriteContext, id: string): Promise<void> {
  for (const task of await ctx.tx.tasks.list({ states: ["blocked"], limit: MAX_BLOCKED })) {
    if (task.blocker?.blockedBy !== id || task.holder === null) continue;
    // Its holder may be at work on another task: then it is free, for the same agent first.
    const goesOn = (await isPresent(ctx, task.holder)) && !(await hasRunning(ctx, task.holder));
    await saveMoved(ctx, task, unblock(task, goesOn, ctx.nowMs), { unblocked_by: id });
    if (!goesOn) await endAttempt(ctx, task, "lost");
    await sendToInbox(ctx, {
      to: task.holder,
      from: "guvnor",
      kind: "task",
      subject: task.id,
      text: `${id} is done, which ${task.id} waited for. Call request_task to go on.`,
    });
  }
}

/** Cancels one task, and what waits for it as its `on_failure` says. */
export async function cancelTask(
  ctx: WriteContext,
  task: Task,
  { why, by = "guvnor", cascading = false }: { why: string; by?: string; cascading?: boolean },
): Promise<Task> {
  const cancelled = await saveMoved(ctx, task, cancel(task, ctx.nowMs), { why });
  await endAttempt(ctx, task, "cancelled");
  await closeEscalationsOf(ctx, task.id, `Cancelled by ${by}: ${why}`);
  if (task.holder !== null) {
    await sendToInbox(ctx, {
      to: task.holder,
      from: by,
      kind: "task",
      subject: task.id,
      text: `${task.id} was cancelled, so stop working on it and call request_task: ${why}`,
    });
  }
  await settleEnded(ctx, cancelled, cascading);
  return cancelled;
}

/** One dependency was satisfied (−1) or reopened (+1); a difference, as a recount would cost each time. */
export async function changeOpenDependencies(
  ctx: WriteContext,
  task: Task,
  difference: 1 | -1,
): Promise<void> {
  const open = task.openDependencies + difference;
  const moved = withOpenDependencies(task, open, ctx.nowMs);
  if (moved !== undefined) {
    await saveMoved(ctx, task, moved);
  } else {
    await ctx.tx.tasks.save({ ...task, openDependencies: open });
  }
}

export async function countOpenDependencies(
  ctx: Pick<WriteContext, "tx">,
  taskId: string,
): Promise<number> {
  let open = 0;
  for (const id of await ctx.tx.tasks.dependenciesOf(taskId)) {
    const dependency = await ctx.tx.tasks.get(id);
    if (dependency === undefined || !satisfies(dependency)) open += 1;
  }
  return open;
}

/** Work was added to a plan, or taken up again: it is open. */
export async function reopenPlan(ctx: WriteContext, planId: string): Promise<void> {
  const plan = await ctx.tx.plans.get(planId);
  if (plan === undefined || plan.state === "open") return;
  await ctx.tx.plans.save({ ...plan, state: "open", endedAtMs: null });
  ctx.effects.push({ type: "plan", id: plan.id, from: plan.state, to: "open" });
}

/**
 * A plan is over when nothing of it is open and nothing failed (a failed task may be reopened):
 * cancelled where nothing of it was done.
 */
async function closePlanIfOver(ctx: WriteContext, planId: string): Promise<void> {
  const plan = await ctx.tx.plans.get(planId);
  if (plan === undefined || plan.state !== "open") return;
  if (await ctx.tx.tasks.hasAny([...OPEN_STATES, "failed"], planId)) return;
  const to = (await ctx.tx.tasks.hasAny(["done"], planId)) ? "done" : "cancelled";
  await ctx.tx.plans.save({ ...plan, state: to, endedAtMs: ctx.nowMs });
  ctx.effects.push({ type: "plan", id: plan.id, from: "open", to });
}

/** A poison task goes to a person, with what its last holder said; what guvnor made it for goes on by itself. */
export async function escalatePoison(ctx: WriteContext, task: Task, why: string): Promise<void> {
  if (task.spec.serves !== undefined) return;
  await raiseEscalation(ctx, {
    kind: "blocked",
    severity: "high",
    summary: `${task.id} failed for good: ${why}`,
    detail: task.note,
    taskId: task.id,
    topicId: null,
    raisedBy: "guvnor",
    forPeople: true,
  });
}

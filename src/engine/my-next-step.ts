import type { Agent } from "../core/agent.ts";
import type { Task } from "../core/task.ts";
import type { CallContext } from "./call-context.ts";
import { toolSubject } from "./rules/breakers.ts";
import { agentSubject } from "./rules/guards.ts";
import type { OpenBreaker } from "./rules/open-breakers.ts";
import { iso } from "./task-view.ts";

/** What an agent does next, by what it holds and what holds it up. */
export async function myNextStep(
  ctx: CallContext,
  agent: Agent,
  { held, breakers }: { held: readonly Task[]; breakers: readonly OpenBreaker[] },
): Promise<string> {
  const waits = [];
  const workable = [];
  for (const task of held) {
    const approvals = await approvalsAwaited(ctx, task);
    if (approvals.length === 0) workable.push(task.id);
    else waits.push(`${task.id} waits for ${approvals.join(", ")}: a person must say yes.`);
  }
  const step = stepFor(ctx, agent, { workable, waits: waits.length > 0, breakers });
  return [...waits, step].join(" ");
}

async function approvalsAwaited({ tx }: CallContext, task: Task): Promise<readonly string[]> {
  if (task.state !== "blocked" || task.blocker?.kind !== "approval") return [];
  return (await tx.approvals.ofTask(task.id))
    .filter(({ approval }) => approval.state === "requested")
    .map(({ approval }) => approval.id);
}

function stepFor(
  { nowMs }: CallContext,
  { name }: Agent,
  {
    workable,
    waits,
    breakers,
  }: { workable: readonly string[]; waits: boolean; breakers: readonly OpenBreaker[] },
): string {
  const [first] = workable;
  if (first !== undefined) {
    const what = waits ? first : "your task";
    return `Go on with ${what}; request_task gives its brief again.`;
  }
  const inTheWay = new Set([agentSubject(name), toolSubject("request_task")]);
  for (const { subject, untilMs, why } of breakers) {
    if (!inTheWay.has(subject) || untilMs === null) continue;
    const seconds = Math.max(1, Math.ceil((untilMs - nowMs) / 1000));
    return `There is no new work for you until ${iso(untilMs)}, as ${why}: wait ${seconds} seconds and then call request_task, or end your turn.`;
  }
  return `Call request_task {"wait_seconds":25}${waits ? " for other work" : ""}.`;
}

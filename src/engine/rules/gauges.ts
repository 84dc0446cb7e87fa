import type { Agent } from "../../core/agent.ts";
import type { LimitMetric, PolicyLimit } from "../../core/policy-rules.ts";
import { frozenMs, stopIntervals } from "../../core/stop.ts";
import type { Task } from "../../core/task.ts";
import type { WriteContext } from "../call-context.ts";
import { readField, type Call } from "../read-call.ts";
import { readStops } from "./stops.ts";

/** Whether a call of this tool can change what the limit looks at, or has to be held to it. */
export function isGaugeOf({ metric, perMs, response }: PolicyLimit, tool: string): boolean {
  if (perMs !== null) return false;
  if (metric === "running_tasks") return tool === "request_task";
  // Who is refused for what it holds has to be able to give it up.
  return response !== "deny" || !WAYS_OUT.has(tool);
}

const WAYS_OUT: ReadonlySet<string> = new Set([
  "report_progress",
  "request_escalation",
  "get_status",
]);

/** What an agent has under way, and what a call would add. */
interface Use {
  readonly held: readonly Task[];
  /** Would this call give it one more running task? */
  readonly adds: boolean;
  readonly minutes: number;
  readonly ofProject: () => Promise<number>;
}

export async function readUse(ctx: WriteContext, agent: Agent, call: Call): Promise<Use> {
  const held = (await ctx.tx.tasks.heldBy(agent.name)).filter(({ state }) => state === "running");
  const { project } = ctx.deps.scope;
  const stopped = stopIntervals(await readStops(ctx.tx), { project, agent: agent.name });
  let minutes = 0;
  for (const task of held) {
    const attempt = await ctx.tx.attempts.get(task.id, task.attemptNo);
    if (attempt === undefined) continue;
    const { startedAtMs } = attempt;
    const workedMs = ctx.nowMs - startedAtMs - frozenMs(stopped, startedAtMs, ctx.nowMs);
    minutes = Math.max(minutes, workedMs / 60_000);
  }
  const taskId = readField(call.input, "task_id");
  const named = typeof taskId === "string" && !held.some(({ id }) => id === taskId);
  return {
    held,
    // Whoever holds a running task and names none gets that one again.
    adds: call.incoming.operation === "request_task" && (named || held.length === 0),
    minutes,
    ofProject: async () => (await ctx.tx.tasks.counts()).running ?? 0,
  };
}

interface Gauge {
  readonly metric: LimitMetric;
  readonly amount: number;
  readonly read: (of: PolicyLimit["of"]) => Promise<number>;
}

export function gaugesOf({ held, adds, minutes, ofProject }: Use): readonly Gauge[] {
  const running: Gauge = {
    metric: "running_tasks",
    amount: 1,
    read: async (of) => (of === "agent" ? held.length : await ofProject()),
  };
  const time: Gauge = {
    metric: "task_minutes",
    amount: 0,
    read: async () => await Promise.resolve(minutes),
  };
  return adds ? [running, time] : [time];
}

import type { Topic } from "../core/board.ts";
import { GuvnorError } from "../core/errors.ts";
import type { Escalation } from "../core/escalation.ts";
import type { Pipeline } from "../core/pipeline.ts";
import type { Plan } from "../core/plan.ts";
import type { Task } from "../core/task.ts";
import type { ReadTx } from "../store/store.ts";

interface Reads {
  readonly tx: ReadTx;
}

export async function requireTask({ tx }: Reads, id: string): Promise<Task> {
  const task = await tx.tasks.get(id);
  if (task !== undefined) return task;
  const fix = 'List them with get_status {"scope":"project"}.';
  throw new GuvnorError("task_not_found", `There is no task ${shown(id)}.`, fix);
}

export async function requirePlan({ tx }: Reads, id: string): Promise<Plan> {
  const plan = await tx.plans.get(id);
  if (plan !== undefined) return plan;
  const fix = 'List them with get_status {"scope":"project"}.';
  throw new GuvnorError("plan_not_found", `There is no plan ${shown(id)}.`, fix);
}

export async function requirePipeline({ tx }: Reads, id: string): Promise<Pipeline> {
  const pipeline = await tx.pipelines.get(id);
  if (pipeline !== undefined) return pipeline;
  const fix = "List them with `guvnor pipeline list`.";
  throw new GuvnorError("pipeline_not_found", `There is no pipeline ${shown(id)}.`, fix);
}

export async function requireTopic({ tx }: Reads, id: string): Promise<Topic> {
  const topic = await tx.topics.get(id);
  if (topic !== undefined) return topic;
  const fix = "List them with read_board {}.";
  throw new GuvnorError("topic_not_found", `There is no topic ${shown(id)}.`, fix);
}

export async function requireEscalation({ tx }: Reads, id: string): Promise<Escalation> {
  const escalation = await tx.escalations.get(id);
  if (escalation !== undefined) return escalation;
  const fix = "List them with `guvnor escalations list`.";
  throw new GuvnorError("escalation_not_found", `There is no escalation ${shown(id)}.`, fix);
}

function shown(id: string): string {
  return `"${id.slice(0, 32)}"`;
}

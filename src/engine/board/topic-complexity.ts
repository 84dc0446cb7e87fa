import type { Topic } from "../../core/board.ts";
import { complexityOf } from "../../core/consensus/complexity.ts";
import { criticalPath, type PlanNode } from "../../core/plan-graph.ts";
import type { ReadTx } from "../../store/store.ts";
import type { JsonObject } from "../call.ts";
import { DEFAULT_MINUTES } from "../new-task.ts";

/** More tasks than a plan may have. */
const MAX_TASKS = 100_000;

/** Of the plan that the topic's task belongs to; null where there is none. */
export async function topicComplexity(tx: ReadTx, topic: Topic): Promise<JsonObject | null> {
  const task = topic.taskId === null ? undefined : await tx.tasks.get(topic.taskId);
  if (task === undefined || task.planId === null) return null;
  const tasks = await tx.tasks.list({ planId: task.planId, limit: MAX_TASKS });
  const nodes: PlanNode[] = [];
  for (const { id, spec } of tasks) {
    const minutes = spec.estimateMinutes ?? DEFAULT_MINUTES;
    nodes.push({ key: id, after: await tx.tasks.dependenciesOf(id), minutes });
  }
  const agents = await tx.agents.list();
  const { score, terms, unknown } = complexityOf({
    subtasks: tasks.length,
    criticalPath: criticalPath(nodes).minutes,
    work: nodes.reduce((sum, { minutes }) => sum + minutes, 0),
    skills: new Set(tasks.flatMap(({ spec }) => spec.needs)).size,
    skillsKnown: new Set(agents.flatMap(({ capabilities }) => capabilities)).size,
  });
  return { of: task.planId, score, terms: { ...terms }, unknown };
}

import type { Pipeline, PipelineView } from "../../core/pipeline.ts";
import type { Task } from "../../core/task.ts";
import type { ReadTx } from "../../store/store.ts";

/** The pipeline with what its decisions go by. */
export async function viewOf(tx: ReadTx, pipeline: Pipeline): Promise<PipelineView> {
  const { parts, topicId } = pipeline.run;
  const tasks = new Map<string, Task>();
  for (const { taskId } of parts) {
    const task = await tx.tasks.get(taskId);
    if (task !== undefined) tasks.set(taskId, task);
  }
  const topic = topicId === null ? undefined : await tx.topics.get(topicId);
  return { pipeline, tasks, topic };
}

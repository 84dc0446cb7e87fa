import { isFor, type Task } from "../core/task.ts";
import type { ReadContext } from "./call-context.ts";

/** Whether guvnor offers the task to this agent; of a pipeline nobody has two parts. */
export async function isOpenTo(
  { tx }: Pick<ReadContext, "tx">,
  task: Task,
  agent: string,
): Promise<boolean> {
  const { serves } = task.spec;
  if (serves === undefined) return true;
  if (!isFor(task.spec, agent)) return false;
  const pipeline = await tx.pipelines.get(serves);
  for (const { taskId } of pipeline?.run.parts ?? []) {
    if (taskId === task.id) continue;
    const attempts = await tx.attempts.list(taskId);
    // Whatever came of it: who had one part is no other mind for the other.
    const isTheirs = attempts.some(
      (attempt) => attempt.agent === agent && attempt.outcome !== "undelivered",
    );
    if (isTheirs) return false;
  }
  return true;
}

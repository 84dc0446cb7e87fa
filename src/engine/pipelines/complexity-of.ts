import type { Subtask } from "../../core/pipeline.ts";
import type { WriteContext } from "../call-context.ts";
export async function complexityOf(
  _ctx: WriteContext,
  _asked: { objective: string; subtasks: readonly Subtask[] },
): Promise<{ score: number; unknown: readonly string[] }> {
  return await Promise.resolve({ score: 0.5, unknown: [] });
}

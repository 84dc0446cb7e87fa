import type { PlannedTask } from "../../core/pipeline.ts";
import type { WriteContext } from "../call-context.ts";
export async function complexityOf(
  _ctx: WriteContext,
  _asked: { objective: string; plan: readonly PlannedTask[] },
): Promise<{ score: number; unknown: readonly string[] }> {
  return await Promise.resolve({ score: 0.5, unknown: [] });
}

import { nextMove } from "../../core/pipeline.ts";
import type { ReadTx } from "../../store/store.ts";
import type { WriteContext } from "../call-context.ts";
import { readStopFor } from "../rules/stops.ts";
import { advancePipeline } from "./advance-pipeline.ts";
import { viewOf } from "./pipeline-view.ts";

/** Those that time makes go on; none while the project is stopped, as nobody can do anything. */
export async function duePipelines(tx: ReadTx, nowMs: number): Promise<readonly string[]> {
  const due: string[] = [];
  for (const pipeline of await tx.pipelines.open()) {
    if (nextMove(await viewOf(tx, pipeline), nowMs) !== undefined) due.push(pipeline.id);
  }
  if (due.length === 0 || (await readStopFor(tx, null)) !== undefined) return [];
  return due;
}

export async function settlePipelines(ctx: WriteContext): Promise<void> {
  for (const id of await duePipelines(ctx.tx, ctx.nowMs)) await advancePipeline(ctx, id);
}

/** The time in which everything stood still is given back. */
export async function prolongPipelines(
  ctx: WriteContext,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<void> {
  for (const pipeline of await ctx.tx.pipelines.open()) {
    const { run } = pipeline;
    const lostMs = Math.max(0, toMs - Math.max(fromMs, run.startedAtMs));
    if (lostMs === 0) continue;
    const deadlineMs = run.deadlineMs + lostMs;
    await ctx.tx.pipelines.save({ ...pipeline, run: { ...run, deadlineMs } });
    ctx.effects.push({
      type: "pipeline",
      id: pipeline.id,
      event: "prolonged",
      run: run.no,
      until_ms: deadlineMs,
    });
  }
}

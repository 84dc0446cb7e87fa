import { movePipeline, type Pipeline, type PipelineEvent } from "../../core/pipeline.ts";
import type { WriteContext } from "../call-context.ts";

/** Moves it, writes it, tells the ledger and wakes who waits for it. */
export async function savePipelineMove(
  ctx: WriteContext,
  pipeline: Pipeline,
  event: PipelineEvent,
  facts: Readonly<Record<string, unknown>> = {},
): Promise<Pipeline> {
  const moved = movePipeline(pipeline, event, ctx.nowMs);
  await ctx.tx.pipelines.save(moved);
  ctx.effects.push({
    type: "pipeline",
    id: moved.id,
    event,
    ...(event === "spawned" ? {} : { from: pipeline.state }),
    to: moved.state,
    run: moved.run.no,
    ...facts,
  });
  ctx.tx.wake();
  return moved;
}

/** A change that leaves its state as it is. */
export async function savePipeline(
  ctx: WriteContext,
  pipeline: Pipeline,
  event: "part_taken" | "part_left" | "gamma_spawned" | "no_consensus",
  facts: Readonly<Record<string, unknown>>,
): Promise<Pipeline> {
  await ctx.tx.pipelines.save(pipeline);
  ctx.effects.push({ type: "pipeline", id: pipeline.id, event, run: pipeline.run.no, ...facts });
  ctx.tx.wake();
  return pipeline;
}

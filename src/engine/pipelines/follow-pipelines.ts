import { isOver } from "../../core/pipeline.ts";
import type { Effect, WriteContext } from "../call-context.ts";
import { advancePipeline } from "./advance-pipeline.ts";
import { leavePart, takePart, withPart } from "./part-holders.ts";
import { savePipeline } from "./save-pipeline.ts";

/** A task of a pipeline has moved: who holds it changes, or its end lets the pipeline go on. */
export async function followPartTask(ctx: WriteContext, effect: Effect): Promise<void> {
  const { serves, event, to } = effect;
  if (typeof serves !== "string") return;
  const pipeline = await ctx.tx.pipelines.get(serves);
  const part = pipeline?.run.parts.find(({ taskId }) => taskId === effect.id);
  if (pipeline === undefined || part === undefined || isOver(pipeline)) return;
  if (event === "claimed") {
    const holder = (await ctx.tx.tasks.get(effect.id))?.holder ?? null;
    if (holder !== null) await takePart(ctx, pipeline, part, holder);
  } else if (part.tokenHash !== null && (to === "ready" || to === "failed" || to === "cancelled")) {
    const left = await leavePart(ctx, part, `${effect.id} is ${to}`);
    await savePipeline(ctx, withPart(pipeline, left), "part_left", {
      role: part.role,
      task: part.taskId,
      agent: part.agent,
    });
  }
  await advancePipeline(ctx, pipeline.id);
}

/** Its topic has moved on. */
export async function followPipelineTopic(ctx: WriteContext, effect: Effect): Promise<void> {
  const pipeline = await ctx.tx.pipelines.ofTopic(effect.id);
  if (pipeline !== undefined) await advancePipeline(ctx, pipeline.id);
}

import { z } from "zod";

import { awaitsFallback, isOver } from "../../core/pipeline.ts";
import { callingPerson } from "../call-context.ts";
import { requirePipeline } from "../find-rows.ts";
import type { Operation } from "../operation.ts";
import { revokePipeline } from "../pipelines/advance-pipeline.ts";
import { describePipeline, pipelineRow } from "../pipelines/describe-pipeline.ts";
import { fallBack, FALLBACKS } from "../pipelines/fallbacks.ts";
import { pipelineLog } from "../pipelines/pipeline-log.ts";
import { settleDue } from "../settle-due.ts";
import { definePersonOperation } from "./define-person-operation.ts";

const SHOWN = 100;

const pipelineId = z.string().regex(/^L[1-9][0-9]*$/, "a pipeline id such as L2");
const reason = z.string().trim().min(1).max(2000);

const list = definePersonOperation({
  name: "pipelines_list",
  input: z.strictObject({}),
  handle: async ({ tx }) => {
    const found = await tx.pipelines.list(SHOWN + 1);
    const more = found.length > SHOWN ? { more: true } : {};
    return { answer: { pipelines: found.slice(0, SHOWN).map(pipelineRow), ...more } };
  },
});

/** Waits, where it is asked to, until the pipeline is over or needs a person. */
const show = definePersonOperation({
  name: "pipelines_show",
  input: z.strictObject({
    pipeline_id: pipelineId,
    wait_seconds: z.int().min(0).max(50).optional(),
  }),
  handle: async (ctx, { pipeline_id: id }) => {
    const before = ctx.effects.length;
    await settleDue(ctx);
    const pipeline = await requirePipeline(ctx, id);
    // What was settled just now must stand: what waits undoes its writes.
    const isNews = ctx.effects.length > before;
    const isSettled = isNews || isOver(pipeline) || awaitsFallback(pipeline);
    return {
      target: id,
      answer: await describePipeline(ctx.tx, pipeline),
      ...(isSettled ? {} : { retry: true }),
    };
  },
});

const log = definePersonOperation({
  name: "pipelines_log",
  input: z.strictObject({ pipeline_id: pipelineId }),
  handle: async (ctx, { pipeline_id: id }) => {
    const pipeline = await requirePipeline(ctx, id);
    return { target: id, answer: await pipelineLog(ctx.tx, pipeline) };
  },
});

const fallback = definePersonOperation({
  name: "pipelines_fallback",
  input: z.strictObject({
    pipeline_id: pipelineId,
    action: z.enum(FALLBACKS),
    solution_id: z.string().max(32).optional(),
    reason,
  }),
  handle: fallBack,
});

const revoke = definePersonOperation({
  name: "pipelines_revoke",
  input: z.strictObject({ pipeline_id: pipelineId, reason }),
  handle: async (ctx, { pipeline_id: id, reason: why }) => {
    const person = callingPerson(ctx);
    const pipeline = await requirePipeline(ctx, id);
    const revoked = await revokePipeline(ctx, pipeline, { person, reason: why });
    return { target: id, answer: await describePipeline(ctx.tx, revoked) };
  },
});

export const pipelineOperations: readonly Operation[] = [list, show, log, fallback, revoke];

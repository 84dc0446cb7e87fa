import { GuvnorError } from "../../core/errors.ts";
import { formatId } from "../../core/ids.ts";
import { DEFAULT_TEMPLATE, type PipelineTemplate } from "../../core/pipeline-template.ts";
import { isOver, awaitsFallback, type Pipeline, type Subtask } from "../../core/pipeline.ts";
import { checkPlanGraph } from "../../core/plan-graph.ts";
import type { ReadTx } from "../../store/store.ts";
import type { CallContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { cut } from "../inbox.ts";
import { DEFAULT_MINUTES } from "../new-task.ts";
import type { Outcome } from "../operation.ts";
import { rulesInForce } from "../rules/rules-in-force.ts";
import { createPlan } from "../submit-plan.ts";
import { beginRun, issuePipelineToken } from "./begin-run.ts";
import { describePipeline } from "./describe-pipeline.ts";
import { objectiveComplexity } from "./objective-complexity.ts";
import { savePipelineMove } from "./save-pipeline.ts";

export interface NewPipeline {
  readonly objective: string;
  readonly template?: string | undefined;
  /** What has to be done, as far as it is known: both read it, and its shape says how complex it is. */
  readonly plan?:
    | readonly {
        readonly key: string;
        readonly title: string;
        readonly after?: readonly string[] | undefined;
        readonly needs?: readonly string[] | undefined;
        readonly estimate_minutes?: number | undefined;
      }[]
    | undefined;
}

/** Issues its token and makes the tasks of ALPHA and BETA. */
export async function startPipeline(ctx: CallContext, asked: NewPipeline): Promise<Outcome> {
  const template = await templateNamed(ctx, asked.template);
  const subtasks = readSubtasks(asked.plan ?? []);
  const id = formatId("pipeline", await ctx.tx.nextNumber("pipeline"));
  const plan = await createPlan(ctx, { title: cut(`${id}: ${asked.objective}`, 200) });
  ctx.effects.push({
    type: "plan",
    id: plan.id,
    event: "submitted",
    title: plan.title,
    pipeline: id,
  });
  const principal = ctx.agent?.principal ?? ctx.actor;
  const complexity = await objectiveComplexity(ctx.tx, { objective: asked.objective, subtasks });
  const spawned = await savePipelineMove(
    ctx,
    {
      id,
      objective: asked.objective,
      state: "spawn",
      templateName: asked.template ?? "default",
      template,
      planId: plan.id,
      subtasks,
      complexity: complexity.score,
      unknownTerms: complexity.unknown,
      tier: null,
      tokenHash: await issuePipelineToken(ctx, id, principal),
      createdBy: ctx.actor,
      createdAtMs: ctx.nowMs,
      endedAtMs: null,
      run: {
        no: 1,
        parts: [],
        mediated: null,
        topicId: null,
        startedAtMs: ctx.nowMs,
        deadlineMs: ctx.nowMs + template.deadlineMs,
        failure: null,
      },
      earlierRuns: [],
      outcome: null,
    },
    "spawned",
    { objective: asked.objective, complexity: complexity.score },
  );
  const mediated =
    complexity.score > template.maxComplexity
      ? `Its complexity is ${complexity.score.toFixed(2)}, above ${template.maxComplexity}.`
      : null;
  const run = await beginRun(ctx, spawned, { no: 1, mediated, not: [], context: [] });
  const running = await savePipelineMove(ctx, { ...spawned, run }, "started", {
    tasks: run.parts.map(({ taskId }) => taskId),
    ...(mediated === null ? {} : { mediated }),
  });
  return {
    target: id,
    answer: await answerFor(ctx.tx, running, ctx.agent?.name),
    follow: async (tx) => {
      const now = (await tx.pipelines.get(id)) ?? running;
      return {
        answer: await answerFor(tx, now, ctx.agent?.name),
        settled: isOver(now) || awaitsFallback(now),
      };
    },
  };
}

async function answerFor(
  tx: ReadTx,
  pipeline: Pipeline,
  reader: string | undefined,
): Promise<JsonObject> {
  return { pipeline_id: pipeline.id, ...(await describePipeline(tx, pipeline, reader)) };
}

async function templateNamed(ctx: CallContext, name = "default"): Promise<PipelineTemplate> {
  const { pipelines } = (await rulesInForce(ctx)).settings;
  const found = pipelines[name] ?? (name === "default" ? DEFAULT_TEMPLATE : undefined);
  if (found !== undefined) return found;
  const known = [...new Set(["default", ...Object.keys(pipelines)])];
  throw new GuvnorError(
    "input_invalid",
    `There is no pipeline template "${name.slice(0, 64)}".`,
    `Use one of ${known.join(", ")}; a person adds others to guvnor.yaml under pipelines.`,
  );
}

function readSubtasks(asked: NonNullable<NewPipeline["plan"]>): readonly Subtask[] {
  const subtasks = asked.map(
    ({ key, title, after = [], needs = [], estimate_minutes: minutes }) => ({
      key,
      title,
      after,
      needs,
      minutes: minutes ?? null,
    }),
  );
  checkPlanGraph(
    subtasks.map(({ key, after, minutes }) => ({
      key,
      after,
      minutes: minutes ?? DEFAULT_MINUTES,
    })),
  );
  return subtasks;
}

import { GuvnorError } from "../../core/errors.ts";
import {
  isOver,
  nextMove,
  openParts,
  reportedParts,
  type Pipeline,
  type PipelineMove,
  type PipelineOutcome,
} from "../../core/pipeline.ts";
import { withdraw } from "../../core/topic-decisions.ts";
import { forceMediation } from "../board/advance-topic.ts";
import { loadDeliberation, saveTopicMove } from "../board/move-topic.ts";
import type { WriteContext } from "../call-context.ts";
import { closeEscalationsAbout, closeEscalationsOf } from "../close-escalations.ts";
import { raiseEscalation } from "../escalations.ts";
import { cut, sendToInbox } from "../inbox.ts";
import { cancelTask } from "../move-task.ts";
import { emitEvent } from "../rules/outbox.ts";
import { makeGamma } from "./make-parts.ts";
import { openPipelineTopic } from "./open-pipeline-topic.ts";
import { endPipelineTokens } from "./part-holders.ts";
import { viewOf } from "./pipeline-view.ts";
import { rerunByTemplate } from "./rerun-pipeline.ts";
import { savePipeline, savePipelineMove } from "./save-pipeline.ts";

const SUMMARY_CHARACTERS = 200;

/** Does what time, its tasks or its topic make due, until nothing is. */
export async function advancePipeline(ctx: WriteContext, id: string): Promise<void> {
  for (;;) {
    const pipeline = await ctx.tx.pipelines.get(id);
    if (pipeline === undefined) return;
    const move = nextMove(await viewOf(ctx.tx, pipeline), ctx.nowMs);
    if (move === undefined) return;
    await apply(ctx, pipeline, move);
  }
}

async function apply(ctx: WriteContext, pipeline: Pipeline, move: PipelineMove): Promise<void> {
  switch (move.kind) {
    case "spawn_gamma": {
      const part = await makeGamma(ctx, pipeline, move.why);
      const run = { ...pipeline.run, parts: [...pipeline.run.parts, part] };
      const facts = { task: part.taskId, why: move.why };
      await savePipeline(ctx, { ...pipeline, run }, "gamma_spawned", facts);
      return;
    }
    case "mediate": {
      const { topicId } = pipeline.run;
      const topic = topicId === null ? undefined : await ctx.tx.topics.get(topicId);
      if (topic !== undefined) await forceMediation(ctx, topic, move.why);
      return;
    }
    case "report":
      return await reportPipeline(ctx, pipeline, move.why);
    case "complete":
      await completePipeline(ctx, pipeline, "agreed", move.outcome);
      return;
    case "no_consensus":
      return await giveUp(ctx, pipeline, move.why);
    case "fail":
      return await failPipeline(ctx, pipeline, move.why);
  }
}

/** What is not done is not waited for any longer; what is done goes on the board. */
async function reportPipeline(ctx: WriteContext, pipeline: Pipeline, why: string): Promise<void> {
  const reported = await savePipelineMove(ctx, pipeline, "reported", { why });
  const view = await viewOf(ctx.tx, reported);
  for (const task of openParts(view)) {
    await cancelTask(ctx, task, { why: `${reported.id} goes on without it: ${why}` });
  }
  const given = reportedParts(view);
  if (given.length === 0)
    return await failPipeline(ctx, reported, "Nobody has brought a solution.");
  const topicId = given.length === 1 ? null : await openPipelineTopic(ctx, reported, given);
  const now = (await ctx.tx.pipelines.get(reported.id)) ?? reported;
  const run = { ...now.run, topicId };
  const gathered = await savePipelineMove(ctx, { ...now, run }, "gathered", {
    ...(topicId === null ? {} : { topic: topicId }),
    why,
  });
  if (topicId !== null) return;
  const [only] = given;
  await giveUp(ctx, gathered, `Only ${only?.part.agent ?? "one"} has brought a solution. ${why}`);
}

/** Everything that rules can do was done: the template's fallback, or a person. */
async function giveUp(ctx: WriteContext, pipeline: Pipeline, why: string): Promise<void> {
  const run = { ...pipeline.run, failure: why };
  const facts = { why };
  const failed = await savePipeline(ctx, { ...pipeline, run }, "no_consensus", facts);
  await emitEvent(ctx, "pipeline_no_consensus", { pipeline: pipeline.id, why });
  if (await rerunByTemplate(ctx, failed)) return;
  // About a topic that ended without a decision a person was asked already.
  if (run.topicId === null) await askPerson(ctx, failed, why);
}

async function failPipeline(ctx: WriteContext, pipeline: Pipeline, why: string): Promise<void> {
  const run = { ...pipeline.run, failure: why };
  const ended = await endPipelineTokens(ctx, { ...pipeline, run }, `${pipeline.id} failed`);
  const failed = await savePipelineMove(ctx, ended, "failed", { why });
  await emitEvent(ctx, "pipeline_failed", { pipeline: pipeline.id, why });
  await askPerson(ctx, failed, why);
}

async function askPerson(ctx: WriteContext, pipeline: Pipeline, why: string): Promise<void> {
  const { id, objective, run } = pipeline;
  await raiseEscalation(ctx, {
    kind: "conflict",
    severity: "medium",
    summary: cut(`${id} has no consensus: ${why}`, SUMMARY_CHARACTERS),
    detail: `${why}\n\nObjective: ${objective}\n\nRead it with: guvnor pipeline show ${id}\nGo on with: guvnor pipeline fallback ${id} <action> --reason "…"`,
    taskId: run.parts[0]?.taskId ?? null,
    topicId: null,
    raisedBy: "guvnor",
    forPeople: true,
  });
}

/** Its tokens end with it; who took part hears what was chosen. */
export async function completePipeline(
  ctx: WriteContext,
  pipeline: Pipeline,
  event: "agreed" | "accepted",
  outcome: PipelineOutcome,
): Promise<Pipeline> {
  const solution =
    outcome.solution === null ? undefined : await ctx.tx.solutions.get(outcome.solution);
  const ended = await endPipelineTokens(ctx, pipeline, `${pipeline.id} is completed`);
  const whole = { ...outcome, commit: solution?.commit ?? outcome.commit };
  const completed = await savePipelineMove(ctx, { ...ended, outcome: whole }, event, {
    ...whole,
  });
  await closeQuestions(ctx, completed, `${completed.id} is completed: ${outcome.reason}`);
  await emitEvent(ctx, "pipeline_completed", { pipeline: pipeline.id, ...whole });
  for (const agent of new Set(pipeline.run.parts.flatMap(({ agent: name }) => name ?? []))) {
    await sendToInbox(ctx, {
      to: agent,
      from: "guvnor",
      kind: "topic",
      subject: pipeline.id,
      text: `${pipeline.id} is completed with ${outcome.solution ?? "none of the solutions"}: ${outcome.reason}`,
    });
  }
  return completed;
}

/** What people were asked about this run is answered by what was done with it. */
export async function closeQuestions(
  ctx: WriteContext,
  { run }: Pipeline,
  resolution: string,
): Promise<void> {
  for (const { taskId } of run.parts) await closeEscalationsOf(ctx, taskId, resolution);
  if (run.topicId !== null) await closeEscalationsAbout(ctx, run.topicId, resolution);
}

/** It ends at once: nobody can report on its parts any more. */
export async function revokePipeline(
  ctx: WriteContext,
  pipeline: Pipeline,
  { person, reason }: { readonly person: string; readonly reason: string },
): Promise<Pipeline> {
  if (isOver(pipeline)) {
    throw new GuvnorError(
      "state_conflict",
      `${pipeline.id} is over already: it is ${pipeline.state}.`,
      `Look at it: guvnor pipeline show ${pipeline.id}`,
    );
  }
  const why = `${person}: ${reason}`;
  const ended = await endPipelineTokens(ctx, pipeline, why);
  const revoked = await savePipelineMove(ctx, ended, "revoked", { why });
  for (const task of openParts(await viewOf(ctx.tx, revoked))) {
    await cancelTask(ctx, task, { why: `${pipeline.id} is revoked: ${why}` });
  }
  const topic =
    revoked.run.topicId === null ? undefined : await ctx.tx.topics.get(revoked.run.topicId);
  if (topic !== undefined && topic.endedAtMs === null) {
    const move = withdraw(await loadDeliberation(ctx.tx, topic), { person, reason }, ctx.nowMs);
    await saveTopicMove(ctx, topic.state, move, undefined);
  }
  await closeQuestions(ctx, revoked, `${pipeline.id} is revoked: ${why}`);
  await emitEvent(ctx, "pipeline_revoked", { pipeline: pipeline.id, why });
  return revoked;
}

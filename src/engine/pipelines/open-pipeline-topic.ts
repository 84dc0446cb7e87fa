import type { Solution } from "../../core/board.ts";
import type { Pipeline, RolePart } from "../../core/pipeline.ts";
import type { Task } from "../../core/task.ts";
import { openVoting } from "../../core/topic-decisions.ts";
import type { TopicMove } from "../../core/topic-move.ts";
import { advanceTopic } from "../board/advance-topic.ts";
import { recordTopicMove } from "../board/move-topic.ts";
import { newTopic } from "../board/open-topic.ts";
import { saveSolution } from "../board/propose-solution.ts";
import type { WriteContext } from "../call-context.ts";
import { cut } from "../inbox.ts";

const TITLE_CHARACTERS = 200;

/** What was reported, with who has done it. */
export interface ReportedPart {
  readonly part: RolePart;
  readonly task: Task;
}

/** Those who have a solution vote on all of them; two have to agree. @returns The topic's id. */
export async function openPipelineTopic(
  ctx: WriteContext,
  pipeline: Pipeline,
  reported: readonly ReportedPart[],
): Promise<string> {
  const { id, objective, template, run } = pipeline;
  const agents = [...new Set(reported.flatMap(({ part }) => part.agent ?? []))];
  const opening = { ...ctx, actor: "guvnor", facts: {} };
  const topic = await newTopic(opening, {
    title: cut(`${id}: ${objective}`, TITLE_CHARACTERS),
    problem: objective,
    electorate: { agents },
    quorum: agents.length,
    method: agents.length === 2 ? "unanimity" : "schulze",
    vote_seconds: Math.ceil(template.voteMs / 1000),
    mediate: run.mediated === null ? "last" : "first",
  });
  const opened: TopicMove = { event: "opened", topic, why: `Both parts of ${id} have ended.` };
  await recordTopicMove(ctx, null, opened);
  const solutions: Solution[] = [];
  for (const { part, task } of reported)
    solutions.push(await solutionOf(ctx, topic, { part, task }));
  const deliberation = { topic, solutions, ballots: [] };
  const voting = openVoting(deliberation, ctx.nowMs);
  await advanceTopic(ctx, deliberation, voting, undefined);
  return topic.id;
}

async function solutionOf(
  ctx: WriteContext,
  topic: Parameters<typeof saveSolution>[1],
  { part, task }: ReportedPart,
): Promise<Solution> {
  const said = task.outputs["solution"];
  return await saveSolution({ ...ctx, actor: part.agent ?? "guvnor", facts: {} }, topic, {
    title: task.spec.title,
    body: typeof said === "string" ? said : JSON.stringify(said ?? task.note ?? ""),
    ...(task.commit === null ? {} : { commit: task.commit }),
  });
}

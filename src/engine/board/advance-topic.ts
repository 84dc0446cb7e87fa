import type { Topic } from "../../core/board.ts";
import { MEDIATION_TASK, openMediation, partiesOf } from "../../core/mediation.ts";
import { withoutMediator } from "../../core/topic-decisions.ts";
import type { TopicMove } from "../../core/topic-move.ts";
import type { Deliberation } from "../../core/topic-record.ts";
import type { WriteContext } from "../call-context.ts";
import { cut } from "../inbox.ts";
import { isPresent } from "../is-present.ts";
import { insertTask, type OwnTask } from "../new-task.ts";
import { loadDeliberation, saveTopicMove } from "./move-topic.ts";

/** Before all others but what a person put first. */
const PRIORITY = 80;
const PROBLEM_CHARACTERS = 8000;

/**
 * Writes a move that rules made. Where it asks for a mediator, its task is made with it; where no
 * present agent could take that, the topic goes on without one.
 *
 * @param actor - As for saveTopicMove.
 */
export async function advanceTopic(
  ctx: WriteContext,
  deliberation: Deliberation,
  move: TopicMove,
  actor: string | undefined,
): Promise<Topic> {
  const { state } = deliberation.topic;
  const ready = move.event === "mediation_opened" ? await withTask(ctx, deliberation, move) : move;
  return await saveTopicMove(ctx, state, ready, actor);
}

/** Asks for a mediator now; `mayMediate` says of which topics that is possible. */
export async function forceMediation(ctx: WriteContext, topic: Topic, why: string): Promise<Topic> {
  const deliberation = await loadDeliberation(ctx.tx, topic);
  const move = openMediation(deliberation, ctx.nowMs, why);
  return await advanceTopic(ctx, deliberation, move, undefined);
}

/** Present agents that have no word in the topic yet. */
export async function possibleMediators(
  ctx: Pick<WriteContext, "tx">,
  deliberation: Deliberation,
): Promise<readonly string[]> {
  const parties = new Set(partiesOf(deliberation));
  const found: string[] = [];
  for (const { name, state } of await ctx.tx.agents.list()) {
    if (parties.has(name) || state === "quarantined") continue;
    if (await isPresent(ctx, name)) found.push(name);
  }
  return found;
}

async function withTask(
  ctx: WriteContext,
  deliberation: Deliberation,
  move: TopicMove,
): Promise<TopicMove> {
  const { topic } = move;
  const { mediation } = topic;
  if (mediation === null) throw new Error(`${topic.id} has no mediation`);
  if ((await possibleMediators(ctx, deliberation)).length === 0) {
    return withoutMediator(deliberation, ctx.nowMs, mediation.why);
  }
  const task = mediationTask(deliberation, mediation.why);
  const taskId = await insertTask(ctx, { task, planId: null, createdBy: "guvnor" });
  return { ...move, topic: { ...topic, mediation: { ...mediation, taskId } } };
}

function mediationTask(deliberation: Deliberation, why: string): OwnTask {
  const { topic, solutions } = deliberation;
  const { id } = topic;
  const body = [
    `${topic.electorate.join(", ")} could not agree on ${id} "${topic.title}". ${why}`,
    "",
    "The problem:",
    cut(topic.problem, PROBLEM_CHARACTERS),
    "",
    ...solutions.map(({ id: solution, author, title }) => `${solution} by ${author}: ${title}`),
    "",
    `Read it: read_board {"topic_id":"${id}"}. Think for yourself: what does each solution get right, and what would all of them accept? Then call propose_solution {"topic_id":"${id}","title":…,"body":…} with one solution of your own, or with "pass":true where one of theirs is best. Either way you vote with them afterwards, once read_board shows the vote. This task ends with your word; do not report it done.`,
  ];
  return {
    key: `mediate-${id}`,
    title: cut(`Mediate ${id}: ${topic.title}`, 200),
    body: body.join("\n"),
    kind: MEDIATION_TASK,
    priority: PRIORITY,
    gates: [],
    inputs: { topic: id },
    takers: { not: partiesOf(deliberation) },
    serves: id,
  };
}

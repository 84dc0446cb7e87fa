import type { Topic, TopicState } from "../../core/board.ts";
import { GuvnorError } from "../../core/errors.ts";
import { isHidden } from "../../core/topic-decisions.ts";
import type { CallContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { requireTopic } from "../find-rows.ts";
import type { Outcome, PrepareContext } from "../operation.ts";
import { present } from "../task-view.ts";
import { compareSolutions } from "./compare-solutions.ts";
import { describeSolution, describeTopic, readerOf, topicRow, wantedOf } from "./describe-topic.ts";
import { loadDeliberation } from "./move-topic.ts";
import { settleDueTopics } from "./settle-topics.ts";

const SHOWN = 20;

export interface BoardQuestion {
  readonly topic_id?: string | undefined;
  /** One solution, uncut. */
  readonly solution_id?: string | undefined;
  readonly state?: TopicState | undefined;
  readonly wait_seconds?: number | undefined;
}

/**
 * What the caller can see already: a waiting call ends when the topic is no longer so. Of a closed
 * topic how its solutions go together.
 */
export async function prepareReadBoard(
  { deps }: PrepareContext,
  { topic_id: topicId, wait_seconds: waitSeconds = 0 }: BoardQuestion,
): Promise<JsonObject> {
  if (topicId === undefined) return {};
  const merges = await compareSolutions(deps, topicId);
  if (merges !== undefined) return { merges };
  if (waitSeconds === 0) return {};
  const topic = await deps.store.read(deps.scope, async (tx) => await tx.topics.get(topicId));
  return topic === undefined ? {} : { seen: phaseOf(topic) };
}

/**
 * The list, one topic or one solution. A waiting call is answered as soon as the caller's solution
 * or ballot is wanted; of a named topic also when it moved on (state, round, a person's word), and
 * at once where nothing can move any more.
 */
export async function readBoard(ctx: CallContext, question: BoardQuestion): Promise<Outcome> {
  await settleDueTopics(ctx);
  if (question.solution_id !== undefined) return await readSolution(ctx, question.solution_id);
  if (question.topic_id !== undefined) return await readTopic(ctx, question.topic_id);
  return await readList(ctx, question.state);
}

async function readTopic(ctx: CallContext, topicId: string): Promise<Outcome> {
  const topic = await requireTopic(ctx, topicId);
  const agent = ctx.agent?.name;
  const deliberation = await loadDeliberation(ctx.tx, topic);
  const answer = await describeTopic(ctx.tx, deliberation, {
    reader: readerOf(agent),
    whole: false,
    merges: ctx.facts["merges"],
  });
  const isOver = topic.state === "decided" || topic.state === "withdrawn";
  const isWanted = wantedOf(deliberation, agent) !== undefined;
  const isNews = isOver || isWanted || ctx.facts["seen"] !== phaseOf(topic);
  return { answer, target: topic.id, ...(isNews ? {} : { retry: true }) };
}

function phaseOf(topic: Topic): string {
  return `${topic.state}/${topic.round}/${topic.decision === null ? "open" : "closed"}`;
}

async function readSolution(ctx: CallContext, solutionId: string): Promise<Outcome> {
  const solution = await ctx.tx.solutions.get(solutionId);
  if (solution === undefined) {
    throw new GuvnorError(
      "solution_unknown",
      `There is no solution "${solutionId.slice(0, 32)}".`,
      "Read the ids with read_board and its topic_id.",
    );
  }
  const topic = await requireTopic(ctx, solution.topicId);
  if (isHidden(topic, solution, readerOf(ctx.agent?.name))) {
    throw new GuvnorError(
      "state_conflict",
      `${solution.id} is hidden until voting on ${topic.id} opens.`,
      `Propose your own or pass, then wait: read_board {"topic_id":"${topic.id}","wait_seconds":25}.`,
    );
  }
  const next = `Back to its topic: read_board {"topic_id":"${solution.topicId}"}.`;
  return {
    target: solution.topicId,
    answer: {
      solutions: [describeSolution(solution, { bodyCharacters: Infinity, mayPass: true })],
      next,
    },
  };
}

async function readList(ctx: CallContext, state: TopicState | undefined): Promise<Outcome> {
  const agent = ctx.agent?.name;
  const { rows, more } = await listTopics(ctx, state);
  const first = rows.find((row) => row["wants"] !== undefined);
  const next =
    first === undefined
      ? "Nothing is wanted of you."
      : `Your word is wanted: read_board {"topic_id":"${String(first["id"])}"}.`;
  const answer = present({ topics: rows, more: more ? true : null, next });
  // An empty list is an answer too.
  const listed = rows.length === 0 ? { topics: [], ...answer } : answer;
  const isNews = agent === undefined || first !== undefined;
  return { answer: listed, ...(isNews ? {} : { retry: true }) };
}

/** Open topics first, so that none is hidden by newer ones that are over; each part newest first. */
export async function listTopics(
  ctx: CallContext,
  state: TopicState | undefined,
): Promise<{ readonly rows: readonly JsonObject[]; readonly more: boolean }> {
  const found =
    state === undefined
      ? [
          ...(await ctx.tx.topics.list("voting", SHOWN + 1)),
          ...(await ctx.tx.topics.list("proposing", SHOWN + 1)),
          ...(await ctx.tx.topics.list(undefined, 2 * SHOWN + 1)),
        ]
      : await ctx.tx.topics.list(state, SHOWN + 1);
  const topics = [...new Map(found.map((topic) => [topic.id, topic])).values()];
  const rows: JsonObject[] = [];
  for (const topic of topics.slice(0, SHOWN)) {
    rows.push(topicRow(await loadDeliberation(ctx.tx, topic), ctx.agent?.name));
  }
  return { rows, more: topics.length > SHOWN };
}

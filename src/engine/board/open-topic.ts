import type { Solution, Topic, VotingMethod } from "../../core/board.ts";
import { defaultQuorum } from "../../core/consensus/tally.ts";
import { GuvnorError } from "../../core/errors.ts";
import { formatId } from "../../core/ids.ts";
import { openVoting } from "../../core/topic-decisions.ts";
import type { TopicMove } from "../../core/topic-move.ts";
import type { CallContext, WriteContext } from "../call-context.ts";
import { requireTask } from "../find-rows.ts";
import type { Outcome } from "../operation.ts";
import { iso, present } from "../task-view.ts";
import { advanceTopic } from "./advance-topic.ts";
import { readChecks, type ChecksAsked } from "./check-solution.ts";
import { nextStep } from "./describe-topic.ts";
import { chooseElectorate, modelsOf, vetoRoles, type ElectorateRequest } from "./electorate.ts";
import { announceTopicMove, recordTopicMove } from "./move-topic.ts";
import { saveSolution } from "./propose-solution.ts";
import { settleDueTopics } from "./settle-topics.ts";

const PROPOSE_SECONDS = 300;
const VOTE_SECONDS = 600;

export interface NewTopic {
  readonly title: string;
  readonly problem: string;
  readonly options?: readonly string[] | undefined;
  readonly method?: VotingMethod | undefined;
  readonly electorate?: ElectorateRequest | undefined;
  readonly quorum?: number | undefined;
  /** Roles of guvnor.yaml whose members in the electorate may veto. */
  readonly veto?: readonly string[] | undefined;
  readonly irreversible?: boolean | undefined;
  readonly propose_seconds?: number | undefined;
  readonly vote_seconds?: number | undefined;
  readonly task_id?: string | undefined;
  readonly checks?: ChecksAsked | undefined;
  /** "first": what was proposed is voted on with a mediator from the start. Default "last". */
  readonly mediate?: Topic["mediate"];
}

/** Who opens it, and where it is written. */
type Opening = WriteContext & Pick<CallContext, "actor" | "facts">;

/** Puts a question on the blackboard. With options there is nothing to propose: voting opens. */
export async function openTopic(ctx: CallContext, asked: NewTopic): Promise<Outcome> {
  await settleDueTopics(ctx);
  const actor = ctx.agent?.name;
  const topic = await newTopic(ctx, asked);
  const opened: TopicMove = { event: "opened", topic, why: "Solutions are asked for." };
  await recordTopicMove(ctx, null, opened);
  const solutions: Solution[] = [];
  for (const title of asked.options ?? []) {
    solutions.push(await saveSolution(ctx, topic, { title, body: title }));
  }
  if (solutions.length === 0) {
    await announceTopicMove(ctx, opened, actor);
    return { answer: answerFor(ctx, topic, solutions), target: topic.id };
  }
  const deliberation = { topic, solutions, ballots: [] };
  const move = openVoting(deliberation, ctx.nowMs);
  const voting = await advanceTopic(ctx, deliberation, move, actor);
  return { answer: answerFor(ctx, voting, solutions), target: topic.id };
}

export async function newTopic(ctx: Opening, asked: NewTopic): Promise<Topic> {
  const { options = [] } = asked;
  if (new Set(options).size < options.length) {
    throw new GuvnorError("input_invalid", "An option is there twice.", "Name each option once.");
  }
  const checks = await readChecks(ctx, asked.checks, options.length > 0);
  const task = asked.task_id === undefined ? undefined : await requireTask(ctx, asked.task_id);
  const electorate = await chooseElectorate(ctx, asked.electorate);
  const quorum = asked.quorum ?? defaultQuorum(electorate.length);
  if (quorum > electorate.length) {
    throw new GuvnorError(
      "input_invalid",
      `A quorum of ${quorum} cannot be reached: the electorate is ${electorate.join(", ")}.`,
      `Ask for at most ${electorate.length}, or leave \`quorum\` out for ${defaultQuorum(electorate.length)}.`,
    );
  }
  return {
    id: formatId("topic", await ctx.tx.nextNumber("topic")),
    title: asked.title,
    problem: asked.problem,
    state: "proposing",
    method: asked.method ?? null,
    electorate,
    veto: await vetoRoles(ctx, asked.veto ?? [], electorate),
    models: await modelsOf(ctx.tx, electorate),
    quorum,
    irreversible: asked.irreversible ?? false,
    taskId: task?.id ?? null,
    openedBy: ctx.actor,
    createdAtMs: ctx.nowMs,
    proposeUntilMs: ctx.nowMs + (asked.propose_seconds ?? PROPOSE_SECONDS) * 1000,
    voteUntilMs: null,
    voteSeconds: asked.vote_seconds ?? VOTE_SECONDS,
    endedAtMs: null,
    round: 1,
    ballotIds: [],
    earlier: [],
    checks,
    mediate: asked.mediate ?? "last",
    mediation: null,
    passed: [],
    decision: null,
  };
}

function answerFor(
  ctx: CallContext,
  topic: Topic,
  solutions: readonly Solution[],
): Outcome["answer"] {
  return present({
    topic_id: topic.id,
    state: topic.state,
    electorate: topic.electorate,
    quorum: topic.quorum,
    method: topic.method,
    veto: topic.veto,
    propose_until: topic.state === "proposing" ? iso(topic.proposeUntilMs) : null,
    vote_until: topic.voteUntilMs === null ? null : iso(topic.voteUntilMs),
    solutions: solutions.map(({ id, title }) => ({ id, title })),
    next: nextStep({ topic, solutions, ballots: [] }, ctx.agent?.name),
  });
}

import type { Topic, VotedRound } from "./board.ts";
import { GuvnorError } from "./errors.ts";
import { giveUp, type TopicMove } from "./topic-move.ts";
import { MEDIATED_ROUND, revotePair, type Deliberation } from "./topic-record.ts";

/** A mediator has as long as a vote takes, and never less. */
const MIN_SECONDS = 60;

/** A mediator was asked, and the vote with it has not opened yet. */
export function isMediating(topic: Topic): boolean {
  return topic.state === "proposing" && topic.mediation !== null;
}

/** Nothing but a mediator's word is waited for. */
export function awaitsMediator(topic: Topic): boolean {
  return isMediating(topic) && topic.mediation?.mediator === null;
}

/** A mediator may be asked once, while nothing was chosen. */
export function mayMediate(topic: Topic): boolean {
  const isOpen = topic.state === "proposing" || topic.state === "voting";
  return isOpen && topic.decision === null && topic.mediation === null;
}

/** Who can be no mediator: whoever has a word in it already. */
export function partiesOf({ topic, solutions }: Deliberation): readonly string[] {
  return [...new Set([...topic.electorate, ...solutions.map(({ author }) => author)])].toSorted();
}

/**
 * A mediator is asked, whatever the topic waited for: for a solution of its own, which is voted on
 * with the best from before. The round that was open is closed as it stands. Whoever writes this move
 * makes the mediator's task, or takes `withoutMediator` instead where nobody could take it.
 */
export function openMediation(deliberation: Deliberation, nowMs: number, why: string): TopicMove {
  const { topic } = deliberation;
  return {
    event: "mediation_opened",
    topic: {
      ...topic,
      state: "proposing",
      round: MEDIATED_ROUND,
      proposeUntilMs: nowMs + Math.max(MIN_SECONDS, topic.voteSeconds) * 1000,
      voteUntilMs: null,
      ballotIds: [],
      earlier: votedRounds(topic),
      mediation: {
        why,
        sinceMs: nowMs,
        best: bestOf(deliberation),
        taskId: null,
        mediator: null,
      },
    },
    why: `${why} A mediator is asked.`,
  };
}

/** The rounds voted in so far, for a topic that goes on to the next one. */
export function votedRounds({ round, ballotIds, earlier }: Topic): readonly VotedRound[] {
  return ballotIds.length === 0 ? earlier : [...earlier, { round, ballotIds }];
}

/** The two of the re-vote, or those that would be; all of them where nothing was voted on. */
function bestOf(deliberation: Deliberation): readonly string[] {
  const { topic, solutions } = deliberation;
  if (topic.ballotIds.length === 0) return solutions.map(({ id }) => id);
  return topic.round === 1 ? (revotePair(deliberation)?.pair ?? topic.ballotIds) : topic.ballotIds;
}

/** Nobody is there who could mediate: what there was no agreement about goes to a person. */
export function withoutMediator(deliberation: Deliberation, nowMs: number, why: string): TopicMove {
  return giveUp(deliberation, nowMs, `${why} No agent is present that could mediate.`);
}

/** @throws {GuvnorError} `not_holder` for everybody but the agent that holds the mediator's task. */
export function requireMediator({ topic, mediator }: Deliberation, agent: string): void {
  const { taskId, mediator: spoken } = topic.mediation ?? { taskId: null, mediator: null };
  if (agent === mediator && spoken === null) return;
  const wait = `read_board {"topic_id":"${topic.id}","wait_seconds":25}`;
  const isFree = mediator === undefined && spoken === null && !topic.electorate.includes(agent);
  throw new GuvnorError(
    "not_holder",
    `Only the mediator may speak on ${topic.id} now: ${spoken ?? mediator ?? `who takes ${taskId}`}.`,
    isFree ? `Take it with request_task {"task_id":"${taskId}"}.` : `Wait with ${wait}.`,
  );
}

/** The mediator has proposed or passed. */
export function withMediator(topic: Topic, mediator: string): Topic {
  return topic.mediation === null
    ? topic
    : { ...topic, mediation: { ...topic.mediation, mediator } };
}

/** Undefined while the mediator has time and has not spoken. */
export function dueMediation(deliberation: Deliberation, nowMs: number): TopicMove | undefined {
  const { topic } = deliberation;
  if (topic.mediation?.mediator !== null) return openMediatedVote(deliberation, nowMs);
  if (nowMs < topic.proposeUntilMs) return undefined;
  return giveUp(deliberation, nowMs, "No mediator has spoken in time.");
}

/** The best from before and what the mediator proposed, and the mediator votes too. */
function openMediatedVote(deliberation: Deliberation, nowMs: number): TopicMove {
  const { topic, solutions } = deliberation;
  const { best = [], mediator = null } = topic.mediation ?? {};
  const ballotIds = solutions
    .filter(({ id, author }) => best.includes(id) || author === mediator)
    .map(({ id }) => id);
  if (ballotIds.length === 0) {
    return giveUp(deliberation, nowMs, "There is nothing to vote on, and the mediator passed.");
  }
  return {
    event: "voting_opened",
    topic: {
      ...topic,
      state: "voting",
      ballotIds,
      voteUntilMs: nowMs + topic.voteSeconds * 1000,
    },
    why: `Voting is open on ${ballotIds.join(", ")}, with ${mediator} as mediator.`,
  };
}

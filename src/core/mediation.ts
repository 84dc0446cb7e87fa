import type { Solution, Topic, VotedRound } from "./board.ts";
import { withoutVetoed } from "./consensus/vetoes.ts";
import { GuvnorError } from "./errors.ts";
import { hasFailed, hasPassed, isMeasured } from "./solution-checks.ts";
import { giveUp, type TopicMove } from "./topic-move.ts";
import { MEDIATED_ROUND, revotePair, type Deliberation } from "./topic-record.ts";

/** Kind of the task that asks for a mediator. */
export const MEDIATION_TASK = "mediate";

/** What a topic waits for beside its members has as long as a vote takes, and never less. */
const MIN_SECONDS = 60;

/** For a mediator's word, and for checks that still run when proposing is over. */
export function secondsToWait({ voteSeconds }: Topic): number {
  return Math.max(MIN_SECONDS, voteSeconds);
}

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
      proposeUntilMs: nowMs + secondsToWait(topic) * 1000,
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

/**
 * The two of the re-vote, or those that would be; all that may pass where nothing was voted on. What
 * was vetoed once stays so.
 */
function bestOf(deliberation: Deliberation): readonly string[] {
  const { topic, solutions, ballots } = deliberation;
  if (topic.ballotIds.length === 0) {
    return solutions.filter((solution) => !hasFailed(solution)).map(({ id }) => id);
  }
  const best = topic.round === 1 ? revotePair(deliberation)?.pair : undefined;
  return withoutVetoed(best ?? topic.ballotIds, ballots);
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

/** The mediator has proposed or passed; what it proposed may have to be measured yet. */
export function withMediator(topic: Topic, mediator: string, nowMs: number): Topic {
  const { mediation } = topic;
  if (mediation === null) return topic;
  const proposeUntilMs = nowMs + secondsToWait(topic) * 1000;
  return { ...topic, proposeUntilMs, mediation: { ...mediation, mediator } };
}

/** Undefined while the mediator has time and has not spoken. */
export function dueMediation(deliberation: Deliberation, nowMs: number): TopicMove | undefined {
  const { topic } = deliberation;
  const isOver = nowMs >= topic.proposeUntilMs;
  if (!awaitsMediator(topic)) {
    const isDue = isOver || choicesOf(deliberation).every(isMeasured);
    return isDue ? openMediatedVote(deliberation, nowMs) : undefined;
  }
  if (!isOver) return undefined;
  return giveUp(deliberation, nowMs, "No mediator has spoken in time.");
}

/** The best from before and what the mediator proposed. */
function choicesOf({ topic, solutions }: Deliberation): readonly Solution[] {
  const { best = [], mediator = null } = topic.mediation ?? {};
  return solutions.filter(({ id, author }) => best.includes(id) || author === mediator);
}

/** Of those what has passed its checks is voted on, and the mediator votes too. */
function openMediatedVote(deliberation: Deliberation, nowMs: number): TopicMove {
  const { topic } = deliberation;
  const mediator = topic.mediation?.mediator ?? "";
  const ballotIds = choicesOf(deliberation)
    .filter(hasPassed)
    .map(({ id }) => id);
  if (ballotIds.length === 0) {
    const why = `With ${mediator} as mediator there is still nothing to vote on.`;
    return giveUp(deliberation, nowMs, why);
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

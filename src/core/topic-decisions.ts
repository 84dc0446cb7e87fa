import type { Decision, Solution, Topic, VotingMethod } from "./board.ts";
import { fixMethod, type Tally } from "./consensus/tally.ts";
import { GuvnorError } from "./errors.ts";
import {
  dueMediation,
  isMediating,
  openMediation,
  secondsToWait,
  votedRounds,
} from "./mediation.ts";
import { hasFailed, hasPassed, isMeasured } from "./solution-checks.ts";
import { decisionOf, giveUp, type TopicMove } from "./topic-move.ts";
import {
  hasTwoThirds,
  MEDIATED_ROUND,
  recordOf,
  revotePair,
  tallyRound,
  votersOf,
  type Deliberation,
} from "./topic-record.ts";

/** Whether ballots are taken: not any more where the vote has chosen and a person must confirm. */
export function takesBallots(topic: Topic): boolean {
  return topic.state === "voting" && topic.decision === null;
}

/** The vote has chosen something irreversible, and a person has not confirmed it yet. */
export function awaitsPerson(topic: Topic): boolean {
  return topic.state === "voting" && topic.decision !== null;
}

/** Whether what was cast may be shown: only when nothing more can be. */
export function isUnsealed(topic: Topic): boolean {
  return topic.decision !== null;
}

/** Who looks; of a resource only the process is known that reads it for its agents. */
export type TopicReader =
  | { readonly kind: "person" }
  | { readonly kind: "agent" | "process"; readonly name: string };

/** While solutions are taken, agents do not see those of others: each is to think for itself. */
export function isHidden(
  { state, mediation }: Pick<Topic, "state" | "mediation">,
  { author }: Pick<Solution, "author">,
  reader: TopicReader,
): boolean {
  // Where a mediator is asked, those of before have been voted on, or are to be.
  if (state !== "proposing" || mediation !== null || reader.kind === "person") return false;
  return reader.kind === "process" || reader.name !== author;
}

/** Whether this member has proposed something that may pass, or passed itself. */
export function hasSpoken(
  { topic, solutions }: Pick<Deliberation, "topic" | "solutions">,
  member: string,
): boolean {
  return (
    topic.passed.includes(member) ||
    solutions.some((solution) => solution.author === member && !hasFailed(solution))
  );
}

/**
 * What time or the last voice makes of a topic; undefined while there is nothing to do. After a move
 * there is nothing more to do at the same moment, so it can be asked as often as one likes.
 *
 * proposing –all spoke and nothing is measured any more, or deadline→ voting –all cast, or deadline→ decided, or one re-vote; then
 * proposing again, for a mediator only –it spoke→ voting → decided, or no_consensus. Of an irreversible
 * topic the vote only proposes: a person decides.
 */
export function dueMove(deliberation: Deliberation, nowMs: number): TopicMove | undefined {
  const { topic, ballots } = deliberation;
  if (isMediating(topic)) return dueMediation(deliberation, nowMs);
  if (topic.state === "proposing") {
    return dueProposing(deliberation, nowMs);
  }
  if (!takesBallots(topic)) return undefined;
  const voters = new Set(
    ballots.filter(({ round }) => round === topic.round).map(({ voter }) => voter),
  );
  const allCast = votersOf(topic).every((member) => voters.has(member));
  if (!allCast && nowMs < (topic.voteUntilMs ?? Infinity)) return undefined;
  return closeVoting(deliberation, nowMs);
}

function dueProposing(deliberation: Deliberation, nowMs: number): TopicMove | undefined {
  const { topic, solutions } = deliberation;
  const isOver = nowMs >= topic.proposeUntilMs;
  const allMeasured = solutions.every(isMeasured);
  const isWaiting = !takesSolutions(topic);
  const allSpoke = topic.electorate.every((member) => hasSpoken(deliberation, member));
  if (allMeasured && (isOver || isWaiting || allSpoke)) return openVoting(deliberation, nowMs);
  if (!isOver) return undefined;
  return isWaiting ? openVoting(deliberation, nowMs) : awaitChecks(topic, nowMs);
}

function awaitChecks(topic: Topic, nowMs: number): TopicMove {
  const { checks } = topic;
  if (checks === null) throw new Error(`${topic.id} has no checks to wait for`);
  return {
    event: "checks_awaited",
    topic: {
      ...topic,
      checks: { ...checks, waitingSinceMs: nowMs },
      proposeUntilMs: nowMs + secondsToWait(topic) * 1000,
    },
    why: "Proposing is over; some checks are still running.",
  };
}

/** From here on solutions, method and ballot stand. A topic without solutions goes to a person. */
export function openVoting(deliberation: Deliberation, nowMs: number): TopicMove {
  const { topic } = deliberation;
  if (deliberation.solutions.length === 0) {
    return giveUp(deliberation, nowMs, "Nobody proposed a solution.");
  }
  const solutions = deliberation.solutions.filter(hasPassed);
  if (solutions.length === 0) {
    return openMediation(deliberation, nowMs, "No solution has passed its checks.");
  }
  if (topic.mediate === "first") {
    return openMediation(deliberation, nowMs, "It was opened for a vote with a mediator.");
  }
  const method = fixMethod(topic.method, solutions.length);
  return {
    event: "voting_opened",
    topic: {
      ...topic,
      state: "voting",
      method,
      ballotIds: solutions.map(({ id }) => id),
      voteUntilMs: nowMs + topic.voteSeconds * 1000,
    },
    why: `Voting is open by ${method} on ${solutions.map(({ id }) => id).join(", ")}.`,
  };
}

/**
 * Nobody is there who could mediate. Where a mediator was only wanted from the start, the members vote
 * without one; what they could not agree on goes to a person.
 */
export function withoutMediator(deliberation: Deliberation, nowMs: number, why: string): TopicMove {
  const { topic } = deliberation;
  const note = "No agent is present that could mediate.";
  if (topic.state === "proposing" && topic.mediate === "first") {
    const members: Topic = { ...topic, mediate: "last" };
    const move = openVoting({ ...deliberation, topic: members }, nowMs);
    if (move.event === "voting_opened") return { ...move, why: `${note} ${move.why}` };
  }
  return giveUp(deliberation, nowMs, `${why} ${note}`);
}

function closeVoting(deliberation: Deliberation, nowMs: number): TopicMove {
  const { topic } = deliberation;
  const tally = tallyRound(deliberation, topic.round);
  if (tally.outcome === "decided" && !topic.irreversible) {
    const why = describeWin(tally);
    const decision = decisionOf(deliberation, tally.winner, why);
    return {
      event: "decided",
      topic: { ...topic, state: "decided", endedAtMs: nowMs, decision },
      why,
    };
  }
  if (tally.outcome === "decided" && hasTwoThirds(tally)) {
    const why = `${describeWin(tally)} It is irreversible: a person must confirm it.`;
    const decision = decisionOf(deliberation, tally.winner, why);
    return {
      event: "awaits_person",
      // Without a deadline it is never due again.
      topic: { ...topic, voteUntilMs: null, decision },
      why,
      ask: { kind: "policy", severity: "high" },
    };
  }
  const why = describeFailure(tally);
  if (topic.round === MEDIATED_ROUND) return giveUp(deliberation, nowMs, why);
  const revote = topic.round === 1 ? revotePair(deliberation) : undefined;
  if (revote === undefined) return openMediation(deliberation, nowMs, why);
  return {
    event: "revote_opened",
    topic: {
      ...topic,
      round: 2,
      ballotIds: revote.pair,
      earlier: votedRounds(topic),
      voteUntilMs: nowMs + topic.voteSeconds * 1000,
    },
    why: `No winner in the first round. ${revote.note}`,
  };
}

function describeWin(tally: Extract<Tally, { outcome: "decided" }>): string {
  const { cast, of } = tally.quorum;
  const against =
    tally.dissent.length === 0
      ? "nobody was for another"
      : `${tally.dissent.length} ${tally.dissent.length === 1 ? "was" : "were"} not for it`;
  return `${tally.winner} won by ${tally.method}: ${cast} of ${of} voted, ${against}.`;
}

function describeFailure(tally: Tally): string {
  if (tally.outcome === "decided") return `${tally.winner} leads with less than two thirds.`;
  const { needed, cast, of } = tally.quorum;
  return {
    quorum: `${cast} of ${of} voted; the quorum is ${needed}.`,
    tie: "The vote is a tie.",
    no_majority: TOO_FEW[tally.method],
    vetoed: "Every solution was vetoed.",
  }[tally.reason];
}

const TOO_FEW: Readonly<Record<VotingMethod, string>> = {
  majority: "No solution has more than half of the votes.",
  schulze: "No solution beats all others.",
  supermajority: "No solution has two thirds of the votes.",
  unanimity: "Not all put the same solution first.",
  approval: "No solution is approved by more than half.",
};

/**
 * A person may decide at any time, until it is decided; none of the solutions is a decision too.
 * What was cast so far stays in the record.
 *
 * @throws {GuvnorError} `state_conflict` or `solution_unknown`.
 */
export function decideByPerson(
  deliberation: Deliberation,
  { winner, person, reason }: { winner: string | null; person: string; reason: string },
  nowMs: number,
): TopicMove {
  const { topic, solutions } = deliberation;
  requireUndecided(topic);
  const ids = solutions.map(({ id }) => id);
  if (winner !== null && !ids.includes(winner)) {
    throw new GuvnorError(
      "solution_unknown",
      `${topic.id} has no solution ${winner.slice(0, 32)}.`,
      ids.length === 0
        ? "Decide for none of them."
        : `Decide for one of ${ids.join(", ")}, or for none.`,
    );
  }
  const decision: Decision = { winner, by: "person", reason, tally: recordOf(deliberation) };
  return {
    event: "decided",
    topic: { ...topic, state: "decided", endedAtMs: nowMs, decision },
    why: `${person} decided for ${winner ?? "none of the solutions"}: ${reason}`,
  };
}

/**
 * A person may take the question back, until it is decided.
 *
 * @throws {GuvnorError} `state_conflict`.
 */
export function withdraw(
  deliberation: Deliberation,
  { person, reason }: { person: string; reason: string },
  nowMs: number,
): TopicMove {
  const { topic } = deliberation;
  requireUndecided(topic);
  const decision: Decision = { winner: null, by: "person", reason, tally: recordOf(deliberation) };
  return {
    event: "withdrawn",
    topic: { ...topic, state: "withdrawn", voteUntilMs: null, endedAtMs: nowMs, decision },
    why: `${person} withdrew it: ${reason}`,
  };
}

function requireUndecided({ id, state }: Topic): void {
  if (state !== "decided" && state !== "withdrawn") return;
  throw new GuvnorError(
    "state_conflict",
    `${id} is ${state} already.`,
    "Open a new topic to decide otherwise.",
  );
}

/** The same topic after a time in which nobody could speak: what was left of its own is left. */
export function prolong(topic: Topic, { fromMs, toMs }: { fromMs: number; toMs: number }): Topic {
  if (topic.state === "proposing") {
    const sinceMs = topic.mediation?.sinceMs ?? topic.checks?.waitingSinceMs ?? topic.createdAtMs;
    const lostMs = Math.max(0, toMs - Math.max(fromMs, sinceMs));
    return { ...topic, proposeUntilMs: topic.proposeUntilMs + lostMs };
  }
  if (!takesBallots(topic) || topic.voteUntilMs === null) return topic;
  const openedMs = topic.voteUntilMs - topic.voteSeconds * 1000;
  const lostMs = Math.max(0, toMs - Math.max(fromMs, openedMs));
  return { ...topic, voteUntilMs: topic.voteUntilMs + lostMs };
}

/** @throws {GuvnorError} `not_electorate`. */
export function requireMember(topic: Topic, agent: string): void {
  if (votersOf(topic).includes(agent)) return;
  throw new GuvnorError(
    "not_electorate",
    `You are not in the electorate of ${topic.id}: ${votersOf(topic).join(", ")}.`,
    "Leave it to them; tell one of them what you know.",
  );
}

/** The roles by which this member may veto. */
export function vetoRolesOf({ veto }: Topic, member: string): readonly string[] {
  return veto.filter(({ members }) => members.includes(member)).map(({ role }) => role);
}

/** @throws {GuvnorError} `not_eligible` where this member may not veto. */
export function requireVeto(topic: Topic, member: string): void {
  if (vetoRolesOf(topic, member).length > 0) return;
  const { veto } = topic;
  const who = veto.map(({ role, members }) => `${role} (${members.join(", ")})`).join(", ");
  throw new GuvnorError(
    "not_eligible",
    veto.length === 0
      ? `Nobody may veto on ${topic.id}.`
      : `Only these roles may veto on ${topic.id}: ${who}.`,
    "Send your ballot without veto.",
  );
}

/** Whether members may propose: not any more where the vote only waits for checks. */
export function takesSolutions({ state, checks }: Topic): boolean {
  return state === "proposing" && (checks?.waitingSinceMs ?? null) === null;
}

/** @throws {GuvnorError} `topic_closed` when solutions are taken no more. */
export function requireProposing(topic: Topic): void {
  if (takesSolutions(topic)) return;
  const fix = takesBallots(topic)
    ? `Vote on what is there: read_board {"topic_id":"${topic.id}"}.`
    : `Read how it ended: read_board {"topic_id":"${topic.id}"}.`;
  throw new GuvnorError(
    "topic_closed",
    `${topic.id} takes no more solutions: ${topic.state === "proposing" ? "its checks are running" : `it is ${topic.state}`}.`,
    fix,
  );
}

/** @throws {GuvnorError} `topic_closed` after the vote, `state_conflict` before it. */
export function requireVoting(topic: Topic): void {
  if (takesBallots(topic)) return;
  if (isMediating(topic)) {
    throw new GuvnorError(
      "state_conflict",
      `${topic.id} waits for its mediator; the next vote is not open yet.`,
      `Wait with read_board {"topic_id":"${topic.id}","wait_seconds":25}.`,
    );
  }
  if (topic.state === "proposing") {
    throw new GuvnorError(
      "state_conflict",
      `${topic.id} still takes solutions; voting is not open yet.`,
      `Propose or pass with propose_solution, then wait with read_board {"topic_id":"${topic.id}","wait_seconds":25}.`,
    );
  }
  const what = awaitsPerson(topic)
    ? "its vote is over and a person must confirm it"
    : `it is ${topic.state}`;
  throw new GuvnorError(
    "topic_closed",
    `${topic.id} takes no more ballots: ${what}.`,
    `Read how it ended: read_board {"topic_id":"${topic.id}"}.`,
  );
}

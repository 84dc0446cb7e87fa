import type { Decision, Solution, Topic, VotingMethod } from "./board.ts";
import { fixMethod, type Tally } from "./consensus/tally.ts";
import { GuvnorError } from "./errors.ts";
import type { Escalation } from "./escalation.ts";
import {
  hasTwoThirds,
  recordOf,
  revotePair,
  tallyRound,
  type Deliberation,
} from "./topic-record.ts";

/** What happens to a topic; the ledger names it. */
type TopicEvent =
  | "opened"
  | "voting_opened"
  | "revote_opened"
  | "decided"
  /** The vote has chosen something irreversible; the topic stays `voting`, closed, until a person decides. */
  | "awaits_person"
  | "no_consensus";

export interface TopicMove {
  readonly event: TopicEvent;
  readonly topic: Topic;
  /** One sentence for everybody concerned. */
  readonly why: string;
  /** What a person must be asked now. */
  readonly ask?: Pick<Escalation, "kind" | "severity">;
}

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
  { state }: Pick<Topic, "state">,
  { author }: Pick<Solution, "author">,
  reader: TopicReader,
): boolean {
  if (state !== "proposing" || reader.kind === "person") return false;
  return reader.kind === "process" || reader.name !== author;
}

/** Whether this member has proposed or passed. */
export function hasSpoken(
  { topic, solutions }: Pick<Deliberation, "topic" | "solutions">,
  member: string,
): boolean {
  return topic.passed.includes(member) || solutions.some(({ author }) => author === member);
}

/**
 * What time or the last voice makes of a topic; undefined while there is nothing to do. After a move
 * there is nothing more to do at the same moment, so it can be asked as often as one likes.
 *
 * proposing –all spoke, or deadline→ voting –all cast, or deadline→ decided, or one re-vote, or
 * no_consensus. Of an irreversible topic the vote only proposes: a person decides.
 */
export function dueMove(deliberation: Deliberation, nowMs: number): TopicMove | undefined {
  const { topic, ballots } = deliberation;
  if (topic.state === "proposing") {
    const allSpoke = topic.electorate.every((member) => hasSpoken(deliberation, member));
    if (!allSpoke && nowMs < topic.proposeUntilMs) return undefined;
    return openVoting(deliberation, nowMs);
  }
  if (!takesBallots(topic)) return undefined;
  const voters = new Set(
    ballots.filter(({ round }) => round === topic.round).map(({ voter }) => voter),
  );
  const allCast = topic.electorate.every((member) => voters.has(member));
  if (!allCast && nowMs < (topic.voteUntilMs ?? Infinity)) return undefined;
  return closeVoting(deliberation, nowMs);
}

/** From here on solutions, method and ballot stand. A topic without solutions goes to a person. */
export function openVoting(deliberation: Deliberation, nowMs: number): TopicMove {
  const { topic, solutions } = deliberation;
  if (solutions.length === 0) {
    return giveUp(deliberation, nowMs, "Nobody proposed a solution.");
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
  const revote = topic.round === 1 ? revotePair(deliberation) : undefined;
  if (revote === undefined) return giveUp(deliberation, nowMs, why);
  return {
    event: "revote_opened",
    topic: {
      ...topic,
      round: 2,
      ballotIds: revote.pair,
      voteUntilMs: nowMs + topic.voteSeconds * 1000,
    },
    why: `No winner in the first round. ${revote.note}`,
  };
}

/** Everything that rules can do was done. */
function giveUp(deliberation: Deliberation, nowMs: number, why: string): TopicMove {
  const { topic } = deliberation;
  const decision = decisionOf(deliberation, null, why);
  return {
    event: "no_consensus",
    topic: { ...topic, state: "no_consensus", voteUntilMs: null, endedAtMs: nowMs, decision },
    why,
    ask: { kind: "conflict", severity: topic.irreversible ? "high" : "medium" },
  };
}

function decisionOf(deliberation: Deliberation, winner: string | null, reason: string): Decision {
  return { winner, by: "vote", reason, tally: recordOf(deliberation) };
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
  if (topic.state === "decided" || topic.state === "withdrawn") {
    throw new GuvnorError(
      "state_conflict",
      `${topic.id} is ${topic.state} already.`,
      "Open a new topic to decide otherwise.",
    );
  }
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

/** The same topic after a time in which nobody could speak: what was left of its own is left. */
export function prolong(topic: Topic, { fromMs, toMs }: { fromMs: number; toMs: number }): Topic {
  if (topic.state === "proposing") {
    const lostMs = Math.max(0, toMs - Math.max(fromMs, topic.createdAtMs));
    return { ...topic, proposeUntilMs: topic.proposeUntilMs + lostMs };
  }
  if (!takesBallots(topic) || topic.voteUntilMs === null) return topic;
  const openedMs = topic.voteUntilMs - topic.voteSeconds * 1000;
  const lostMs = Math.max(0, toMs - Math.max(fromMs, openedMs));
  return { ...topic, voteUntilMs: topic.voteUntilMs + lostMs };
}

/** @throws {GuvnorError} `not_electorate`. */
export function requireMember(topic: Topic, agent: string): void {
  if (topic.electorate.includes(agent)) return;
  throw new GuvnorError(
    "not_electorate",
    `You are not in the electorate of ${topic.id}: ${topic.electorate.join(", ")}.`,
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

/** @throws {GuvnorError} `topic_closed` when solutions are taken no more. */
export function requireProposing(topic: Topic): void {
  if (topic.state === "proposing") return;
  const fix = takesBallots(topic)
    ? `Vote on what is there: read_board {"topic_id":"${topic.id}"}.`
    : `Read how it ended: read_board {"topic_id":"${topic.id}"}.`;
  throw new GuvnorError(
    "topic_closed",
    `${topic.id} takes no more solutions: it is ${topic.state}.`,
    fix,
  );
}

/** @throws {GuvnorError} `topic_closed` after the vote, `state_conflict` before it. */
export function requireVoting(topic: Topic): void {
  if (takesBallots(topic)) return;
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

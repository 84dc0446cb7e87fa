import type { Ballot, Solution, Topic, VetoRole, VotingMethod } from "./board.ts";
import type { Candidate, CastBallot } from "./consensus/ballots.ts";
import type { VotedFirst } from "./consensus/conflicts.ts";
import { effectiveVoters } from "./consensus/effective-voters.ts";
import {
  runoffPair,
  standsBest,
  type Advantage,
  type RunoffPair,
} from "./consensus/runoff-pair.ts";
import { fixMethod, tallyTopic, type NoWinner, type Tally } from "./consensus/tally.ts";
import type { Vetoed } from "./consensus/vetoes.ts";
import { whyOff } from "./solution-checks.ts";

/** A topic with all that was said about it. */
export interface Deliberation {
  readonly topic: Topic;
  /** In order of id. */
  readonly solutions: readonly Solution[];
  /** Of all rounds. */
  readonly ballots: readonly Ballot[];
  /** While a mediator is asked: the agent that holds its task now. */
  readonly mediator?: string;
}

/** Follows the vote and the one re-vote. */
export const MEDIATED_ROUND = 3;

/** Who may vote in a round: the electorate, and with it the mediator once it has spoken. */
export function votersOf(topic: Topic, round = topic.round): readonly string[] {
  const { electorate, mediation } = topic;
  const mediator = mediation?.mediator ?? null;
  return round === MEDIATED_ROUND && mediator !== null
    ? [...electorate, mediator].toSorted()
    : electorate;
}

/**
 * How a topic was counted, as plain JSON: the same in the store, in the ledger and in answers. With
 * docs/consensus.md anybody can recompute the outcome from it.
 */
export type TopicRecord = VotingRules & {
  /** Solutions that did not pass what their topic asks of them; absent where there are none. */
  readonly off_ballot?: readonly { readonly id: string; readonly why: string }[];
  /** Why a mediator was asked; absent where none was. What was cast before then decides nothing. */
  readonly mediated?: string;
  readonly rounds: readonly RoundRecord[];
};

/** What was fixed when the topic was opened. */
export type VotingRules = {
  readonly electorate: readonly string[];
  readonly quorum: number;
  readonly irreversible: boolean;
  /** As fixed when voting opened; null where it never did and nobody asked for one. */
  readonly method: VotingMethod | null;
  readonly veto: readonly VetoRole[];
  /** By member; whoever registered none is absent. */
  readonly models: Readonly<Record<string, string>>;
};

export type RoundRecord = {
  readonly round: number;
  readonly method: VotingMethod;
  /** Voted too, beside the electorate. */
  readonly mediator?: string;
  readonly solutions: readonly {
    readonly id: string;
    readonly author: string;
    readonly created_at_ms: number;
    /** Absent where the author named no files. */
    readonly files?: number;
  }[];
  /** Sorted by voter. */
  readonly ballots: readonly {
    readonly voter: string;
    readonly ranking: readonly string[];
    readonly abstain: boolean;
    /** Absent where there is none. */
    readonly veto?: readonly string[];
  }[];
  readonly cast: number;
  /** How many independent voters those who did not abstain are worth. */
  readonly n_eff: number;
  readonly abstained: readonly string[];
  /** Absent where there is none. */
  readonly vetoed?: readonly Vetoed[];
  readonly first_preferences: readonly { readonly id: string; readonly count: number }[];
  readonly pairs: readonly {
    readonly a: string;
    readonly b: string;
    readonly prefer_a: number;
    readonly prefer_b: number;
    readonly equal: number;
    readonly left_out: readonly string[];
  }[];
  /** With method schulze only. */
  readonly paths?: readonly {
    readonly from: string;
    readonly to: string;
    readonly strength: number;
  }[];
  /** With method approval only. */
  readonly approvals?: readonly {
    readonly id: string;
    readonly approved: number;
    readonly counted: number;
    readonly left_out: readonly string[];
  }[];
  /** Absent where there is none; then `no_winner` says why. */
  readonly winner?: string;
  readonly margin?: number;
  readonly dissent?: readonly string[];
  readonly no_winner?: NoWinner;
  /** Of irreversible topics: whether two thirds are for the winner. */
  readonly two_thirds?: boolean;
  /** How the two of the next round were picked. */
  readonly revote?: {
    readonly pair: readonly [string, string];
    readonly picked_by: RunoffPair["pickedBy"];
    readonly note: string;
  };
};

/** One round, with nothing but what its record says too: so it can be counted again from that. */
export interface Round {
  readonly round: number;
  readonly method: VotingMethod | undefined;
  /** Votes too, beside the electorate. */
  readonly mediator: string | undefined;
  readonly solutions: readonly Candidate[];
  readonly ballots: readonly CastBallot[];
  /** Whether the re-vote followed. */
  readonly hasRevote: boolean;
}

/** Counts one round; 1 is over all solutions, 2 over the two that were left, 3 with the mediator's. */
export function tallyRound(deliberation: Deliberation, round: number): Tally {
  return tallyOf(rulesOf(deliberation.topic), roundOf(deliberation, round));
}

/** The two for the re-vote; undefined where there are not two. */
export function revotePair(deliberation: Deliberation): RunoffPair | undefined {
  return runoffPair(candidatesOf(deliberation, 1), tallyRound(deliberation, 1));
}

/** What stood best in the last round that was voted in; undefined where nobody voted, or vetoes left nothing. */
export function bestOfLastRound(
  deliberation: Deliberation,
): { readonly id: string; readonly by: Advantage } | undefined {
  const { topic } = deliberation;
  const round = topic.ballotIds.length > 0 ? topic.round : topic.earlier.at(-1)?.round;
  if (round === undefined) return undefined;
  return standsBest(candidatesOf(deliberation, round), tallyRound(deliberation, round));
}

/**
 * A re-vote is between two and so by majority, unless more than that was asked for; with a mediator it
 * is by the number of solutions, whatever was asked for: it is there where that was not reached.
 */
export function methodOfRound(
  { method }: Pick<VotingRules, "method">,
  round: number,
  solutionCount: number,
): VotingMethod | null {
  if (round === MEDIATED_ROUND) return solutionCount === 0 ? null : fixMethod(null, solutionCount);
  if (round === 1 || method === "supermajority" || method === "unanimity") return method;
  return "majority";
}

/** Of the round that is voted in, or was last. */
export function methodNow(topic: Topic): VotingMethod | null {
  return methodOfRound(topic, topic.round, topic.ballotIds.length);
}

/** The two that stand best after a round without a winner; all of them where there are not two. */
export function bestOfRound(rules: VotingRules, round: Round): readonly string[] {
  const pair = runoffPair(round.solutions, tallyOf(rules, round))?.pair;
  return pair ?? round.solutions.map(({ id }) => id);
}

/**
 * Whether two thirds or more are for the winner: with approval, of those counted for it; of a single
 * solution, of those who did not abstain; else, on each of its pairs, of those counted on it.
 */
export function hasTwoThirds(tally: Tally): boolean {
  if (tally.outcome !== "decided") return false;
  const { winner } = tally;
  const approved = tally.approvals?.find(({ id }) => id === winner);
  if (approved !== undefined) return 3 * approved.approved >= 2 * approved.counted;
  if (tally.firstPreferences.length === 1) {
    const yes = tally.firstPreferences[0]?.count ?? 0;
    return 3 * yes >= 2 * (tally.quorum.cast - tally.abstained.length);
  }
  const isStanding = (id: string): boolean => tally.firstPreferences.some((each) => each.id === id);
  return tally.pairs
    .filter(({ a, b }) => (a === winner && isStanding(b)) || (b === winner && isStanding(a)))
    .every(({ a, preferA, preferB, equal }) => {
      const prefer = a === winner ? preferA : preferB;
      return 3 * prefer >= 2 * (preferA + preferB + equal);
    });
}

/** Everything that was counted so far; no rounds where voting never opened. */
export function recordOf(deliberation: Deliberation): TopicRecord {
  const { topic } = deliberation;
  const off = deliberation.solutions.flatMap((solution) => {
    const why = whyOff(solution);
    return why === undefined ? [] : [{ id: solution.id, why }];
  });
  const rules = rulesOf(topic);
  const rounds = topic.earlier.map(({ round }) => round);
  if (topic.ballotIds.length > 0) rounds.push(topic.round);
  return {
    ...rules,
    ...(off.length === 0 ? {} : { off_ballot: off }),
    ...(topic.mediation === null ? {} : { mediated: topic.mediation.why }),
    rounds: rounds.map((round) => countRound(rules, roundOf(deliberation, round))),
  };
}

export function rulesOf({
  electorate,
  quorum,
  irreversible,
  method,
  veto,
  models,
}: Pick<Topic, keyof VotingRules>): VotingRules {
  return { electorate, quorum, irreversible, method, veto, models };
}

/** Counts a round and says so, in full. */
export function countRound(rules: VotingRules, round: Round): RoundRecord {
  const tally = tallyOf(rules, round);
  const revote = round.hasRevote ? runoffPair(round.solutions, tally) : undefined;
  const voting = round.ballots.filter(({ abstain }) => !abstain).map(({ voter }) => voter);
  return {
    round: round.round,
    method: tally.method,
    ...(round.mediator === undefined ? {} : { mediator: round.mediator }),
    solutions: round.solutions.map(recordCandidate),
    ballots: round.ballots.toSorted((a, b) => (a.voter < b.voter ? -1 : 1)).map(recordBallot),
    cast: tally.quorum.cast,
    n_eff: effectiveVoters(voting, rules.models),
    abstained: tally.abstained,
    ...(tally.vetoed.length === 0 ? {} : { vetoed: tally.vetoed }),
    first_preferences: tally.firstPreferences,
    pairs: tally.pairs.map(({ a, b, preferA, preferB, equal, leftOut }) => {
      return { a, b, prefer_a: preferA, prefer_b: preferB, equal, left_out: leftOut };
    }),
    ...(tally.paths === undefined ? {} : { paths: tally.paths }),
    ...recordApprovals(tally),
    ...(tally.outcome === "decided"
      ? { winner: tally.winner, margin: tally.margin, dissent: tally.dissent }
      : { no_winner: tally.reason }),
    ...(rules.irreversible && tally.outcome === "decided"
      ? { two_thirds: hasTwoThirds(tally) }
      : {}),
    ...(revote === undefined
      ? {}
      : { revote: { pair: revote.pair, picked_by: revote.pickedBy, note: revote.note } }),
  };
}

function tallyOf(
  { electorate, quorum, veto }: VotingRules,
  { solutions, ballots, method, mediator }: Round,
): Tally {
  return tallyTopic({
    solutions,
    ballots,
    electorate: mediator === undefined ? electorate : [...electorate, mediator].toSorted(),
    quorum,
    vetoers: veto.flatMap(({ members }) => members),
    ...(method === undefined ? {} : { method }),
  });
}

function recordApprovals({ approvals }: Tally): Pick<RoundRecord, "approvals"> {
  if (approvals === undefined) return {};
  return {
    approvals: approvals.map(({ id, approved, counted, leftOut }) => {
      return { id, approved, counted, left_out: leftOut };
    }),
  };
}

function recordBallot({
  voter,
  ranking,
  abstain,
  veto = [],
}: CastBallot): RoundRecord["ballots"][number] {
  return { voter, ranking, abstain, ...(veto.length === 0 ? {} : { veto }) };
}

/** Whether there was, or is, a re-vote. */
export function hasRevote({ round, earlier }: Topic): boolean {
  return round === 2 || earlier.some((voted) => voted.round === 2);
}

function recordCandidate({
  id,
  author,
  createdAtMs = 0,
  fileCount,
}: Candidate): RoundRecord["solutions"][number] {
  if (fileCount === undefined) return { id, author, created_at_ms: createdAtMs };
  return { id, author, created_at_ms: createdAtMs, files: fileCount };
}

/** What recordOf made when it was decided; undefined before. */
export function recordedIn({ decision }: Topic): TopicRecord | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- topic-decisions.ts put it there
  return decision === null ? undefined : (decision.tally as TopicRecord);
}

/** First preferences of each round of a closed topic; none before. */
export function votedFirst(topic: Topic): readonly VotedFirst[] {
  return (recordedIn(topic)?.rounds ?? []).map((counted) => ({
    round: counted.round,
    supports: counted.first_preferences,
    voters: counted.cast - counted.abstained.length,
  }));
}

function roundOf(deliberation: Deliberation, round: number): Round {
  const { topic, ballots } = deliberation;
  const solutions = candidatesOf(deliberation, round);
  const mediator = round === MEDIATED_ROUND ? (topic.mediation?.mediator ?? undefined) : undefined;
  return {
    round,
    method: methodOfRound(topic, round, solutions.length) ?? undefined,
    mediator,
    solutions,
    ballots: ballots.filter((ballot) => ballot.round === round),
    hasRevote: round === 1 && hasRevote(topic),
  };
}

function candidatesOf(
  { topic, solutions }: Pick<Deliberation, "topic" | "solutions">,
  round: number,
): Candidate[] {
  const { ballotIds: on = [] } =
    [...topic.earlier, topic].find((voted) => voted.round === round) ?? {};
  return solutions.filter(({ id }) => on.includes(id)).map(candidateOf);
}

function candidateOf({ id, author, createdAtMs, files }: Solution): Candidate {
  if (files.length === 0) return { id, author, createdAtMs };
  return { id, author, createdAtMs, fileCount: new Set(files).size };
}

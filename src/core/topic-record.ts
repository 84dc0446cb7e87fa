import type { Ballot, Solution, Topic, VetoRole, VotingMethod } from "./board.ts";
import type { Candidate, CastBallot } from "./consensus/ballots.ts";
import { effectiveVoters } from "./consensus/effective-voters.ts";
import { runoffPair, type RunoffPair } from "./consensus/runoff-pair.ts";
import { tallyTopic, type NoWinner, type Tally } from "./consensus/tally.ts";
import type { Vetoed } from "./consensus/vetoes.ts";

/** A topic with all that was said about it. */
export interface Deliberation {
  readonly topic: Topic;
  /** In order of id. */
  readonly solutions: readonly Solution[];
  /** Of all rounds. */
  readonly ballots: readonly Ballot[];
}

/**
 * How a topic was counted, as plain JSON: the same in the store, in the ledger and in answers. With
 * docs/consensus.md anybody can recompute the outcome from it.
 */
export type TopicRecord = VotingRules & {
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
  readonly solutions: readonly Candidate[];
  readonly ballots: readonly CastBallot[];
  /** Whether another one followed. */
  readonly isFollowed: boolean;
}

/** Counts one round; 1 is over all solutions, 2 over the two that were left. */
export function tallyRound(deliberation: Deliberation, round: number): Tally {
  return tallyOf(rulesOf(deliberation.topic), roundOf(deliberation, round));
}

/** The two for the re-vote; undefined where there are not two. */
export function revotePair(deliberation: Deliberation): RunoffPair | undefined {
  return runoffPair(candidatesOf(deliberation, 1), tallyRound(deliberation, 1));
}

/** A re-vote is between two and so by majority, unless more than that was asked for. */
export function methodOfRound(
  { method }: Pick<VotingRules, "method">,
  round: number,
): VotingMethod | null {
  if (round === 1 || method === "supermajority" || method === "unanimity") return method;
  return "majority";
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
  const rules = rulesOf(topic);
  const voted = topic.ballotIds.length === 0 ? 0 : topic.round;
  return {
    ...rules,
    rounds: Array.from({ length: voted }, (_, index) =>
      countRound(rules, roundOf(deliberation, index + 1)),
    ),
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
  const revote = round.isFollowed ? runoffPair(round.solutions, tally) : undefined;
  const voting = round.ballots.filter(({ abstain }) => !abstain).map(({ voter }) => voter);
  return {
    round: round.round,
    method: tally.method,
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
  { solutions, ballots, method }: Round,
): Tally {
  return tallyTopic({
    solutions,
    ballots,
    electorate,
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

function roundOf(deliberation: Deliberation, round: number): Round {
  const { topic, ballots } = deliberation;
  return {
    round,
    method: methodOfRound(topic, round) ?? undefined,
    solutions: candidatesOf(deliberation, round),
    ballots: ballots.filter((ballot) => ballot.round === round),
    isFollowed: round < topic.round,
  };
}

function candidatesOf(
  { topic, solutions }: Pick<Deliberation, "topic" | "solutions">,
  round: number,
): Candidate[] {
  // The first round is over all of them.
  const on = round === topic.round ? topic.ballotIds : solutions.map(({ id }) => id);
  return solutions.filter(({ id }) => on.includes(id)).map(candidateOf);
}

function candidateOf({ id, author, createdAtMs, files }: Solution): Candidate {
  if (files.length === 0) return { id, author, createdAtMs };
  return { id, author, createdAtMs, fileCount: new Set(files).size };
}

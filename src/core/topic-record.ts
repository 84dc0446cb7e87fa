import type { Ballot, Solution, Topic, VotingMethod } from "./board.ts";
import type { Candidate } from "./consensus/ballots.ts";
import { runoffPair, type RunoffPair } from "./consensus/runoff-pair.ts";
import { tallyTopic, type Tally } from "./consensus/tally.ts";
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
export type TopicRecord = {
  readonly electorate: readonly string[];
  readonly quorum: number;
  readonly irreversible: boolean;
  /** Solutions that did not pass what their topic asks of them; absent where there are none. */
  readonly off_ballot?: readonly { readonly id: string; readonly why: string }[];
  readonly rounds: readonly RoundRecord[];
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
  }[];
  readonly cast: number;
  readonly abstained: readonly string[];
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
  /** Absent where there is none; then `no_winner` says why. */
  readonly winner?: string;
  readonly margin?: number;
  readonly dissent?: readonly string[];
  readonly no_winner?: "quorum" | "tie" | "no_majority";
  /** Of irreversible topics: whether the winner has two thirds on each of its pairs. */
  readonly two_thirds?: boolean;
  /** How the two of the next round were picked. */
  readonly revote?: {
    readonly pair: readonly [string, string];
    readonly picked_by: RunoffPair["pickedBy"];
    readonly note: string;
  };
};

/** Counts one round; 1 is over all solutions, 2 over the two that were left, 3 with the mediator's. */
export function tallyRound({ topic, solutions, ballots }: Deliberation, round: number): Tally {
  return tallyTopic({
    solutions: candidatesOf({ topic, solutions }, round),
    ballots: ballots.filter((ballot) => ballot.round === round),
    electorate: votersOf(topic, round),
    quorum: topic.quorum,
    ...methodOf(topic, round),
  });
}

/** The two for the re-vote; undefined where there are not two. */
export function revotePair(deliberation: Deliberation): RunoffPair | undefined {
  return runoffPair(candidatesOf(deliberation, 1), tallyRound(deliberation, 1));
}

/**
 * Whether at least two thirds of the voters counted prefer the winner to each rival; of a single
 * solution: whether at least two thirds of those who did not abstain said yes.
 */
export function hasTwoThirds(tally: Tally): boolean {
  if (tally.outcome !== "decided") return false;
  const { winner } = tally;
  if (tally.firstPreferences.length === 1) {
    const yes = tally.firstPreferences[0]?.count ?? 0;
    return 3 * yes >= 2 * (tally.quorum.cast - tally.abstained.length);
  }
  return tally.pairs
    .filter(({ a, b }) => a === winner || b === winner)
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
  const rounds = topic.earlier.map(({ round }) => round);
  if (topic.ballotIds.length > 0) rounds.push(topic.round);
  return {
    electorate: topic.electorate,
    quorum: topic.quorum,
    irreversible: topic.irreversible,
    ...(off.length === 0 ? {} : { off_ballot: off }),
    rounds: rounds.map((round) => recordRound(deliberation, round)),
  };
}

function recordRound(deliberation: Deliberation, round: number): RoundRecord {
  const { topic, ballots } = deliberation;
  const tally = tallyRound(deliberation, round);
  const revote = round === 1 && hasRevote(topic) ? revotePair(deliberation) : undefined;
  const mediator = round === MEDIATED_ROUND ? (topic.mediation?.mediator ?? null) : null;
  return {
    round,
    method: tally.method,
    ...(mediator === null ? {} : { mediator }),
    solutions: candidatesOf(deliberation, round).map(recordCandidate),
    ballots: ballots
      .filter((ballot) => ballot.round === round)
      .toSorted((a, b) => (a.voter < b.voter ? -1 : 1))
      .map(({ voter, ranking, abstain }) => ({ voter, ranking, abstain })),
    cast: tally.quorum.cast,
    abstained: tally.abstained,
    first_preferences: tally.firstPreferences,
    pairs: tally.pairs.map(({ a, b, preferA, preferB, equal, leftOut }) => {
      return { a, b, prefer_a: preferA, prefer_b: preferB, equal, left_out: leftOut };
    }),
    ...(tally.paths === undefined ? {} : { paths: tally.paths }),
    ...(tally.outcome === "decided"
      ? { winner: tally.winner, margin: tally.margin, dissent: tally.dissent }
      : { no_winner: tally.reason }),
    ...(topic.irreversible && tally.outcome === "decided"
      ? { two_thirds: hasTwoThirds(tally) }
      : {}),
    ...(revote === undefined
      ? {}
      : { revote: { pair: revote.pair, picked_by: revote.pickedBy, note: revote.note } }),
  };
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

/**
 * A re-vote is between two and so by majority, whatever the first round was; with a mediator it is by
 * the number of solutions.
 */
function methodOf(topic: Topic, round: number): { readonly method?: VotingMethod } {
  if (round === MEDIATED_ROUND) return {};
  if (round > 1) return { method: "majority" };
  return topic.method === null ? {} : { method: topic.method };
}

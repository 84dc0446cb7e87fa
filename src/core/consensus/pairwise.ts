import type { Candidate, CastBallot } from "./ballots.ts";

/** What the voters said about two solutions. preferA + preferB + equal = the voters counted. */
export type PairCount = {
  readonly a: string;
  readonly b: string;
  /** Voters who rank a above b. */
  readonly preferA: number;
  readonly preferB: number;
  /** Voters who rank neither; with approval those too who approve both. */
  readonly equal: number;
  /** Authors whose word on this pair was left out, sorted. */
  readonly leftOut: readonly string[];
};

/**
 * Counts every pair of solutions, each pair once, in the order of `solutions`.
 *
 * Who wrote one solution of a pair is left out of that pair where at least two voters remain who
 * wrote neither. Who wrote both has no side and is counted. Whether somebody is left out depends on
 * who voted, never on how: else ranking a solution higher could bring an author's vote against it
 * back in, and the count would not be monotonic.
 *
 * @param ballots - Valid ones that do not abstain, one per voter.
 * @param isOrdered - False: a ballot is a set, all that it names stand equal.
 */
export function countPairs(
  solutions: readonly Candidate[],
  ballots: readonly CastBallot[],
  isOrdered = true,
): PairCount[] {
  const ranks = ballots.map(({ voter, ranking }) => {
    return { voter, rankOf: new Map(ranking.map((id, rank) => [id, isOrdered ? rank : 0])) };
  });
  return solutions.flatMap((a, index) =>
    solutions.slice(index + 1).map((b) => countPair(a, b, ranks)),
  );
}

interface Ranks {
  readonly voter: string;
  /** 0 is best; solutions the voter did not rank are absent. */
  readonly rankOf: ReadonlyMap<string, number>;
}

function countPair(a: Candidate, b: Candidate, ballots: readonly Ranks[]): PairCount {
  const neither = ballots.filter(({ voter }) => voter !== a.author && voter !== b.author);
  const leavesOut = a.author !== b.author && neither.length >= 2;
  const counted = leavesOut ? neither : ballots;
  let preferA = 0;
  let preferB = 0;
  for (const { rankOf } of counted) {
    const rankA = rankOf.get(a.id) ?? Infinity;
    const rankB = rankOf.get(b.id) ?? Infinity;
    if (rankA < rankB) preferA += 1;
    if (rankB < rankA) preferB += 1;
  }
  const leftOut = leavesOut
    ? ballots.filter((ballot) => !neither.includes(ballot)).map(({ voter }) => voter)
    : [];
  return {
    a: a.id,
    b: b.id,
    preferA,
    preferB,
    equal: counted.length - preferA - preferB,
    leftOut: leftOut.toSorted(),
  };
}

import type { PairCount } from "./pairwise.ts";

/** Strongest path from one solution to another; strength 0 to 1, 0 where there is no path. */
export type PathStrength = {
  readonly from: string;
  readonly to: string;
  readonly strength: number;
};

interface SchulzeResult {
  /** Every ordered pair of solutions. */
  readonly paths: readonly PathStrength[];
  /** Those that no other beats by its strongest path; never empty, several in a tie. */
  readonly winners: readonly string[];
}

/**
 * The Schulze method (M. Schulze, "A new monotonic, clone-independent, reversal symmetric, and
 * Condorcet-consistent single-winner election method", Social Choice and Welfare 36, 2011,
 * 267–303), on pairwise fractions: a won pair links the winner to the loser with the share of the
 * voters counted on that pair who prefer the winner. Where all voters count on all pairs this is
 * the paper's "winning votes" divided by their number.
 *
 * Fractions of whole numbers this small are compared safely as doubles: equal ones divide to the
 * same double, different ones to different doubles in the right order.
 *
 * @param pairs - Each pair of `ids` once, as countPairs gives them.
 */
export function schulze(ids: readonly string[], pairs: readonly PairCount[]): SchulzeResult {
  const strengths = linkStrengths(ids, pairs);
  widenPaths(strengths);
  const strength = (from: number, to: number): number => strengths[from]?.[to] ?? 0;
  const winners = ids.filter((_id, candidate) =>
    ids.every((_rival, rival) => strength(candidate, rival) >= strength(rival, candidate)),
  );
  const paths = ids.flatMap((from, row) =>
    ids.flatMap((to, column) =>
      from === to ? [] : [{ from, to, strength: strength(row, column) }],
    ),
  );
  return { paths, winners };
}

/** Looks up strengths by the ids of the two ends; 0 for two that `paths` does not have. */
export function strengthBetween(
  paths: readonly PathStrength[],
): (from: string, to: string) => number {
  const rows = new Map<string, Map<string, number>>();
  for (const { from, to, strength } of paths) {
    const row = rows.get(from) ?? new Map<string, number>();
    rows.set(from, row.set(to, strength));
  }
  return (from, to) => rows.get(from)?.get(to) ?? 0;
}

function linkStrengths(ids: readonly string[], pairs: readonly PairCount[]): number[][] {
  const indexOf = new Map(ids.map((id, index) => [id, index]));
  const strengths = ids.map(() => ids.map(() => 0));
  for (const { a, b, preferA, preferB, equal } of pairs) {
    if (preferA === preferB) continue;
    const [winner, loser] = preferA > preferB ? [a, b] : [b, a];
    const row = strengths[indexOf.get(winner) ?? -1];
    const column = indexOf.get(loser);
    if (row === undefined || column === undefined) continue;
    row[column] = Math.max(preferA, preferB) / (preferA + preferB + equal);
  }
  return strengths;
}

/** Floyd and Warshall's algorithm for widest paths: a path is as strong as its weakest link. */
function widenPaths(strengths: number[][]): void {
  for (const [via, onward] of strengths.entries()) {
    for (const row of strengths) {
      const toVia = row[via] ?? 0;
      for (const [to, direct] of row.entries()) {
        row[to] = Math.max(direct, Math.min(toVia, onward[to] ?? 0));
      }
    }
  }
}

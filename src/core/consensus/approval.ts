import type { Candidate, CastBallot } from "./ballots.ts";
import type { Verdict } from "./first-choices.ts";

/** How many approve of a solution, of the voters counted for it. */
export type Approvals = {
  readonly id: string;
  readonly approved: number;
  readonly counted: number;
  /** Its author, where it voted and its word was left out. */
  readonly leftOut: readonly string[];
};

/**
 * Counts approvals (S. Brams and P. Fishburn, "Approval Voting", American Political Science Review 72,
 * 1978, 831–847). What an author says of its own solution is left out, a yes and a no alike, where two
 * other voters remain. Who wrote all of several has no side and is counted. As with pairs, whether
 * it is left out depends on who voted, never on how.
 *
 * @param ballots - Valid ones that do not abstain, one per voter.
 */
export function countApprovals(
  solutions: readonly Candidate[],
  ballots: readonly CastBallot[],
): Approvals[] {
  const authors = new Set(solutions.map(({ author }) => author));
  const haveSides = solutions.length === 1 || authors.size > 1;
  return solutions.map(({ id, author }) => {
    const others = ballots.filter(({ voter }) => voter !== author);
    const counted = haveSides && others.length >= 2 ? others : ballots;
    return {
      id,
      approved: counted.filter(({ ranking }) => ranking.includes(id)).length,
      counted: counted.length,
      leftOut: counted.length < ballots.length ? [author] : [],
    };
  });
}

/** 0 to 1. Equal shares of numbers this small divide to the same double, others in the right order. */
export function shareOf({ approved, counted }: Approvals): number {
  return counted === 0 ? 0 : approved / counted;
}

/**
 * The solution with the greatest share of approvals, where that is more than half of those counted
 * for it. As many approve of another one: a tie. With one solution its rival is the no.
 */
export function approvalWinner(approvals: readonly Approvals[]): Verdict {
  const shares = approvals.map(shareOf);
  const isCounted = approvals.some(({ counted }) => counted > 0);
  const rivals = shares.length === 1 && isCounted ? shares.map((share) => 1 - share) : [];
  const [first = 0, second = 0] = [...shares, ...rivals].toSorted((a, b) => b - a);
  if (first > 0 && first === second) return { winner: undefined, reason: "tie" };
  const best = approvals.find(
    (each) => shareOf(each) === first && each.approved * 2 > each.counted,
  );
  if (best === undefined) return { winner: undefined, reason: "no_majority" };
  return { winner: best.id, margin: first - second };
}

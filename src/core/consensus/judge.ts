import type { VotingMethod } from "../board.ts";
import { approvalWinner, countApprovals, type Approvals } from "./approval.ts";
import type { Candidate, CastBallot } from "./ballots.ts";
import {
  firstChoiceWinner,
  type FirstChoiceMethod,
  type Support,
  type Verdict,
} from "./first-choices.ts";
import type { PairCount } from "./pairwise.ts";
import { schulze, strengthBetween, type PathStrength } from "./schulze.ts";

/** What is left once vetoed solutions are struck, at least one solution. */
export interface Standing {
  readonly solutions: readonly Candidate[];
  /** Of those who did not abstain. */
  readonly ballots: readonly CastBallot[];
  /** Of the standing solutions. */
  readonly firstPreferences: readonly Support[];
  readonly pairs: readonly PairCount[];
}

/** A verdict with what it was read from, where the method looks at more than pairs and first choices. */
export interface Judged {
  readonly verdict: Verdict;
  readonly paths?: readonly PathStrength[];
  readonly approvals?: readonly Approvals[];
}

/** Applies one method; docs/consensus.md says each in words. */
export function judge(method: VotingMethod, standing: Standing): Judged {
  if (method === "schulze") return bySchulze(standing);
  if (method === "approval") {
    const approvals = countApprovals(standing.solutions, standing.ballots);
    return { verdict: approvalWinner(approvals), approvals };
  }
  // All are all: with unanimity whoever wrote a solution has a say on it too.
  const isOfAll = method === "unanimity";
  return {
    verdict: isOfAll ? byFirstChoices(method, standing) : byPairOrFirstChoices(method, standing),
  };
}

/** Of two solutions their pair is counted, authors left out; else first choices. */
function byPairOrFirstChoices(method: FirstChoiceMethod, standing: Standing): Verdict {
  const [pair, another] = standing.pairs;
  if (pair === undefined || another !== undefined) return byFirstChoices(method, standing);
  const supports = [
    { id: pair.a, count: pair.preferA },
    { id: pair.b, count: pair.preferB },
  ];
  return firstChoiceWinner(method, supports, pair.preferA + pair.preferB + pair.equal);
}

function byFirstChoices(method: FirstChoiceMethod, standing: Standing): Verdict {
  return firstChoiceWinner(method, standing.firstPreferences, standing.ballots.length);
}

function bySchulze({ firstPreferences, pairs }: Standing): Judged {
  const ids = firstPreferences.map(({ id }) => id);
  const { paths, winners } = schulze(ids, pairs);
  const [winner, another] = winners;
  if (winner === undefined || another !== undefined) {
    return { verdict: { winner: undefined, reason: "tie" }, paths };
  }
  const strength = strengthBetween(paths);
  const leads = ids
    .filter((id) => id !== winner)
    .map((rival) => strength(winner, rival) - strength(rival, winner));
  return { verdict: { winner, margin: Math.min(...leads) }, paths };
}

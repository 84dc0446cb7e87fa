import { GuvnorError } from "../errors.ts";

/** A solution on the ballot, as far as counting needs it. */
export interface Candidate {
  readonly id: string;
  readonly author: string;
  readonly createdAtMs?: number;
  readonly fileCount?: number;
}

export interface CastBallot {
  readonly voter: string;
  /** Solution ids, best first; those left out are equal last. With approval: those approved, in any order. */
  readonly ranking: readonly string[];
  /** Solutions that must not win; only of voters who may veto. */
  readonly veto?: readonly string[];
  /** Counts for the quorum and for nothing else. */
  readonly abstain: boolean;
}

/**
 * Checks one ballot against the solutions it may rank. An empty ranking without `abstain` supports
 * none of them.
 *
 * @throws {GuvnorError} `solution_unknown` when it names an id that is not on the ballot;
 *   `input_invalid` when it names one twice, or ranks and abstains at once.
 */
export function validateBallot(
  ballot: Pick<CastBallot, "ranking" | "veto" | "abstain">,
  solutionIds: readonly string[],
): void {
  const { ranking, veto = [], abstain } = ballot;
  const named = [...ranking, ...veto];
  const unknown = [...new Set(named)].filter((id) => !solutionIds.includes(id));
  if (unknown.length > 0) {
    throw new GuvnorError(
      "solution_unknown",
      `Not on the ballot: ${unknown.join(", ")}.`,
      `Name ids among ${solutionIds.join(", ")}.`,
      { details: { unknown, solutions: solutionIds } },
    );
  }
  const repeated = named.filter((id, index) => named.indexOf(id) !== index);
  if (repeated.length > 0) {
    const message = `The ballot names ${repeated.join(", ")} more than once.`;
    const fix = "Name each solution at most once, in ballot or in veto.";
    throw new GuvnorError("input_invalid", message, fix);
  }
  if (abstain && ranking.length > 0) {
    throw new GuvnorError(
      "input_invalid",
      "The ballot ranks solutions and abstains at once.",
      "Send the ranking without abstain, or abstain with an empty ballot.",
    );
  }
}

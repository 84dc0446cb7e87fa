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
  /** Solution ids, best first. Those left out are equal last. */
  readonly ranking: readonly string[];
  /** Counts for the quorum and for nothing else. */
  readonly abstain: boolean;
}

/**
 * Checks one ballot against the solutions it may rank. An empty ranking without `abstain` supports
 * none of them.
 *
 * @throws {GuvnorError} `solution_unknown` when it ranks an id that is not on the ballot;
 *   `input_invalid` when it ranks one twice, or ranks and abstains at once.
 */
export function validateBallot(
  ballot: Pick<CastBallot, "ranking" | "abstain">,
  solutionIds: readonly string[],
): void {
  const { ranking, abstain } = ballot;
  const unknown = [...new Set(ranking)].filter((id) => !solutionIds.includes(id));
  if (unknown.length > 0) {
    throw new GuvnorError(
      "solution_unknown",
      `Not on the ballot: ${unknown.join(", ")}.`,
      `Rank ids among ${solutionIds.join(", ")}, best first.`,
      { details: { unknown, solutions: solutionIds } },
    );
  }
  const repeated = ranking.filter((id, index) => ranking.indexOf(id) !== index);
  if (repeated.length > 0) {
    const message = `The ballot ranks ${repeated.join(", ")} more than once.`;
    throw new GuvnorError("input_invalid", message, "Name each solution at most once.");
  }
  if (abstain && ranking.length > 0) {
    throw new GuvnorError(
      "input_invalid",
      "The ballot ranks solutions and abstains at once.",
      "Send the ranking without abstain, or abstain with an empty ballot.",
    );
  }
}

import type { Candidate, CastBallot } from "../../../src/core/consensus/ballots.ts";
import type { TallyInput } from "../../../src/core/consensus/tally.ts";

/** Candidates by id, written by people who do not vote. */
export function candidates(ids: string): Candidate[] {
  return Array.from(ids, (id) => {
    return { id, author: `author-${id}` };
  });
}

/** Ballots from the notation of the literature: `5 ACBED` is five voters with A > C > B > E > D. */
export function ballots(...lines: readonly string[]): CastBallot[] {
  let voter = 0;
  return lines.flatMap((line) => {
    const [count, ranking = ""] = line.split(" ");
    return Array.from({ length: Number(count) }, () => {
      voter += 1;
      return { voter: `v${voter}`, ranking: Array.from(ranking), abstain: false };
    });
  });
}

export function abstention(voter: string): CastBallot {
  return { voter, ranking: [], abstain: true };
}

/** An election in which all who voted are the electorate and must have. */
export function election(ids: string, cast: readonly CastBallot[]): TallyInput {
  const electorate = cast.map(({ voter }) => voter);
  return { solutions: candidates(ids), ballots: cast, electorate, quorum: cast.length };
}

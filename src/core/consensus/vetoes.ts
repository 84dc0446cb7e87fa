import type { Candidate, CastBallot } from "./ballots.ts";

/** A solution that must not win, and who said so. */
export type Vetoed = {
  readonly id: string;
  /** Sorted. */
  readonly by: readonly string[];
};

/** In the order of the solutions. A veto holds whatever else is on the ballot, an abstention too. */
export function vetoedBy(
  solutions: readonly Candidate[],
  ballots: readonly CastBallot[],
): Vetoed[] {
  return solutions.flatMap(({ id }) => {
    const by = ballots.filter(({ veto = [] }) => veto.includes(id)).map(({ voter }) => voter);
    return by.length === 0 ? [] : [{ id, by: by.toSorted() }];
  });
}

/** Those that nobody vetoed on one of these ballots. */
export function withoutVetoed(
  ids: readonly string[],
  ballots: readonly Pick<CastBallot, "veto">[],
): readonly string[] {
  const vetoed = new Set(ballots.flatMap(({ veto = [] }) => veto));
  return ids.filter((id) => !vetoed.has(id));
}

/** The ballots as if some solutions had never been on them. */
export function strike(
  ballots: readonly CastBallot[],
  isStanding: (id: string) => boolean,
): CastBallot[] {
  return ballots.map(({ voter, ranking, abstain }) => {
    return { voter, ranking: ranking.filter(isStanding), abstain };
  });
}

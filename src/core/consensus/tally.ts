import type { VotingMethod } from "../board.ts";
import { GuvnorError } from "../errors.ts";
import type { Approvals } from "./approval.ts";
import { validateBallot, type Candidate, type CastBallot } from "./ballots.ts";
import type { Support } from "./first-choices.ts";
import { judge } from "./judge.ts";
import { countPairs, type PairCount } from "./pairwise.ts";
import type { PathStrength } from "./schulze.ts";
import { strike, vetoedBy, type Vetoed } from "./vetoes.ts";

/** Why nothing was chosen. `no_majority`: too few for any, by what the method asks for. */
export type NoWinner = "quorum" | "tie" | "no_majority" | "vetoed";

export interface TallyInput {
  /** On the ballot, at least one. */
  readonly solutions: readonly Candidate[];
  /** At most one per member; the order does not matter. */
  readonly ballots: readonly CastBallot[];
  /** Names of those who may vote, frozen when voting opened. */
  readonly electorate: readonly string[];
  /** Members who must cast; abstentions count. */
  readonly quorum: number;
  /** As fixed when voting opened; left out, the number of solutions decides. */
  readonly method?: VotingMethod;
  /** Members who may veto. */
  readonly vetoers?: readonly string[];
}

/**
 * Everything needed to recompute the outcome from what is printed here. A type and not an interface,
 * like all it is made of, so that it is plain JSON to the compiler too.
 */
export type TallyRecord = {
  readonly method: VotingMethod;
  readonly quorum: { readonly needed: number; readonly cast: number; readonly of: number };
  /** Members who cast a ballot to abstain, sorted. */
  readonly abstained: readonly string[];
  /** Solutions that could not win. */
  readonly vetoed: readonly Vetoed[];
  /** Of all ballots that do not abstain, vetoed solutions struck, in the order of the others; none with approval. */
  readonly firstPreferences: readonly Support[];
  /** Of all solutions, vetoed ones too. */
  readonly pairs: readonly PairCount[];
  /** With method schulze only. */
  readonly paths?: readonly PathStrength[];
  /** With method approval only. */
  readonly approvals?: readonly Approvals[];
};

export type Tally = TallyRecord &
  (
    | {
        readonly outcome: "decided";
        readonly winner: string;
        /**
         * Lead over the closest rival, 0 to 1: the share of voters; with schulze the difference of
         * the strongest paths.
         */
        readonly margin: number;
        /** Voters, not abstaining, who did not rank the winner first, or approve of it; sorted. */
        readonly dissent: readonly string[];
      }
    | { readonly outcome: "no_winner"; readonly reason: NoWinner }
  );

/** Half of the members, rounded up. */
export function defaultQuorum(members: number): number {
  return Math.ceil(members / 2);
}

/**
 * As asked for, else up to two solutions by majority, more by schulze. Of a single one an order says
 * no more than yes or no: that is majority.
 */
export function fixMethod(
  asked: VotingMethod | null | undefined,
  solutionCount: number,
): VotingMethod {
  const method = asked ?? (solutionCount > 2 ? "schulze" : "majority");
  return method === "schulze" && solutionCount === 1 ? "majority" : method;
}

/**
 * Counts a topic's ballots. The result depends on nothing else, so anyone can recompute it. Vetoed
 * solutions are struck from all ballots first.
 *
 * - majority, supermajority, unanimity: more than half, two thirds or more, or all of those who did not
 *   abstain put the winner first. Of two solutions the pair is counted, authors left out as in
 *   countPairs, but with unanimity. Of one solution it is a yes or no.
 * - schulze: the one solution that no other beats; all equal is a tie.
 * - approval: the greatest share of approvals, and more than half.
 *
 * @throws {GuvnorError} `input_invalid` for no or repeated solutions, a repeated member or voter,
 *   a quorum that is no count, or a veto of who has none; `not_electorate` for a stranger's ballot;
 *   what validateBallot throws.
 */
export function tallyTopic(input: TallyInput): Tally {
  checkInput(input);
  const { solutions, ballots, electorate, quorum } = input;
  const vetoed = vetoedBy(solutions, ballots);
  const isStanding = (id: string): boolean => vetoed.every((each) => each.id !== id);
  const standing = solutions.filter(({ id }) => isStanding(id));
  const fixed = fixMethod(input.method, solutions.length);
  const method = fixMethod(fixed, standing.length);
  // What is named first on a set means nothing.
  const isSet = method === "approval";
  const voting = ballots.filter((ballot) => !ballot.abstain);
  const abstained = ballots.filter((ballot) => ballot.abstain).map(({ voter }) => voter);
  const struck = strike(voting, isStanding);
  const base = {
    method,
    quorum: { needed: quorum, cast: ballots.length, of: electorate.length },
    abstained: abstained.toSorted(),
    vetoed,
    firstPreferences: isSet ? [] : countFirst(standing, struck),
    pairs: countPairs(solutions, voting, !isSet),
  } satisfies TallyRecord;
  if (standing.length === 0) return { ...base, outcome: "no_winner", reason: "vetoed" };
  const { verdict, ...readFrom } = judge(method, {
    solutions: standing,
    ballots: struck,
    firstPreferences: base.firstPreferences,
    pairs: base.pairs.filter(({ a, b }) => isStanding(a) && isStanding(b)),
  });
  const record: TallyRecord = { ...base, ...readFrom };
  if (ballots.length < quorum) return { ...record, outcome: "no_winner", reason: "quorum" };
  if (verdict.winner === undefined) {
    return { ...record, outcome: "no_winner", reason: verdict.reason };
  }
  const { winner, margin } = verdict;
  const dissent = struck.filter((ballot) => !supports(ballot, winner, method));
  return {
    ...record,
    outcome: "decided",
    winner,
    margin,
    dissent: dissent.map(({ voter }) => voter).toSorted(),
  };
}

function countFirst(solutions: readonly Candidate[], ballots: readonly CastBallot[]): Support[] {
  return solutions.map(({ id }) => {
    return { id, count: ballots.filter(({ ranking }) => ranking[0] === id).length };
  });
}

function supports({ ranking }: CastBallot, winner: string, method: VotingMethod): boolean {
  return method === "approval" ? ranking.includes(winner) : ranking[0] === winner;
}

function checkInput({ solutions, ballots, electorate, quorum, vetoers = [] }: TallyInput): void {
  const ids = solutions.map(({ id }) => id);
  const voters = ballots.map(({ voter }) => voter);
  if (ids.length === 0) throw badTally("there is no solution on the ballot");
  if (hasRepeats(ids)) throw badTally("a solution is on the ballot twice");
  if (hasRepeats(electorate)) throw badTally("a member is in the electorate twice");
  if (hasRepeats(voters)) throw badTally("a member has cast two ballots");
  if (!Number.isInteger(quorum) || quorum < 0) throw badTally(`the quorum is ${quorum}`);
  const members = new Set(electorate);
  const stranger = voters.find((voter) => !members.has(voter));
  if (stranger !== undefined) {
    throw new GuvnorError(
      "not_electorate",
      `${stranger} has cast a ballot but is no member of the electorate.`,
      "Count the ballots of members only.",
    );
  }
  for (const ballot of ballots) {
    validateBallot(ballot, ids);
    const isVeto = (ballot.veto ?? []).length > 0;
    if (isVeto && !vetoers.includes(ballot.voter)) throw badTally("a veto of who has none");
  }
}

function hasRepeats(names: readonly string[]): boolean {
  return new Set(names).size < names.length;
}

function badTally(what: string): GuvnorError {
  const fix = "Count each solution, member and ballot once, with a quorum from 0.";
  return new GuvnorError("input_invalid", `The ballots cannot be counted: ${what}.`, fix);
}

import type { VotingMethod } from "../board.ts";
import { GuvnorError } from "../errors.ts";
import { validateBallot, type Candidate, type CastBallot } from "./ballots.ts";
import { majorityWinner, type Support, type Verdict } from "./majority.ts";
import { countPairs, type PairCount } from "./pairwise.ts";
import { schulze, strengthBetween, type PathStrength } from "./schulze.ts";

export interface TallyInput {
  /** On the ballot, at least one. */
  readonly solutions: readonly Candidate[];
  /** At most one per member; the order does not matter. */
  readonly ballots: readonly CastBallot[];
  /** Names of those who may vote, frozen when voting opened. */
  readonly electorate: readonly string[];
  /** Members who must cast; abstentions count. */
  readonly quorum: number;
  /** As fixed when voting opened; left out, chooseMethod decides. */
  readonly method?: VotingMethod;
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
  /** Of all ballots that do not abstain, in the order of the solutions. */
  readonly firstPreferences: readonly Support[];
  readonly pairs: readonly PairCount[];
  /** With method schulze only. */
  readonly paths?: readonly PathStrength[];
};

export type Tally = TallyRecord &
  (
    | {
        readonly outcome: "decided";
        readonly winner: string;
        /**
         * Lead over the closest rival, 0 to 1: majority, the share of voters; schulze, the
         * difference of the strongest paths.
         */
        readonly margin: number;
        /** Voters, not abstaining, who did not rank the winner first; sorted. */
        readonly dissent: readonly string[];
      }
    | { readonly outcome: "no_winner"; readonly reason: "quorum" | "tie" | "no_majority" }
  );

/** Half of the members, rounded up. */
export function defaultQuorum(members: number): number {
  return Math.ceil(members / 2);
}

/** Up to two solutions are settled by majority, more by schulze. */
export function chooseMethod(solutionCount: number): VotingMethod {
  return solutionCount > 2 ? "schulze" : "majority";
}

/**
 * Counts a topic's ballots. The result depends on nothing else, so anyone can recompute it.
 *
 * - majority: more than half of those who did not abstain put the winner first. Of two solutions
 *   the pair is counted, authors left out as in countPairs. One solution is always a yes or no.
 * - schulze: the one solution that no other beats; all equal is a tie.
 *
 * @throws {GuvnorError} `input_invalid` for no or repeated solutions, a repeated member or voter,
 *   or a quorum that is no count; `not_electorate` for a stranger's ballot; what validateBallot
 *   throws.
 */
export function tallyTopic(input: TallyInput): Tally {
  checkInput(input);
  const { solutions, ballots, electorate, quorum } = input;
  const voting = ballots.filter((ballot) => !ballot.abstain);
  const abstained = ballots.filter((ballot) => ballot.abstain).map(({ voter }) => voter);
  const base = {
    method: solutions.length === 1 ? "majority" : (input.method ?? chooseMethod(solutions.length)),
    quorum: { needed: quorum, cast: ballots.length, of: electorate.length },
    abstained: abstained.toSorted(),
    firstPreferences: solutions.map(({ id }) => {
      return { id, count: voting.filter(({ ranking }) => ranking[0] === id).length };
    }),
    pairs: countPairs(solutions, voting),
  } satisfies TallyRecord;
  const { verdict, paths } =
    base.method === "majority"
      ? { verdict: byMajority(base, voting.length), paths: undefined }
      : bySchulze(base);
  const record: TallyRecord = paths === undefined ? base : { ...base, paths };
  if (ballots.length < quorum) return { ...record, outcome: "no_winner", reason: "quorum" };
  if (verdict.winner === undefined) {
    return { ...record, outcome: "no_winner", reason: verdict.reason };
  }
  const { winner, margin } = verdict;
  const dissent = voting.filter(({ ranking }) => ranking[0] !== winner).map(({ voter }) => voter);
  return { ...record, outcome: "decided", winner, margin, dissent: dissent.toSorted() };
}

function byMajority(record: TallyRecord, voters: number): Verdict {
  const [pair, another] = record.pairs;
  if (pair === undefined || another !== undefined) {
    return majorityWinner(record.firstPreferences, voters);
  }
  const supports = [
    { id: pair.a, count: pair.preferA },
    { id: pair.b, count: pair.preferB },
  ];
  return majorityWinner(supports, pair.preferA + pair.preferB + pair.equal);
}

function bySchulze(record: TallyRecord): { verdict: Verdict; paths: readonly PathStrength[] } {
  const ids = record.firstPreferences.map(({ id }) => id);
  const { paths, winners } = schulze(ids, record.pairs);
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

function checkInput({ solutions, ballots, electorate, quorum }: TallyInput): void {
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
  for (const ballot of ballots) validateBallot(ballot, ids);
}

function hasRepeats(names: readonly string[]): boolean {
  return new Set(names).size < names.length;
}

function badTally(what: string): GuvnorError {
  const fix = "Count each solution, member and ballot once, with a quorum from 0.";
  return new GuvnorError("input_invalid", `The ballots cannot be counted: ${what}.`, fix);
}

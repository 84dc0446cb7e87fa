import { VOTING_METHODS, type VotingMethod } from "../../src/core/board.ts";
import { tallyTopic } from "../../src/core/consensus/tally.ts";
import type { Random } from "../sim/random.ts";

/** Agents who look for the best of several solutions and are right with some probability. */
export interface Panel {
  /** 2 or 3 solutions; the first is the best. */
  readonly options: 2 | 3;
  /** How many agents of each model. */
  readonly models: readonly number[];
  /** Probability that an agent puts the best first. */
  readonly right: number;
  /** Probability that an agent says what its model says in common, instead of judging itself. */
  readonly follows: number;
}

/** What an agent thinks, as the digits of the solutions: by kind of ballot what it would cast. */
export interface Opinion {
  /** All, best first. */
  readonly order: string;
  /** Those it approves of, in order of number. */
  readonly set: string;
}

export type BallotKind = keyof Opinion;

/** How a method did: shares of all votes. */
export interface Accuracy {
  readonly right: number;
  /** It chose another than the best; the rest had no winner. */
  readonly wrong: number;
}

const OTHERS = ["12", "02", "01"] as const;

/** First one solution, then the others in their order or turned; with approval the first, or the first two. */
export function opinionOf(
  options: Panel["options"],
  first: 0 | 1 | 2,
  { turned, approvesTwo }: { readonly turned: boolean; readonly approvesTwo: boolean },
): Opinion {
  if (options === 2) return { order: first === 0 ? "01" : "10", set: `${first}` };
  const [one = "", two = ""] = OTHERS[first];
  const second = turned ? two : one;
  const both = `${first}` < second ? `${first}${second}` : `${second}${first}`;
  const order = `${first}${second}${turned ? one : two}`;
  return { order, set: approvesTwo ? both : `${first}` };
}

/** With probability `right` the best comes first; all else is drawn evenly. */
function drawOpinion({ options, right }: Panel, random: Random): Opinion {
  const isRight = random.chance(right);
  const wrong = options === 2 || random.chance(0.5) ? 1 : 2;
  const drawn = { turned: random.chance(0.5), approvesTwo: random.chance(0.5) };
  return opinionOf(options, isRight ? 0 : wrong, drawn);
}

/** What the agents of a panel think, in one vote. */
function drawPanel(panel: Panel, random: Random): Opinion[] {
  return panel.models.flatMap((agents) => {
    const common = drawOpinion(panel, random);
    return Array.from({ length: agents }, () =>
      random.chance(panel.follows) ? common : drawOpinion(panel, random),
    );
  });
}

const BALLOT_KINDS = ["order", "set"] as const;

/** The methods that ask for an order, or for a set. */

export function methodsOf(kind: BallotKind): readonly VotingMethod[] {
  return VOTING_METHODS.filter((method) => (method === "approval") === (kind === "set"));
}

/** Lets a panel vote many times by every method, as guvnor counts. Nobody votes on an own solution. */
export function measureAccuracy(
  panel: Panel,
  { votes, random }: { readonly votes: number; readonly random: Random },
): ReadonlyMap<VotingMethod, Accuracy> {
  const counts = new Map(VOTING_METHODS.map((method) => [method, { right: 0, wrong: 0 }]));
  const known = new Map<string, ReadonlyMap<VotingMethod, number | undefined>>();
  for (let vote = 0; vote < votes; vote += 1) {
    const opinions = drawPanel(panel, random);
    for (const kind of BALLOT_KINDS) {
      const ballots = opinions.map((opinion) => opinion[kind]);
      // Who cast which ballot does not matter (a test holds that), so each outcome is counted once.
      const key = `${kind} ${ballots.toSorted().join(" ")}`;
      const winners = known.get(key) ?? winnersOf(kind, panel.options, ballots);
      known.set(key, winners);
      for (const [method, winner] of winners) addTo(counts.get(method), winner);
    }
  }
  return new Map(
    [...counts].map(([method, { right, wrong }]) => [
      method,
      { right: right / votes, wrong: wrong / votes },
    ]),
  );
}

function addTo(
  count: { right: number; wrong: number } | undefined,
  winner: number | undefined,
): void {
  if (count === undefined || winner === undefined) return;
  if (winner === 0) count.right += 1;
  else count.wrong += 1;
}

function winnersOf(
  kind: BallotKind,
  options: number,
  ballots: readonly string[],
): ReadonlyMap<VotingMethod, number | undefined> {
  return new Map(methodsOf(kind).map((method) => [method, winnerOf(method, options, ballots)]));
}

function winnerOf(
  method: VotingMethod,
  options: number,
  ballots: readonly string[],
): number | undefined {
  const cast = ballots.map((text, index) => {
    return { voter: `v${index}`, ranking: Array.from(text), abstain: false };
  });
  const tally = tallyTopic({
    solutions: Array.from({ length: options }, (_, id) => {
      return { id: String(id), author: "nobody" };
    }),
    ballots: cast,
    electorate: cast.map(({ voter }) => voter),
    quorum: 1,
    method,
  });
  return tally.outcome === "decided" ? Number(tally.winner) : undefined;
}

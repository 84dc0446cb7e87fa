import type { VotingMethod } from "../../src/core/board.ts";
import {
  methodsOf,
  opinionOf,
  type Accuracy,
  type BallotKind,
  type Opinion,
  type Panel,
} from "./imperfect-voters.ts";

/** Probability of each key; they sum to 1. */
type Distribution = ReadonlyMap<string, number>;

/**
 * How often a method is right, exactly: the sum over all ways in which the ballots can fall, each with
 * its probability, judged by the method's definition in a few lines of its own.
 *
 * Agents of one model are drawn independently once what the model says in common is fixed, so the
 * ballots of n of them are a mixture of multinomial distributions: with probability P(c) of a common
 * ballot c each agent casts ballot b with probability (1 − f) P(b) + f [b = c]. Models are independent.
 * With two solutions and f = 0 this is Condorcet's formula.
 */
export function exactAccuracies(panel: Panel): ReadonlyMap<VotingMethod, Accuracy> {
  return new Map([...accuraciesOf(panel, "order"), ...accuraciesOf(panel, "set")]);
}

function accuraciesOf(panel: Panel, kind: BallotKind): ReadonlyMap<VotingMethod, Accuracy> {
  const single = ballotDistribution(panel, kind);
  const ballots = [...single.keys()];
  let all: Distribution = new Map([[ballots.map(() => 0).join(), 1]]);
  for (const agents of panel.models) all = convolve(all, groupDistribution(single, agents, panel));
  const found = new Map(methodsOf(kind).map((method) => [method, { right: 0, wrong: 0 }]));
  for (const [key, probability] of all) {
    const counts = new Map(
      key.split(",").map((count, index) => [ballots[index] ?? "", Number(count)]),
    );
    for (const [method, accuracy] of found) {
      const winner = judge(method, counts, panel.options);
      if (winner === 0) accuracy.right += probability;
      else if (winner !== undefined) accuracy.wrong += probability;
    }
  }
  return found;
}

/** The probability of k or more successes of n, each with probability p. */
export function atLeast(k: number, n: number, p: number): number {
  let sum = 0;
  let ways = 1;
  for (let successes = 0; successes <= n; successes += 1) {
    if (successes >= k) sum += ways * p ** successes * (1 - p) ** (n - successes);
    ways = (ways * (n - successes)) / (successes + 1);
  }
  return sum;
}

/** What one agent that judges itself puts on its ballot. */
function ballotDistribution(panel: Panel, kind: BallotKind): Distribution {
  const found = new Map<string, number>();
  for (const [opinion, probability] of opinions(panel)) {
    const ballot = opinion[kind];
    found.set(ballot, (found.get(ballot) ?? 0) + probability);
  }
  return found;
}

function opinions({ options, right }: Panel): readonly (readonly [Opinion, number])[] {
  const firsts = options === 2 ? ([0, 1] as const) : ([0, 1, 2] as const);
  const either = [true, false];
  return firsts.flatMap((first) => {
    const probability = first === 0 ? right : (1 - right) / (options - 1);
    return either.flatMap((turned) =>
      either.map(
        (approvesTwo) =>
          [opinionOf(options, first, { turned, approvesTwo }), probability / 4] as const,
      ),
    );
  });
}

/** How many of each ballot the agents of one model cast. */
function groupDistribution(single: Distribution, agents: number, { follows }: Panel): Distribution {
  const found = new Map<string, number>();
  for (const [common, weight] of follows === 0 ? [["", 1] as const] : single) {
    const each = [...single].map(
      ([ballot, probability]) => (1 - follows) * probability + (ballot === common ? follows : 0),
    );
    for (const [key, probability] of multinomial(each, agents)) {
      found.set(key, (found.get(key) ?? 0) + weight * probability);
    }
  }
  return found;
}

function multinomial(each: readonly number[], agents: number): Distribution {
  const one = new Map(
    each.map((probability, kind) => [
      each.map((_, other) => Number(other === kind)).join(),
      probability,
    ]),
  );
  let all: Distribution = new Map([[each.map(() => 0).join(), 1]]);
  for (let agent = 0; agent < agents; agent += 1) all = convolve(all, one);
  return all;
}

/** Of independent counts the counts together. */
function convolve(one: Distribution, two: Distribution): Distribution {
  const sum = new Map<string, number>();
  const parsed = [...two].map(
    ([key, probability]) => [key.split(",").map(Number), probability] as const,
  );
  for (const [key, first] of one) {
    const counts = key.split(",").map(Number);
    for (const [more, second] of parsed) {
      const both = counts.map((count, kind) => count + (more[kind] ?? 0)).join();
      sum.set(both, (sum.get(both) ?? 0) + first * second);
    }
  }
  return sum;
}

/** The method's definition for ballots that rank all; the number of the winner. */
function judge(
  method: VotingMethod,
  counts: ReadonlyMap<string, number>,
  options: number,
): number | undefined {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const those = (holds: (ballot: string) => boolean): number =>
    [...counts].reduce((sum, [ballot, count]) => sum + (holds(ballot) ? count : 0), 0);
  const all = Array.from({ length: options }, (_, option) => option);
  if (method === "schulze")
    return schulzeOf(all, (a, b) =>
      those((ballot) => ballot.indexOf(`${a}`) < ballot.indexOf(`${b}`)),
    );
  if (method === "approval") {
    const approvals = all.map((option) => those((ballot) => ballot.includes(`${option}`)));
    const most = Math.max(...approvals);
    const best = all.filter((option) => approvals[option] === most);
    return best.length === 1 && most * 2 > total ? best[0] : undefined;
  }
  const firsts = all.map((option) => those((ballot) => ballot.startsWith(`${option}`)));
  return all.find((option) => {
    const first = firsts[option] ?? 0;
    if (method === "majority") return first > total / 2;
    return method === "supermajority" ? first >= (total * 2) / 3 : first === total;
  });
}

/** Who wins each pair; of three in a cycle whose one defeat is the narrowest. For an odd number of voters. */
function schulzeOf(
  all: readonly number[],
  prefer: (a: number, b: number) => number,
): number | undefined {
  const defeats = all.map((option) =>
    all.flatMap((rival) => {
      const against = prefer(rival, option);
      return rival !== option && against > prefer(option, rival) ? [against] : [];
    }),
  );
  const winner = all.find((option) => defeats[option]?.length === 0);
  if (winner !== undefined) return winner;
  const worst = defeats.map((each) => Math.max(...each));
  const least = Math.min(...worst);
  const best = all.filter((option) => worst[option] === least);
  return best.length === 1 ? best[0] : undefined;
}

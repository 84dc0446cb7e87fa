/** A solution, as far as conflicts need it. */
export interface Contender {
  readonly id: string;
  /** Paths that its author says it changes. */
  readonly files: readonly string[];
  readonly commit: string | null;
}

/** First preferences of one round, of all ballots that do not abstain. */
export interface VotedFirst {
  readonly round: number;
  readonly supports: readonly { readonly id: string; readonly count: number }[];
  readonly voters: number;
}

/** Whether two commits merge; what was not tried is "unknown". */
export type Merge = "clean" | "conflict" | "unknown";

export type Conflict = {
  readonly a: string;
  readonly b: string;
  /** What contradicts: what they change, or how many want them. */
  readonly of: "patches" | "votes";
  /** How it was seen. */
  readonly by: "merge" | "files" | "votes";
  readonly why: string;
};

/** Two that stand closer than this share of the voters are both at the top. */
const CLOSE = 0.1;

/**
 * What contradicts what in a topic; the two kinds are counted apart, each once for a pair of
 * solutions. Patches: where both have a commit, the two do not merge; else both name the same path.
 * Votes: both are at the top of a round, with less than a tenth of its voters between them.
 *
 * @param mergeOf - Of two solutions with commits, the earlier one first.
 */
export function findConflicts(
  solutions: readonly Contender[],
  rounds: readonly VotedFirst[],
  mergeOf: (a: string, b: string) => Merge,
): readonly Conflict[] {
  const patches = pairsOf(solutions).flatMap(([a, b]) => patchConflict(a, b, mergeOf) ?? []);
  const votes = new Map<string, Conflict>();
  for (const round of rounds) {
    for (const conflict of voteConflicts(round)) {
      const pair = `${conflict.a} ${conflict.b}`;
      if (!votes.has(pair)) votes.set(pair, conflict);
    }
  }
  return [...patches, ...votes.values()];
}

/** Each two of them, in their order. */
export function pairsOf<T>(list: readonly T[]): readonly (readonly [T, T])[] {
  return list.flatMap((a, index) => list.slice(index + 1).map((b): readonly [T, T] => [a, b]));
}

function patchConflict(
  a: Contender,
  b: Contender,
  mergeOf: (a: string, b: string) => Merge,
): Conflict | undefined {
  const merge = a.commit === null || b.commit === null ? "unknown" : mergeOf(a.id, b.id);
  if (merge === "clean") return undefined;
  const pair = { a: a.id, b: b.id, of: "patches" } as const;
  if (merge === "conflict") return { ...pair, by: "merge", why: "Their commits do not merge." };
  const theirs = new Set(b.files);
  const shared = [...new Set(a.files)].filter((path) => theirs.has(path));
  if (shared.length === 0) return undefined;
  return { ...pair, by: "files", why: `Both change ${shared.slice(0, 5).join(", ")}.` };
}

function voteConflicts({ round, supports, voters }: VotedFirst): readonly Conflict[] {
  const most = Math.max(0, ...supports.map(({ count }) => count));
  const tops = supports.filter(({ count }) => count > 0 && (most - count) / voters < CLOSE);
  return pairsOf(tops).map(([a, b]) => ({
    a: a.id,
    b: b.id,
    of: "votes",
    by: "votes",
    why: `Round ${round}: ${a.count} and ${b.count} of ${voters} put them first.`,
  }));
}

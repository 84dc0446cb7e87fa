import { shareOf } from "./approval.ts";
import type { Candidate } from "./ballots.ts";
import { strengthBetween } from "./schulze.ts";
import type { Tally, TallyRecord } from "./tally.ts";

/** What one solution is before another by; all but the votes only fill the pair. */
export type Advantage = "votes" | "fewer_files" | "earliest" | "id";

export interface RunoffPair {
  /** In the order of the solutions, which says nothing about which is better. */
  readonly pair: readonly [string, string];
  /** What told the second of the two from the third. */
  readonly pickedBy: "only_two" | Advantage;
  /** One sentence for the topic, so that everybody sees how the two were picked. */
  readonly note: string;
}

const NOTES: Readonly<Record<RunoffPair["pickedBy"], string>> = {
  only_two: "are the only two left",
  votes: "stand best by the votes cast",
  fewer_files: "were picked among those equal by votes because they change fewer files",
  earliest: "were picked among those equal by votes and files because they came earliest",
  id: "were picked among those equal in votes, files and time by the order of their ids",
};

/**
 * The best two solutions that are not vetoed for the one re-vote after a tally without a winner;
 * undefined where there are not two. Votes come first: under schulze how many rivals beat a solution
 * by their strongest path (a linear extension of the method's own ranking), under approval the share
 * of approvals, else first preferences. Fewer
 * files, then the earlier one, then the id only fill the pair; the re-vote itself starts even. An
 * unknown file count or time comes after every known one.
 */
export function runoffPair(all: readonly Candidate[], tally: Tally): RunoffPair | undefined {
  const standing = standings(tally);
  const [first, second, third] = bestFirst(all, standing);
  if (first === undefined || second === undefined) return undefined;
  const [one = first, two = second] = all.filter(({ id }) => [first.id, second.id].includes(id));
  const pickedBy = third === undefined ? "only_two" : compare(second, third, standing).by;
  const note = `${one.id} and ${two.id} go to the re-vote: they ${NOTES[pickedBy]}.`;
  return { pair: [one.id, two.id], pickedBy, note };
}

/** The one that stands best, in the same order, and what it is ahead by; undefined where all are vetoed. */
export function standsBest(
  all: readonly Candidate[],
  tally: Tally,
): { readonly id: string; readonly by: Advantage } | undefined {
  const standing = standings(tally);
  const [first, second] = bestFirst(all, standing);
  if (first === undefined) return undefined;
  return { id: first.id, by: second === undefined ? "votes" : compare(first, second, standing).by };
}

function bestFirst(
  all: readonly Candidate[],
  standing: ReadonlyMap<string, number>,
): readonly Candidate[] {
  return all
    .filter(({ id }) => standing.has(id))
    .toSorted((a, b) => compare(a, b, standing).sign || (a.id < b.id ? -1 : 1));
}

/** For each solution how far it stands behind; lower is better. */
function standings(tally: TallyRecord): ReadonlyMap<string, number> {
  const { firstPreferences, paths, approvals } = tally;
  if (approvals !== undefined) return new Map(approvals.map((each) => [each.id, -shareOf(each)]));
  if (paths === undefined) return new Map(firstPreferences.map(({ id, count }) => [id, -count]));
  const strength = strengthBetween(paths);
  const behind = new Map(firstPreferences.map(({ id }) => [id, 0]));
  for (const { from, to } of paths) {
    if (strength(from, to) > strength(to, from)) behind.set(to, (behind.get(to) ?? 0) + 1);
  }
  return behind;
}

function compare(
  a: Candidate,
  b: Candidate,
  standing: ReadonlyMap<string, number>,
): { readonly sign: number; readonly by: Advantage } {
  const votes = Math.sign((standing.get(a.id) ?? 0) - (standing.get(b.id) ?? 0));
  if (votes !== 0) return { sign: votes, by: "votes" };
  const files = smallerFirst(a.fileCount, b.fileCount);
  if (files !== 0) return { sign: files, by: "fewer_files" };
  const time = smallerFirst(a.createdAtMs, b.createdAtMs);
  return { sign: time, by: time === 0 ? "id" : "earliest" };
}

function smallerFirst(a = Infinity, b = Infinity): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

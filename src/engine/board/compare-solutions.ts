import type { Solution } from "../../core/board.ts";
import { findConflicts, pairsOf, type Merge } from "../../core/consensus/conflicts.ts";
import { isUnsealed } from "../../core/topic-decisions.ts";
import { votedFirst, type Deliberation } from "../../core/topic-record.ts";
import type { JsonObject } from "../call.ts";
import type { EngineDeps } from "../deps.ts";
import type { GitPort } from "../ports.ts";
import { present } from "../task-view.ts";

/** Merges that are tried for one topic: ten solutions with each other. */
const MAX_MERGES = 45;
/** Merges that a process remembers; commits never change. */
const MAX_REMEMBERED = 1000;

const remembered = new WeakMap<EngineDeps, Map<string, Merge>>();

/**
 * Outside any transaction: which of a closed topic's solutions merge with which, "S1 S2" each.
 * Undefined while the topic is open: what contradicts what would tell of sealed ballots.
 */
export async function compareSolutions(
  deps: EngineDeps,
  topicId: string,
): Promise<Readonly<Record<string, Merge>> | undefined> {
  const found = await deps.store.read(deps.scope, async (tx) => {
    const topic = await tx.topics.get(topicId);
    if (topic === undefined || !isUnsealed(topic)) return undefined;
    return await tx.solutions.ofTopic(topicId);
  });
  if (found === undefined) return undefined;
  const { git } = deps;
  if (git === undefined) return {};
  const merges: Record<string, Merge> = {};
  try {
    const commits = [...(await commitsOf(git, found))];
    for (const [[a, ours], [b, theirs]] of pairsOf(commits).slice(0, MAX_MERGES)) {
      merges[`${a} ${b}`] = await tryMerge(deps, git, [ours, theirs]);
    }
  } catch (error) {
    // How it ended can be read without git.
    deps.log.warn({ err: error, topic: topicId }, "solutions could not be compared");
  }
  return merges;
}

async function commitsOf(
  git: GitPort,
  solutions: readonly Solution[],
): Promise<ReadonlyMap<string, string>> {
  const commits = new Map<string, string>();
  for (const { id, commit } of solutions) {
    const full = commit === null ? undefined : await git.resolveCommit(commit);
    if (full !== undefined) commits.set(id, full);
  }
  return commits;
}

async function tryMerge(
  deps: EngineDeps,
  git: GitPort,
  [ours, theirs]: readonly [string, string],
): Promise<Merge> {
  const known = remembered.get(deps) ?? new Map<string, Merge>();
  remembered.set(deps, known);
  const key = `${ours} ${theirs}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const { kind } = await git.merge(ours, theirs, "guvnor: do these two agree?");
  const merge = kind === "conflict" ? "conflict" : "clean";
  if (known.size >= MAX_REMEMBERED) known.clear();
  known.set(key, merge);
  return merge;
}

/** What contradicts what, for whoever reads a closed topic; null of an open one. */
export function describeConflicts(
  { topic, solutions }: Deliberation,
  merges: unknown,
): JsonObject | null {
  if (typeof merges !== "object" || merges === null || !isUnsealed(topic)) return null;
  const tried = new Map<string, unknown>(Object.entries(merges));
  const mergeOf = (a: string, b: string): Merge => {
    const merge = tried.get(`${a} ${b}`);
    return merge === "clean" || merge === "conflict" ? merge : "unknown";
  };
  const conflicts = findConflicts(solutions, votedFirst(topic), mergeOf);
  const untried = pairsOf(solutions.filter(hasCommit)).filter(
    ([a, b]) => mergeOf(a.id, b.id) === "unknown",
  ).length;
  return present({
    count: conflicts.length,
    pairs: conflicts,
    not_merged: untried === 0 ? null : untried,
  });
}

function hasCommit({ commit }: Solution): boolean {
  return commit !== null;
}

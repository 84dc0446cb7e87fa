import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import type { GitPort } from "../../src/engine/ports.ts";

interface Repository {
  readonly commits: Readonly<Record<string, readonly string[]>>;
  readonly refs: Readonly<Record<string, string>>;
}

const BASE_COMMIT = "b".repeat(40);

/** The commit that an agent made for a task, on the base. */
export function workCommit(taskId: string): string {
  return id(taskId);
}

/**
 * Commits and refs in one file, so that they outlive a killed process and can be copied with the
 * database; the same steps give the same commits. A task's id names the work for it; the head is T1's.
 */
export function openFileGit(file: string): GitPort {
  const load = (): Repository => JSON.parse(readFileSync(file, "utf8")) as Repository;
  return {
    workingTree: async () =>
      await Promise.resolve({ head: workCommit("T1"), branch: undefined, uncommitted: [] }),
    resolveCommit: async (revision) =>
      await Promise.resolve(revision === "HEAD" ? BASE_COMMIT : workCommit(revision)),
    changedFiles: async () => await Promise.resolve(["src/a.ts"]),
    lastChangeMs: async () => undefined,
    filesIn: async (_, paths) => await Promise.resolve(paths),
    readFile: async () => await Promise.resolve("{}"),
    readRef: async (ref) => await Promise.resolve(load().refs[ref]),
    merge: async (ours, theirs) => {
      const { commits, refs } = load();
      if (ancestors(commits, ours).has(theirs)) {
        return await Promise.resolve({ kind: "contained" as const, commit: ours });
      }
      if (ancestors(commits, theirs).has(ours)) {
        return { kind: "fast_forward" as const, commit: theirs };
      }
      const commit = id(`${ours}+${theirs}`);
      save(file, { refs, commits: { ...commits, [commit]: [ours, theirs] } });
      return { kind: "merged" as const, commit };
    },
    advanceRef: async (ref, commit, expected) => {
      const { commits, refs } = load();
      if ((refs[ref] ?? null) !== expected) return await Promise.resolve(false);
      save(file, { commits, refs: { ...refs, [ref]: commit } });
      return true;
    },
  };
}

export function createFileGit(file: string, taskIds: readonly string[]): void {
  const work = taskIds.map((taskId) => [workCommit(taskId), [BASE_COMMIT]] as const);
  save(file, { commits: { [BASE_COMMIT]: [], ...Object.fromEntries(work) }, refs: {} });
}

/** Where a branch stands, and all commits that it holds. */
export function branchIn(
  file: string,
  ref: string,
): { head: string | undefined; commits: ReadonlySet<string> } {
  const { commits, refs } = JSON.parse(readFileSync(file, "utf8")) as Repository;
  const head = refs[ref];
  return { head, commits: head === undefined ? new Set() : ancestors(commits, head) };
}

function ancestors(commits: Repository["commits"], commit: string): ReadonlySet<string> {
  const found = new Set([commit]);
  for (const each of found) for (const parent of commits[each] ?? []) found.add(parent);
  return found;
}

function save(file: string, repository: Repository): void {
  writeFileSync(file, JSON.stringify(repository));
}

function id(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

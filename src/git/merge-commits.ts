import type { MergeResult } from "../engine/ports.ts";
import { gitFailure } from "./run-git.ts";
import type { RepositoryGit } from "./run-git.ts";

/**
 * Merges two commits in the object store alone: no working tree, index or ref is touched, so that
 * it needs no lock and may be thrown away.
 */
export async function mergeCommits(
  git: RepositoryGit,
  request: { readonly ours: string; readonly theirs: string; readonly message: string },
): Promise<MergeResult> {
  const { ours, theirs } = request;
  if (await isAncestor(git, theirs, ours)) return { kind: "contained", commit: ours };
  if (await isAncestor(git, ours, theirs)) return { kind: "fast_forward", commit: theirs };
  const args = [
    "merge-tree",
    "--write-tree",
    "-z",
    "--name-only",
    "--no-messages",
    // Without a common ancestor the conflicts speak for themselves.
    "--allow-unrelated-histories",
    ours,
    theirs,
  ];
  const merged = await git(args);
  if (merged.exitCode > 1 || merged.truncated) throw gitFailure(args, merged);
  const [tree = "", ...paths] = merged.stdout.split("\0").slice(0, -1);
  if (merged.exitCode === 1) return { kind: "conflict", paths: [...new Set(paths)] };
  const commit = ["commit-tree", "-p", ours, "-p", theirs, "-F", "-", tree];
  const written = await git(commit, { input: request.message });
  if (written.exitCode !== 0) throw gitFailure(commit, written);
  return { kind: "merged", commit: written.stdout.trim() };
}

async function isAncestor(git: RepositoryGit, older: string, newer: string): Promise<boolean> {
  const args = ["merge-base", "--is-ancestor", older, newer];
  const run = await git(args);
  if (run.exitCode > 1) throw gitFailure(args, run);
  return run.exitCode === 0;
}

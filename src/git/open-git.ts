import { realpath } from "node:fs/promises";
import { resolve } from "node:path";

import { GuvnorError } from "../core/errors.ts";
import type { GitPort } from "../engine/ports.ts";
import { lastChangeMs } from "./last-change.ts";
import { mergeCommits } from "./merge-commits.ts";
import { gitFailure, requireGit, runGit } from "./run-git.ts";
import type { GitRun, RepositoryGit } from "./run-git.ts";

/** `git merge-tree --write-tree` came with this version. */
const NEEDED_VERSION = { major: 2, minor: 38 };
const OBJECT_NAME = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** A revision is a name or an expression; longer ones would not fit a command line. */
const MAX_REVISION_LENGTH = 4096;

/**
 * The repository with this common git directory. Nothing is checked until the first call; every
 * call throws `git_unavailable` when git is missing or older than 2.38, or the repository unusable.
 */
export function openGit(commonDir: string): GitPort {
  let checked: Promise<void> | undefined;
  const ready = async (): Promise<void> => {
    checked ??= requireVersion();
    try {
      await checked;
    } catch (error) {
      // Someone may install a newer git while this process lives.
      checked = undefined;
      throw error;
    }
  };
  const git: RepositoryGit = async (args, options) => {
    await ready();
    // Bare: attributes and settings of no working tree take part.
    return await runGit([`--git-dir=${commonDir}`, "--bare", ...args], options);
  };
  return {
    head: async (directory) => {
      await ready();
      const [commit] = await Promise.all([
        runGit(["-C", directory, ...verifyCommit("HEAD")]),
        requireSameRepository(commonDir, directory),
      ]);
      return commitOf(commit);
    },
    checkedOut: async (directory) => {
      await ready();
      const run = await runGit(["-C", directory, "symbolic-ref", "--quiet", "HEAD"]);
      return run.exitCode === 0 ? run.stdout.trim() : undefined;
    },
    resolveCommit: async (revision, directory) => {
      if (revision.length > MAX_REVISION_LENGTH || revision.includes("\0")) return undefined;
      await ready();
      const run =
        directory === undefined
          ? await git(verifyCommit(revision))
          : await runGit(["-C", directory, ...verifyCommit(revision)]);
      if (/not a git repository|dubious ownership/.test(run.stderr)) {
        throw gitFailure(["rev-parse"], run);
      }
      return commitOf(run);
    },
    uncommitted: async (directory, limit) => {
      await ready();
      const [paths] = await Promise.all([
        listUncommitted(directory, limit),
        requireSameRepository(commonDir, directory),
      ]);
      return paths;
    },
    changedFiles: async (base, commit) => {
      requireObjectNames([base, commit]);
      return await listChangedFiles(git, base, commit);
    },
    merge: async (ours, theirs, message) => {
      requireObjectNames([ours, theirs]);
      return await mergeCommits(git, { ours, theirs, message });
    },
    advanceRef: async (ref, commit, expected) => {
      requireObjectNames(expected === null ? [commit] : [commit, expected]);
      return await advanceRef(git, { ref, commit, expected });
    },
    readRef: async (ref) => await readRef(git, ref),
    lastChangeMs: async (directory) => {
      await ready();
      return await lastChangeMs(directory, listUncommitted);
    },
  };
}

function verifyCommit(revision: string): readonly string[] {
  return ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`];
}

/** Expressions such as `^A` or `A..B` pass rev-parse's check but are no commit: the answer tells. */
function commitOf(run: GitRun): string | undefined {
  const answer = run.stdout.trim();
  return run.exitCode === 0 && OBJECT_NAME.test(answer) ? answer : undefined;
}

async function listUncommitted(directory: string, limit: number): Promise<readonly string[]> {
  const args = [
    "-C",
    directory,
    "status",
    "--porcelain=v1",
    "-z",
    "--no-renames",
    "--untracked-files=normal",
    "--ignore-submodules=dirty",
  ];
  const run = await runGit(args);
  if (run.exitCode !== 0) throw gitFailure(args, run);
  // Each entry is "XY PATH" NUL; what follows the last NUL is empty, or cut.
  const entries = run.stdout.split("\0").slice(0, -1);
  return entries.slice(0, limit).map((entry) => entry.slice(3));
}

/** Where the histories share nothing, everything in which they differ counts as changed. */
async function listChangedFiles(
  git: RepositoryGit,
  base: string,
  commit: string,
): Promise<readonly string[]> {
  const find = ["merge-base", "--end-of-options", base, commit];
  const found = await git(find);
  if (found.exitCode > 1) throw gitFailure(find, found);
  const from = found.exitCode === 0 ? found.stdout.trim() : base;
  const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, commit];
  const run = await git(args, { maxOutputBytes: 256 * 1024 * 1024 });
  // A cut list would hide changes of protected files.
  if (run.exitCode !== 0 || run.truncated) throw gitFailure(args, run);
  return run.stdout.split("\0").slice(0, -1);
}

async function advanceRef(
  git: RepositoryGit,
  change: { ref: string; commit: string; expected: string | null },
): Promise<boolean> {
  const { ref, commit } = change;
  if (!ref.startsWith("refs/")) throw invalidName(ref, "a full ref name such as refs/heads/main");
  const old = change.expected ?? "0".repeat(commit.length);
  const message = "guvnor: advance";
  // --no-deref: a ref that someone made a link to another branch must not move that branch.
  const args = ["update-ref", "--no-deref", "-m", message, "--end-of-options", ref, commit, old];
  const run = await git(args);
  if (run.exitCode === 0) return true;
  const current = await readRef(git, ref);
  if ((current ?? null) !== change.expected) return false;
  throw gitFailure(args, run);
}

async function readRef(git: RepositoryGit, ref: string): Promise<string | undefined> {
  // Not rev-parse, which also tries refs/heads/REF; not the pattern alone, which matches REF/….
  const args = ["for-each-ref", "--format=%(objectname) %(refname)", "--", ref];
  const run = await git(args);
  if (run.exitCode !== 0) throw gitFailure(args, run);
  const line = run.stdout.split("\n").find((candidate) => candidate.endsWith(` ${ref}`));
  return line?.slice(0, line.indexOf(" "));
}

/** An agent's directory may lie in another clone, whose commits are not here. */
async function requireSameRepository(commonDir: string, directory: string): Promise<void> {
  const answer = await requireGit(["-C", directory, "rev-parse", "--git-common-dir"]);
  const found = await realpath(resolve(directory, answer.replace(/\n$/, "")));
  if (found === (await realpath(commonDir))) return;
  throw new GuvnorError(
    "git_unavailable",
    `${directory} belongs to another repository than this project's.`,
    "Work in this repository or in a worktree of it (git worktree add).",
    { details: { found, expected: commonDir } },
  );
}

function requireObjectNames(names: readonly string[]): void {
  for (const name of names) {
    if (!OBJECT_NAME.test(name)) throw invalidName(name, "a full commit id");
  }
}

function invalidName(name: string, wanted: string): GuvnorError {
  return new GuvnorError(
    "input_invalid",
    `${JSON.stringify(name.slice(0, 100))} is not ${wanted}.`,
    `Pass ${wanted}.`,
  );
}

async function requireVersion(): Promise<void> {
  const answer = (await requireGit(["version"])).trim();
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(answer) ?? [];
  const newer = Number(major) - NEEDED_VERSION.major || Number(minor) - NEEDED_VERSION.minor;
  if (newer >= 0) return;
  throw new GuvnorError(
    "git_unavailable",
    `guvnor needs git 2.38 or newer; this is ${answer || "of no known version"}.`,
    "Ask a person to install a newer git.",
  );
}

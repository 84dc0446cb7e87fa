import { realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";

import { GuvnorError } from "../core/errors.ts";
import type { GitPort, WorkingTree } from "../engine/ports.ts";
import { lastChangeMs } from "./last-change.ts";
import { mergeCommits } from "./merge-commits.ts";
import { gitFailure, requireGit, runGit } from "./run-git.ts";
import type { GitRun, RepositoryGit } from "./run-git.ts";

/** `git merge-tree --write-tree` came with this version. */
const NEEDED_VERSION = { major: 2, minor: 38 };
const OBJECT_NAME = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** A revision is a name or an expression; longer ones would not fit a command line. */
const MAX_REVISION_LENGTH = 4096;
/** Changed files looked at for their times; one of them is enough to see that somebody works. */
const CHANGED_FILES = 200;

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
  const requireOurs = onceADirectory(
    async (directory) => await requireSameRepository(commonDir, directory),
  );
  const git: RepositoryGit = async (args, options) => {
    await ready();
    // Bare: attributes and settings of no working tree take part.
    return await runGit([`--git-dir=${commonDir}`, "--bare", ...args], options);
  };
  return {
    workingTree: async (directory, limit) => {
      await ready();
      const [tree] = await Promise.all([readWorkingTree(directory, limit), requireOurs(directory)]);
      return tree;
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
    filesIn: async (commit, paths) => {
      requireObjectNames([commit]);
      return [...(await listFiles(git, commit, paths)).keys()];
    },
    readFile: async (commit, path, maxBytes) => {
      requireObjectNames([commit]);
      return await readFile(git, { commit, path, maxBytes });
    },
    lastChangeMs: async (directory) => {
      await ready();
      const { uncommitted } = await readWorkingTree(directory, CHANGED_FILES);
      return await lastChangeMs(directory, uncommitted);
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

/** Paths in an entry of `git status --porcelain=v2` come after so many fields, by its first letter. */
const FIELDS_BEFORE_PATH = new Map([
  ["1", 8],
  ["u", 10],
  ["?", 1],
]);

/** One run of git for all of it: agents that end at the same moment share the machine's cores. */
async function readWorkingTree(directory: string, limit: number): Promise<WorkingTree> {
  const args = [
    "-C",
    directory,
    "status",
    "--porcelain=v2",
    "-z",
    "--branch",
    "--no-ahead-behind",
    "--no-renames",
    "--untracked-files=normal",
    "--ignore-submodules=dirty",
  ];
  const run = await runGit(args);
  if (run.exitCode !== 0) throw gitFailure(args, run);
  // Each entry ends with NUL: what follows the last one is empty, or cut.
  const entries = run.stdout.split("\0").slice(0, -1);
  const headers = new Map(
    entries.filter((entry) => entry.startsWith("# ")).map((entry) => splitAt(entry.slice(2), 1)),
  );
  const head = headers.get("branch.oid") ?? "";
  const branch = headers.get("branch.head") ?? "(detached)";
  return {
    head: OBJECT_NAME.test(head) ? head : undefined,
    branch: branch === "(detached)" ? undefined : fullRefName(branch),
    uncommitted: entries
      .filter((entry) => !entry.startsWith("# "))
      .slice(0, limit)
      .map((entry) => splitAt(entry, FIELDS_BEFORE_PATH.get(entry.charAt(0)) ?? 1)[1]),
  };
}

/** Status leaves out `refs/heads/`, and nothing else. */
function fullRefName(branch: string): string {
  return branch.startsWith("refs/") ? branch : `refs/heads/${branch}`;
}

/** What comes before the `count`th space, and what after it. */
function splitAt(text: string, count: number): [string, string] {
  let at = -1;
  for (let space = 0; space < count; space += 1) at = text.indexOf(" ", at + 1);
  return [text.slice(0, at), text.slice(at + 1)];
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

/** Of these paths those that are files in the commit, with the ids of what is in them. */
async function listFiles(
  git: RepositoryGit,
  commit: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (paths.length === 0) return new Map();
  // Literal: a path is no pattern.
  const args = ["--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", ...paths];
  const run = await git(args);
  if (run.exitCode !== 0 || run.truncated) throw gitFailure(args, run);
  const entries = run.stdout.split("\0").slice(0, -1);
  return new Map(
    entries.flatMap((entry): readonly [string, string][] => {
      const [kind = "", path = ""] = entry.split("\t", 2);
      const [, type, object = ""] = kind.split(" ");
      return type === "blob" ? [[path, object]] : [];
    }),
  );
}

async function readFile(
  git: RepositoryGit,
  file: { commit: string; path: string; maxBytes: number },
): Promise<string | undefined> {
  const { commit, path, maxBytes } = file;
  const object = (await listFiles(git, commit, [path])).get(path);
  if (object === undefined) return undefined;
  const args = ["cat-file", "blob", object];
  const run = await git(args, { maxOutputBytes: maxBytes });
  if (run.truncated) return undefined;
  if (run.exitCode !== 0) throw gitFailure(args, run);
  return run.stdout;
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

/** Asks once for each directory that stays the same one: with its own `.git`, where it has one. */
function onceADirectory(ask: (directory: string) => Promise<void>): typeof ask {
  const answered = new Map<string, string>();
  return async (directory) => {
    const seen = await Promise.all([inode(directory), inode(join(directory, ".git"))]);
    const identity = seen.join(" ");
    if (answered.get(directory) === identity) return;
    await ask(directory);
    answered.set(directory, identity);
  };
}

async function inode(path: string): Promise<string> {
  return await stat(path).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => "",
  );
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

import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { GuvnorError } from "../core/errors.ts";
import { gitFailure, isGitMissing, requireGit, runGit } from "./run-git.ts";
import type { GitRunOptions } from "./run-git.ts";

export type ProjectLocation =
  | {
      readonly kind: "git";
      /** Shared by all worktrees of the repository; real, without symbolic links. */
      readonly commonDir: string;
      /** Null for a bare repository, and where the repository does not say where it lies. */
      readonly mainWorktree: string | null;
      /** Root of the working tree that holds the directory; null inside the git directory. */
      readonly worktree: string | null;
      /** The directory belongs to a linked worktree, not to the main one. */
      readonly linked: boolean;
    }
  /** `root` is the nearest directory upward that has a `.guvnor` directory. */
  | { readonly kind: "plain"; readonly root: string | null };

/**
 * Finds the project of a directory: the same one from every subfolder and worktree.
 * @throws {GuvnorError} `no_project` when the directory does not exist, `git_unavailable` when it
 * lies in a repository that git refuses or cannot read.
 */
export async function locateProject(
  directory: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ProjectLocation> {
  const start = await realDirectory(directory);
  const options = { env };
  // Paths come last and alone: they may hold newlines.
  const args = [
    "-C",
    start,
    "rev-parse",
    "--is-bare-repository",
    "--is-inside-work-tree",
    "--git-common-dir",
  ];
  try {
    const run = await runGit(args, options);
    if (run.exitCode !== 0) {
      // A pointer to a repository that is gone reads "not a git repository: PATH" and is an error.
      if (/not a git repository \(or any/.test(run.stderr)) return await locatePlain(start);
      throw gitFailure(args, run);
    }
    const [, , inside, common] = /^(true|false)\n(true|false)\n(.*)\n$/s.exec(run.stdout) ?? [];
    if (common === undefined) throw gitFailure(args, run);
    return await locateGit({ start, inside: inside === "true", common }, options);
  } catch (error) {
    if (isGitMissing(error)) return await locatePlain(start);
    throw error;
  }
}

async function locateGit(
  found: { start: string; inside: boolean; common: string },
  options: GitRunOptions,
): Promise<ProjectLocation> {
  const commonDir = await realpath(resolve(found.start, found.common));
  const [gitDirectory, worktree] = await Promise.all([
    askPath(["-C", found.start, "rev-parse", "--absolute-git-dir"], options),
    found.inside ? askPath(["-C", found.start, "rev-parse", "--show-toplevel"], options) : null,
  ]);
  const linked = gitDirectory !== commonDir;
  const mainWorktree =
    worktree !== null && !linked ? worktree : await findMainWorktree(commonDir, options);
  return { kind: "git", commonDir, mainWorktree, worktree, linked };
}

/** The main worktree as seen from the git directory, which only says so where it is not the usual. */
async function findMainWorktree(commonDir: string, options: GitRunOptions): Promise<string | null> {
  const bare = await requireGit(["-C", commonDir, "rev-parse", "--is-bare-repository"], options);
  if (bare.trim() === "true") return null;
  const get = ["-C", commonDir, "config", "--null", "--get", "core.worktree"];
  const configured = (await runGit(get, options)).stdout.replace(/\0$/, "");
  if (configured !== "") return await realpath(resolve(commonDir, configured));
  return basename(commonDir) === ".git" ? dirname(commonDir) : null;
}

async function askPath(args: readonly string[], options: GitRunOptions): Promise<string> {
  const answer = await requireGit(args, options);
  return await realpath(answer.replace(/\n$/, ""));
}

async function locatePlain(start: string): Promise<ProjectLocation> {
  for (let at = start; ; at = dirname(at)) {
    if (await isDirectory(join(at, ".guvnor"))) return { kind: "plain", root: at };
    if (at === dirname(at)) return { kind: "plain", root: null };
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function realDirectory(directory: string): Promise<string> {
  try {
    return await realpath(resolve(directory));
  } catch (cause) {
    throw new GuvnorError(
      "no_project",
      `The directory ${directory} does not exist.`,
      "Start guvnor in an existing directory.",
      { cause },
    );
  }
}

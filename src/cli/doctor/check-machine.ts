import { accessSync, constants, existsSync, statfsSync, watch } from "node:fs";
import { dirname } from "node:path";

import { GuvnorError } from "../../core/errors.ts";
import { runGit } from "../../git/run-git.ts";
import type { ProjectPaths } from "../../project-paths.ts";
import { isStopped } from "../ancestors.ts";
import { systemCode } from "../explain-error.ts";
import { readOperatorKey } from "../operator-key.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const MIB = 1024 ** 2;
const LITTLE_SPACE_BYTES = 1024 * MIB;
const NO_SPACE_BYTES = 100 * MIB;
/** `git merge-tree --write-tree`, with which merges are made. */
const GIT_NEEDED = [2, 38] as const;

/** main.ts has refused what is too old. */
export function checkNode(): Check {
  return ok("Node.js", `${process.versions.node} (${process.execPath})`);
}

export async function checkGit(): Promise<Check> {
  const fix = `Install git ${GIT_NEEDED.join(".")} or newer.`;
  try {
    const { stdout } = await runGit(["--version"]);
    const [, version = "", major, minor] = /([0-9]+)\.([0-9]+)/.exec(stdout)
      ? (/(([0-9]+)\.([0-9]+)[^ \n]*)/.exec(stdout) ?? [])
      : [];
    const enough =
      Number(major) > GIT_NEEDED[0] ||
      (Number(major) === GIT_NEEDED[0] && Number(minor) >= GIT_NEEDED[1]);
    return enough ? ok("git", version) : fail("git", version || "unknown version", fix);
  } catch (error) {
    if (!(error instanceof GuvnorError)) throw error;
    return warn("git", error.message, `Without it agents' commits are not measured. ${fix}`);
  }
}

export function checkDiskSpace(directory: string): Check {
  const { bavail, bsize } = statfsSync(nearest(directory));
  const free = bavail * bsize;
  const found = `${Math.floor(free / MIB)} MiB free`;
  const fix = `Free some space on the disk of ${directory}.`;
  if (free < NO_SPACE_BYTES) return fail("disk space", found, fix);
  return free < LITTLE_SPACE_BYTES ? warn("disk space", found, fix) : ok("disk space", found);
}

/** Gates are measured in checkouts there. */
export function checkWorkspaces({ workspaceDir }: ProjectPaths): Check {
  const what = "workspaces";
  try {
    accessSync(nearest(workspaceDir), constants.W_OK | constants.X_OK);
    return ok(what, workspaceDir);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return fail(what, `${workspaceDir} cannot be written`, "Make it writable for this user.");
  }
}

/** The file by which processes wake each other. */
export function checkWakeFile({ databaseFile }: ProjectPaths): Check {
  const what = "wake file";
  const file = `${databaseFile}.wake`;
  const slower = "Until then waiting calls look ten times a second.";
  if (!existsSync(file)) return ok(what, "made when the first call waits");
  try {
    accessSync(file, constants.W_OK);
    watch(file, { persistent: false }).close();
    return ok(what, "can be written and watched");
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    const fix =
      code === "ENOSPC" || code === "EMFILE"
        ? `Raise the system's limit of watches (fs.inotify.max_user_watches). ${slower}`
        : `Make ${file} writable for this user, or remove it. ${slower}`;
    return warn(what, `cannot be used (${code})`, fix);
  }
}

export function checkOperatorKey(
  env: Readonly<Record<string, string | undefined>>,
  known: string | null,
): Check {
  const what = "operator key";
  try {
    const key = readOperatorKey(env);
    if (key === undefined) {
      const fix = "Run `guvnor init` in your terminal; until then the ledger calls you unverified.";
      return warn(what, "there is none", fix);
    }
    if (known === null) {
      return warn(what, "the project does not know it yet", "Run `guvnor init`.");
    }
    if (key.hash === known) return ok(what, key.file);
    const fix = "Put the key back that was there when the project was initialised.";
    return fail(what, `${key.file} is not the one of this project`, fix);
  } catch (error) {
    if (!(error instanceof GuvnorError)) throw error;
    return fail(what, error.message, error.fix);
  }
}

/** A process that is stopped in the middle of a call holds up all others. */
export function checkStopped(pids: readonly number[]): Check {
  const what = "processes";
  const stopped = pids.filter(isStopped);
  if (stopped.length === 0) return ok(what, `${pids.length} present, none stopped`);
  const list = stopped.join(" ");
  return fail(what, `stopped: ${list}`, `Let it go on (kill -CONT ${list}) or end it.`);
}

/** The directory itself, or the one above it in which it would be made. */
function nearest(directory: string): string {
  let at = directory;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

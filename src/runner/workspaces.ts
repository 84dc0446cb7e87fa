import { createHash } from "node:crypto";
import { cp, lstat, mkdir, readdir, realpath, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { GuvnorError } from "../core/errors.ts";
import { matchAny, parseGlob } from "../core/path-glob.ts";
import type { PrepareCommand } from "../engine/ports.ts";
import { requireGit, runGit } from "../git/run-git.ts";
import type { GitRunOptions } from "../git/run-git.ts";
import { removeTree } from "./remove-tree.ts";
import { readRecord, writeRecord } from "./workspace-record.ts";
import type { Prepared } from "./workspace-record.ts";

/**
 * A kept workspace is a checkout that is reused, so that ignored files (installed dependencies)
 * stay. Three things lie side by side:
 *
 *   <slot>/       the checkout, where commands run
 *   <slot>.git/   the repository with which *we* check out and clean. It is not the one in the
 *                 checkout, because commands could leave hooks, filters, excludes or index flags in
 *                 that one, which would outlive them
 *   <slot>.json   the record
 *
 * <slot>/.git is a throw-away copy of <slot>.git for commands that ask git something. Both borrow
 * the project's objects and have no refs but a detached HEAD: no command reaches the user's refs,
 * and `git worktree list` shows nothing new.
 */
export interface WorkspacePlace {
  readonly path: string;
  readonly ownRepository: string;
  readonly recordPath: string;
}

interface CheckoutRequest {
  readonly commonDir: string;
  readonly commit: string;
  /** Also remove ignored files. */
  readonly cleanFully: boolean;
  readonly signal: AbortSignal;
}

/** A clean checkout. Until `release` it counts as broken if this process ends. */
export interface Workspace {
  /** Whether `prepare` has to run here, because it never did or its key files changed. */
  needsPrepare(prepare: PrepareCommand): Promise<boolean>;
  /** Remembers that it ran with success. */
  markPrepared(prepare: PrepareCommand): Promise<void>;
  release(): Promise<void>;
}

/** A large repository on a slow disk; a hang would keep the slot for ever. */
const CHECKOUT_TIMEOUT_MS = 10 * 60_000;
const MAX_LIST_BYTES = 256 * 1024 * 1024;
/** More ignored paths than this are not remembered one by one. */
const MAX_PRODUCTS = 1000;
const GITLINK = "160000";

/** @throws {GuvnorError} `input_invalid` for a slot that is no plain name. */
export function workspacePlace(dataDir: string, slot: string): WorkspacePlace {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(slot)) {
    const fix = "Name it with letters, digits, - and _ only.";
    throw new GuvnorError("input_invalid", `"${slot}" is no name of a workspace.`, fix);
  }
  const path = resolve(dataDir, "workspaces", slot);
  return { path, ownRepository: `${path}.git`, recordPath: `${path}.json` };
}

/**
 * Checks a commit out into a kept workspace; what the last user left behind is gone, ignored files
 * excepted. A workspace that is missing, half made or broken is made anew.
 * @throws {GuvnorError} `git_unavailable` when the commit is not there or git fails.
 */
export async function openWorkspace(
  place: WorkspacePlace,
  request: CheckoutRequest,
): Promise<Workspace> {
  const objects = await requireCommit(request);
  const record = await readRecord(place.recordPath);
  let reusable =
    record?.state === "idle" &&
    record.objects === objects &&
    (await isRealDirectory(place.path)) &&
    (await isRealDirectory(place.ownRepository));
  await writeRecord(place.recordPath, { objects, state: "in_use", prepared: null });
  if (reusable) {
    try {
      await checkOut(place, request);
    } catch (error) {
      if (request.signal.aborted) throw error;
      reusable = false;
    }
  }
  if (!reusable) {
    await build(place, request.commonDir, objects);
    await checkOut(place, request);
  }
  await exposeRepository(place, request.cleanFully);

  let prepared = reusable && !request.cleanFully ? (record?.prepared ?? null) : null;
  if (prepared !== null && !(await hasAll(place.path, prepared.products))) prepared = null;
  return {
    needsPrepare: async (prepare) =>
      prepared?.digest !== (await prepareDigest(place, request.commit, prepare)),
    markPrepared: async (prepare) => {
      const digest = await prepareDigest(place, request.commit, prepare);
      prepared = await describePrepared(place, digest);
    },
    release: async () => {
      await writeRecord(place.recordPath, { objects, state: "idle", prepared });
    },
  };
}

/** Answers the project's directory of objects. */
async function requireCommit({ commonDir, commit, signal }: CheckoutRequest): Promise<string> {
  const repository = `--git-dir=${commonDir}`;
  const found = /^[0-9a-f]{40,64}$/.test(commit)
    ? await runGit([repository, "cat-file", "-e", `${commit}^{commit}`], { signal })
    : undefined;
  if (found?.exitCode !== 0) {
    throw new GuvnorError(
      "git_unavailable",
      `Commit ${commit.slice(0, 64)} is not in the repository.`,
      "Report the full id of a commit that exists.",
    );
  }
  const objects = await requireGit([repository, "rev-parse", "--git-path", "objects"], { signal });
  return await realpath(objects.replace(/\n$/, ""));
}

async function build(place: WorkspacePlace, commonDir: string, objects: string): Promise<void> {
  await removeTree(place.path);
  await removeTree(place.ownRepository);
  await mkdir(place.path, { recursive: true, mode: 0o700 });
  const format = await requireGit([`--git-dir=${commonDir}`, "rev-parse", "--show-object-format"]);
  // Made in the checkout, because init looks there how the file system treats names and modes.
  const options = ["--quiet", "--template=", `--object-format=${format.trim()}`];
  await requireGit(["init", ...options, place.path]);
  const made = join(place.path, ".git");
  await mkdir(join(made, "objects", "info"), { recursive: true });
  // Quoted as git reads it, for paths with a newline.
  const quoted = objects.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll("\n", String.raw`\n`);
  await writeFile(join(made, "objects", "info", "alternates"), `"${quoted}"\n`);
  // Large files that the project already has (git-lfs) need not come over the network again.
  const large = ["config", "--file", join(made, "config"), "lfs.storage", join(commonDir, "lfs")];
  await requireGit(large);
  await rename(made, place.ownRepository);
}

async function checkOut(place: WorkspacePlace, request: CheckoutRequest): Promise<void> {
  const options = { signal: request.signal, timeoutMs: CHECKOUT_TIMEOUT_MS };
  const { commit, cleanFully } = request;
  // Quiet: otherwise git walks the history to count the commits that are left behind.
  const checkout = ["checkout", "--quiet", "--detach", "--force", "--no-recurse-submodules"];
  await inWorkspace(place, ["-c", "core.logAllRefUpdates=false", ...checkout, commit], options);
  await inWorkspace(place, ["clean", "--quiet", cleanFully ? "-ffdx" : "-ffd"], options);
  if (!cleanFully) return;
  // git does not look into the directories of submodules, but commands may have.
  for (const { mode, path } of await listTree(place, commit)) {
    if (mode !== GITLINK) continue;
    await removeTree(join(place.path, path));
    await mkdir(join(place.path, path), { recursive: true });
  }
}

/** The copy for commands. Submodules that `prepare` fetched live in it and are kept. */
async function exposeRepository(place: WorkspacePlace, cleanFully: boolean): Promise<void> {
  const exposed = join(place.path, ".git");
  if (cleanFully || !(await isRealDirectory(exposed))) {
    await removeTree(exposed);
  } else {
    for (const name of await readdir(exposed)) {
      if (name !== "modules") await removeTree(join(exposed, name));
    }
  }
  await cp(place.ownRepository, exposed, { recursive: true });
}

/** Of the command and the names, modes and contents of its key files in the commit. */
async function prepareDigest(
  place: WorkspacePlace,
  commit: string,
  prepare: PrepareCommand,
): Promise<string> {
  const globs = prepare.key.map((glob) => parseGlob(glob));
  const files = await listTree(place, commit);
  const keys = files.filter(({ path }) => matchAny(globs, path));
  const body = JSON.stringify([prepare.run, keys.map(({ mode, id, path }) => [mode, id, path])]);
  return createHash("sha256").update(body).digest("hex");
}

/**
 * Null where `prepare` made something that the next cleaning takes away, or changed a tracked file:
 * then it has to run each time.
 */
async function describePrepared(place: WorkspacePlace, digest: string): Promise<Prepared | null> {
  const changed = await inWorkspace(place, ["status", "--porcelain", "--ignore-submodules=all"]);
  if (changed !== "") return null;
  const list = ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"];
  const products = (await inWorkspace(place, list)).split("\0").slice(0, -1);
  return { digest, products: products.slice(0, MAX_PRODUCTS) };
}

async function listTree(
  place: WorkspacePlace,
  commit: string,
): Promise<readonly { mode: string; id: string; path: string }[]> {
  const output = await inWorkspace(place, ["ls-tree", "-r", "-z", "--full-tree", commit]);
  return output.split("\0").flatMap((line) => {
    const [, mode, id, path] = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    return mode === undefined || id === undefined || path === undefined ? [] : [{ mode, id, path }];
  });
}

async function inWorkspace(
  place: WorkspacePlace,
  args: readonly string[],
  options: GitRunOptions = {},
): Promise<string> {
  const where = ["-C", place.path, `--git-dir=${place.ownRepository}`, `--work-tree=${place.path}`];
  return await requireGit([...where, ...args], { maxOutputBytes: MAX_LIST_BYTES, ...options });
}

/** A command may have put a link there, which would send our cleaning elsewhere. */
async function isRealDirectory(path: string): Promise<boolean> {
  return await lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function hasAll(directory: string, paths: readonly string[]): Promise<boolean> {
  const looks = paths.map(async (path) => await lstat(join(directory, path)));
  return await Promise.all(looks).then(
    () => true,
    () => false,
  );
}

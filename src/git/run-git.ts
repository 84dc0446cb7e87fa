import { execFile } from "node:child_process";
import type { ExecFileException } from "node:child_process";

import { GuvnorError } from "../core/errors.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface GitRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** More came than `maxOutputBytes`; git was killed and stdout holds the first part. */
  readonly truncated: boolean;
}

export interface GitRunOptions {
  readonly env?: Environment;
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly maxOutputBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs git on one repository, without any working tree. */
export type RepositoryGit = (args: readonly string[], options?: GitRunOptions) => Promise<GitRun>;

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/**
 * Settings that hold for every call, whatever the user's and the repository's configuration say:
 * nothing of theirs is executed (hooks, the file system monitor), nothing runs in the background,
 * replacement refs cannot show other objects than those that were committed, and what is written
 * survives a power cut.
 */
const FIXED_ARGUMENTS = [
  "--no-pager",
  "--no-replace-objects",
  ...[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.splitIndex=false",
    "core.fsync=committed,reference",
    "core.filesRefLockTimeout=2000",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "commit.gpgSign=false",
    "i18n.commitEncoding=UTF-8",
    "merge.renormalize=false",
    "color.ui=false",
  ].flatMap((setting) => ["-c", setting]),
];

const FIXED_ENVIRONMENT = {
  LC_ALL: "C",
  GIT_TERMINAL_PROMPT: "0",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_AUTHOR_NAME: "guvnor",
  GIT_AUTHOR_EMAIL: "guvnor@localhost",
  GIT_COMMITTER_NAME: "guvnor",
  GIT_COMMITTER_EMAIL: "guvnor@localhost",
};

/**
 * Runs git without a shell and answers whatever exit code it gave. The working directory is the
 * root: name the place with `-C` or `--git-dir`.
 * @throws {GuvnorError} `git_unavailable` when git is missing, too slow or was killed.
 */
export async function runGit(
  args: readonly string[],
  options: GitRunOptions = {},
): Promise<GitRun> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const settings = {
    cwd: "/",
    env: gitEnvironment(options.env ?? process.env),
    encoding: "utf8" as const,
    timeout: timeoutMs,
    killSignal: "SIGKILL" as const,
    maxBuffer: options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  return await new Promise((resolve, reject) => {
    const child = execFile("git", [...FIXED_ARGUMENTS, ...args], settings, (error, out, err) => {
      const truncated = error?.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER";
      const exitCode = error === null || truncated ? 0 : error.code;
      if (typeof exitCode === "number") {
        resolve({ exitCode, stdout: out, stderr: err, truncated });
      } else if (options.signal?.aborted === true) {
        reject(new Error("git was stopped.", { cause: error }));
      } else {
        reject(describeBreakdown(args, timeoutMs, error));
      }
    });
    // git may end without reading what it was sent; its exit code says what that means.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(options.input ?? "");
  });
}

/** As runGit, but any exit code other than 0 is an error, and so is too much output. */
export async function requireGit(
  args: readonly string[],
  options: GitRunOptions = {},
): Promise<string> {
  const run = await runGit(args, options);
  if (run.exitCode !== 0 || run.truncated) throw gitFailure(args, run);
  return run.stdout;
}

/** The error for a run of git that had to work and did not. */
export function gitFailure(args: readonly string[], run: GitRun): GuvnorError {
  const ended = run.truncated ? "too much output" : `exit code ${run.exitCode}`;
  const said = run.stderr.trim().slice(0, 2000) || ended;
  return new GuvnorError(
    "git_unavailable",
    `git ${commandOf(args)} failed: ${said}`,
    "Ask a person to repair the repository, then call again.",
  );
}

export function isGitMissing(error: unknown): boolean {
  return error instanceof GuvnorError && error.details?.["reason"] === "missing";
}

function describeBreakdown(
  args: readonly string[],
  timeoutMs: number,
  error: ExecFileException | null,
): GuvnorError {
  const code = error?.code;
  if (code === "ENOENT") {
    return new GuvnorError(
      "git_unavailable",
      "git was not found on PATH.",
      "Ask a person to install git 2.38 or newer.",
      { details: { reason: "missing" }, cause: error },
    );
  }
  const ended = error?.killed === true ? `did not finish within ${timeoutMs / 1000} s` : "broke";
  return new GuvnorError(
    "git_unavailable",
    `git ${commandOf(args)} ${ended} (${String(code ?? error?.signal)}).`,
    "Call again; if it happens again, ask a person to look at the repository.",
    { cause: error },
  );
}

/** The subcommand, which follows git's own options. */
function commandOf(args: readonly string[]): string {
  let at = 0;
  while (args[at]?.startsWith("-") === true) at += args[at] === "-C" || args[at] === "-c" ? 2 : 1;
  return args[at] ?? "";
}

/** A hook or an agent's shell may carry GIT_DIR and its like, which would redirect every call. */
function gitEnvironment(env: Environment): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith("GIT_"));
  return { ...Object.fromEntries(kept), ...FIXED_ENVIRONMENT };
}

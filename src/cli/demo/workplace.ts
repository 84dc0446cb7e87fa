import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

import { makeOperatorKey } from "../operator-key.ts";
import { UsageError } from "../usage-error.ts";
import { entryFile, mustRun, type ProgramRun, runProgram } from "./programs.ts";
import type { Sample } from "./sample.ts";

/** Where a demo happens: a directory of its own with everything that it makes. */
export interface Workplace {
  readonly directory: string;
  readonly repository: string;
  /** What all programs of the demo see: nothing of the user's settings and credentials. */
  readonly env: NodeJS.ProcessEnv;
  readonly git: (...args: string[]) => Promise<string>;
  /** One `guvnor` command, as a person would give it. */
  readonly guvnor: (...args: string[]) => Promise<ProgramRun>;
}

const BRANCH = "main";

/** Makes the directory; the rest of the workplace comes with `createWorkplace`. */
export function makeDirectory(asked: {
  readonly keep?: string | undefined;
  readonly directory: string;
}): string {
  const { keep } = asked;
  if (keep === undefined) return realpathSync(mkdtempSync(join(tmpdir(), "guvnor-demo-")));
  const directory = resolve(asked.directory, keep);
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new UsageError(`${directory} is not empty: give --keep a new directory.`);
  }
  mkdirSync(directory, { recursive: true });
  return realpathSync(directory);
}

/** A fresh repository with the sample's code base, and a person's key: the demo plays the person. */
export async function createWorkplace(
  directory: string,
  sample: Sample,
  signal: AbortSignal,
): Promise<Workplace> {
  const env = environment(directory);
  const repository = join(directory, "repository");
  for (const path of ["home", "tmp", "agents", "logs"]) mkdirSync(join(directory, path));
  cpSync(sample.project, repository, { recursive: true });
  const git = async (...args: string[]): Promise<string> =>
    (await mustRun("git", args, { directory: repository, env, signal })).trim();
  await git("init", "-q", "-b", BRANCH);
  await git("config", "user.name", "guvnor demo");
  await git("config", "user.email", "demo@guvnor.invalid");
  await git("config", "commit.gpgSign", "false");
  await git("config", "core.autocrlf", "false");
  // It names this machine's paths, and what comes out shall not depend on them.
  appendFileSync(join(repository, ".git", "info", "exclude"), ".mcp.json\n");
  await git("add", "-A");
  await git("commit", "-q", "-m", "The code base as it is");
  makeOperatorKey(env);
  return {
    directory,
    repository,
    env,
    git,
    guvnor: async (...args) => {
      const command = [entryFile("..", "main"), ...args];
      return await runProgram(process.execPath, command, { directory: repository, env, signal });
    },
  };
}

/** A worktree for an agent, as `git worktree add` makes it. */
export async function addWorktree({ directory, git }: Workplace, name: string): Promise<string> {
  const path = join(directory, "agents", name);
  await git("worktree", "add", "-q", "--detach", path, BRANCH);
  return path;
}

/** Whether nobody touched main: neither the branch nor the files of its working tree. */
export async function isMainUntouched({ git }: Workplace, base: string): Promise<boolean> {
  const [head, branch, changes] = await Promise.all([
    git("rev-parse", "HEAD"),
    git("rev-parse", BRANCH),
    git("status", "--porcelain"),
  ]);
  return head === base && branch === base && changes === "";
}

function environment(directory: string): NodeJS.ProcessEnv {
  const home = join(directory, "home");
  const path = [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);
  return {
    PATH: path,
    HOME: home,
    XDG_CONFIG_HOME: join(home, ".config"),
    XDG_CACHE_HOME: join(home, ".cache"),
    TMPDIR: join(directory, "tmp"),
    LANG: "C.UTF-8",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    // A directory above it may be somebody's repository.
    GIT_CEILING_DIRECTORIES: directory,
    npm_config_update_notifier: "false",
  };
}

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { AgentJob } from "./agent-work.ts";
import { entryFile } from "./programs.ts";
import type { Workplace } from "./workplace.ts";

/** The agents' processes. Each leads a process group, which its guvnor belongs to. */
export interface Fleet {
  start(job: AgentJob): void;
  /** kill -9 for an agent and its guvnor. */
  kill(name: string): void;
  /** Names of those that were killed and not started again. */
  killed(): readonly string[];
  /** Waits until all have ended by themselves. @returns the names of those that have not. */
  untilEnded(limitMs: number): Promise<readonly string[]>;
  /** Ends whatever still runs; nothing is left when it resolves. */
  stop(): Promise<void>;
}

interface Member {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  isKilled: boolean;
}

const STOP_LIMIT_MS = 8000;
const LOOK_EVERY_MS = 50;

/** @param onFailure - An agent ended otherwise than by finishing its work. */
export function createFleet(workplace: Workplace, onFailure: (error: Error) => void): Fleet {
  const members: Member[] = [];
  // Whatever way this process ends, its agents do not outlive it.
  const killAll = (): void => {
    for (const { child } of members) signalGroup(child, "SIGKILL");
  };
  process.on("exit", killAll);
  return {
    start: (job) => {
      const member = startAgent(workplace, job, onFailure);
      members.push(member);
    },
    kill: (name) => {
      const member = members.findLast((each) => each.name === name);
      if (member === undefined) return;
      member.isKilled = true;
      signalGroup(member.child, "SIGKILL");
    },
    killed: () =>
      [...new Map(members.map((member) => [member.name, member])).values()]
        .filter(({ isKilled }) => isKilled)
        .map(({ name }) => name),
    untilEnded: async (limitMs) => {
      const all = Promise.all(members.map(({ ended }) => ended));
      await Promise.race([all, sleep(limitMs, undefined, { ref: false })]);
      return members.filter(({ child }) => isRunning(child)).map(({ name }) => name);
    },
    stop: async () => {
      for (const member of members) member.isKilled = true;
      await stopGroups(members.map(({ child }) => child));
      process.off("exit", killAll);
    },
  };
}

function startAgent(
  { directory, env }: Workplace,
  job: AgentJob,
  onFailure: (error: Error) => void,
): Member {
  const { name } = job.script;
  const jobFile = join(directory, "agents", `${name}.json`);
  writeFileSync(jobFile, JSON.stringify(job, null, 2));
  const logFile = join(directory, "logs", `${name}.log`);
  const log = openSync(logFile, "a");
  const child = spawn(process.execPath, [entryFile("agent"), jobFile], {
    cwd: job.worktree,
    env,
    // Its own group, so that it can be killed with all it started, and a pipe that it watches.
    detached: true,
    stdio: ["pipe", log, log],
  });
  closeSync(log);
  child.stdin?.on("error", () => {
    // It ended: its exit says all.
  });
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      if (!member.isKilled) onFailure(error);
      resolve();
    });
    child.once("exit", (code, signal) => {
      if (!member.isKilled && code !== 0) {
        const said = readFileSync(logFile, "utf8").trim().slice(-1500);
        onFailure(new Error(`Agent ${name} ended with ${signal ?? code}: ${said}`));
      }
      resolve();
    });
  });
  const member: Member = { name, child, ended, isKilled: false };
  return member;
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** Asks first, as guvnor ends its gates then; after a while it insists. */
async function stopGroups(children: readonly ChildProcess[]): Promise<void> {
  const limit = performance.now() + STOP_LIMIT_MS;
  for (const child of children) signalGroup(child, "SIGTERM");
  while (children.some((child) => signalGroup(child, 0))) {
    if (performance.now() > limit) {
      for (const child of children) signalGroup(child, "SIGKILL");
      return;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** @returns whether there was somebody to hear it. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    // ESRCH: the whole group has ended.
    return false;
  }
}

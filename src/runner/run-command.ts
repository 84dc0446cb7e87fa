import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";

import { commandEnvironment } from "./command-environment.ts";
import { createOutputTail } from "./output-tail.ts";
import type { OutputTail } from "./output-tail.ts";
import { RUN_VARIABLE, createProcessTree, sendSignal } from "./process-tree.ts";
import type { ProcessTree } from "./process-tree.ts";
import { systemProcessTable } from "./system-process-table.ts";

interface CommandRequest {
  /** Program and arguments; no shell. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Names this run on the whole machine; no comma. */
  readonly marker: string;
  readonly timeoutMs: number;
  /** Resident bytes of the whole process tree. */
  readonly maxMemoryBytes: number;
  /** Bytes of stdout and stderr together. */
  readonly maxOutputBytes: number;
  /** Variables beside those every command gets. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  readonly exitCode: number | null;
  /** The signal that ended it, ours included. */
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly memoryExceeded: boolean;
  readonly outputExceeded: boolean;
  readonly aborted: boolean;
  /** Why it could not be started, in words; null when it ran. */
  readonly spawnError: string | null;
  /** Processes of the run that could not be killed. */
  readonly survivors: readonly number[];
  readonly outputTail: string;
  readonly outputCut: boolean;
}

type StopReason = "timedOut" | "memoryExceeded" | "outputExceeded" | "aborted";
type End = Pick<CommandResult, "exitCode" | "signal" | "spawnError">;

const TAIL_BYTES = 8 * 1024;
/** setTimeout takes no longer one, and would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const FIRST_LOOK_MS = 50;
const LOOK_EVERY_MS = 250;
/** Looking at the tree may take up to a twentieth of our time: with many processes, less often. */
const LOOK_COST_FACTOR = 20;
/** Something that we cannot recognise as ours may hold the pipes open for ever. */
const SILENCE_BOUND_MS = 2000;
const SILENCE_PAUSE_MS = 100;

const NOT_ENDED: End = { exitCode: null, signal: null, spawnError: null };

/**
 * Groups of the commands that run now. If this process exits without waiting for them, they are
 * killed on the way out; if it is killed itself, the next owner of their marker finds them.
 */
const liveGroups = new Set<number>();
let exitWatched = false;

/**
 * Runs a command in its own process group and kills all it started, however it ended.
 * Never throws: what went wrong is in the result.
 */
export async function runCommand(
  request: CommandRequest,
  signal: AbortSignal,
): Promise<CommandResult> {
  const output = createOutputTail(TAIL_BYTES);
  if (signal.aborted) return resultOf(NOT_ENDED, "aborted", output);
  const child = await start(request);
  if (typeof child === "string") {
    return resultOf({ ...NOT_ENDED, spawnError: child }, undefined, output);
  }
  const marked = (marker: string): boolean => marker === request.marker;
  const tree = createProcessTree(systemProcessTable(), child.pid, marked);
  trackGroup(child.pid);

  let reason: StopReason | undefined;
  const stopWaiting = new AbortController();
  const killOrGiveUp = async (): Promise<void> => {
    const survivors = await tree.kill();
    // The root itself may be one of them, and its end would be waited for in vain.
    if (survivors.length > 0) stopWaiting.abort();
  };
  const stop = (why: StopReason): void => {
    if (reason !== undefined) return;
    reason = why;
    void killOrGiveUp();
  };
  const limits = watchLimits(request, { child, tree, output, stop, signal });
  const end = await child.ended(stopWaiting.signal);
  limits.release();
  const survivors = await killUntilSilent(tree, child);
  liveGroups.delete(child.pid);
  return { ...resultOf(end, reason, output), survivors };
}

/** Kills what earlier runs left behind, found by their markers alone. */
export async function killMarked(isMarked: (marker: string) => boolean): Promise<void> {
  await createProcessTree(systemProcessTable(), undefined, isMarked).kill();
}

interface RunningCommand {
  readonly pid: number;
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  /** How the command itself ended, or that it did not when waiting was given up. */
  ended(giveUp: AbortSignal): Promise<End>;
}

interface Watched {
  readonly child: RunningCommand;
  readonly tree: ProcessTree;
  readonly output: OutputTail;
  readonly stop: (why: StopReason) => void;
  readonly signal: AbortSignal;
}

/** Answers why it could not be started, in words. */
async function start(request: CommandRequest): Promise<RunningCommand | string> {
  const [program = "", ...args] = request.argv;
  // A missing directory would look like a missing program.
  const place = await stat(request.cwd).catch(() => undefined);
  if (place?.isDirectory() !== true) return `the directory ${request.cwd} does not exist`;
  const outer = process.env[RUN_VARIABLE];
  const marker = outer === undefined ? request.marker : `${outer},${request.marker}`;
  const env = { ...commandEnvironment(process.env), ...request.env, [RUN_VARIABLE]: marker };
  try {
    const child = spawn(program, args, {
      cwd: request.cwd,
      env,
      detached: true,
      shell: false,
      stdio: ["ignore", "pipe", "pipe"],
    });
    // Listened to from the start: both may come before anyone waits.
    const ended = new Promise<End>((resolve) => {
      child.once("exit", (exitCode, signal) => {
        resolve({ exitCode, signal, spawnError: null });
      });
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("spawn", () => resolve(child.pid ?? 0));
    });
    return { pid, process: child, ended: async (giveUp) => await untilAborted(ended, giveUp) };
  } catch (error) {
    return describeSpawnError(program, error);
  }
}

async function untilAborted(ended: Promise<End>, giveUp: AbortSignal): Promise<End> {
  const givenUp = new Promise<End>((resolve) => {
    giveUp.addEventListener("abort", () => resolve(NOT_ENDED), { once: true });
  });
  return await Promise.race([ended, givenUp]);
}

function describeSpawnError(program: string, error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  if (code === "ENOENT") return `the program ${program} was not found (ENOENT)`;
  if (code === "EACCES") return `the program ${program} may not be executed (EACCES)`;
  return `the program ${program} could not be started (${code})`;
}

/** Stops the command when it runs too long, grows or writes too much, or nobody wants it. */
function watchLimits(request: CommandRequest, watched: Watched): { release(): void } {
  const { child, tree, output, stop, signal } = watched;
  const longest = Math.min(request.timeoutMs, LONGEST_TIMER_MS);
  const timeout = setTimeout(() => stop("timedOut"), longest);
  const onAbort = (): void => stop("aborted");
  signal.addEventListener("abort", onAbort, { once: true });
  // It may have been given up while it was being started.
  if (signal.aborted) onAbort();

  let bytes = 0;
  for (const stream of [child.process.stdout, child.process.stderr]) {
    const read = output.reader();
    stream.on("data", (chunk: Buffer) => {
      // Once too much, only emptied: the tail shows what came before.
      if (bytes > request.maxOutputBytes) return;
      bytes += chunk.length;
      read(chunk);
      if (bytes > request.maxOutputBytes) stop("outputExceeded");
    });
  }

  const look = (): void => {
    const before = performance.now();
    if (tree.measure() > request.maxMemoryBytes) stop("memoryExceeded");
    const cost = performance.now() - before;
    looking = setTimeout(look, Math.max(LOOK_EVERY_MS, cost * LOOK_COST_FACTOR));
  };
  let looking = setTimeout(look, FIRST_LOOK_MS);
  return {
    release: () => {
      clearTimeout(timeout);
      clearTimeout(looking);
      signal.removeEventListener("abort", onAbort);
    },
  };
}

/**
 * Kills the tree and reads what was written before. Pipes that stay open mean that something still
 * holds them: then it is looked for again.
 */
async function killUntilSilent(
  tree: ProcessTree,
  child: RunningCommand,
): Promise<readonly number[]> {
  const streams = [child.process.stdout, child.process.stderr];
  const untilMs = performance.now() + SILENCE_BOUND_MS;
  for (;;) {
    const survivors = await tree.kill();
    const bound = AbortSignal.timeout(SILENCE_PAUSE_MS);
    const closed = streams.map(async (stream) => {
      // Rejected when the bound is reached, which the loop looks at by itself.
      if (!stream.closed) await once(stream, "close", { signal: bound }).catch(() => undefined);
    });
    await Promise.all(closed);
    const silent = streams.every((stream) => stream.closed);
    if (silent || survivors.length > 0 || performance.now() > untilMs) {
      for (const stream of streams) stream.destroy();
      return survivors;
    }
  }
}

function trackGroup(pid: number): void {
  liveGroups.add(pid);
  if (exitWatched) return;
  exitWatched = true;
  process.once("exit", () => {
    for (const group of liveGroups) sendSignal(-group, "SIGKILL");
  });
}

function resultOf(end: End, reason: StopReason | undefined, output: OutputTail): CommandResult {
  return {
    ...end,
    timedOut: reason === "timedOut",
    memoryExceeded: reason === "memoryExceeded",
    outputExceeded: reason === "outputExceeded",
    aborted: reason === "aborted",
    survivors: [],
    ...output.text(),
  };
}

import { createHash } from "node:crypto";
import { dirname } from "node:path";

import type { GateCommand, GateRunner, MeasureRequest, Measurement } from "../engine/ports.ts";
import { cleanText } from "./output-tail.ts";
import { killMarked, runCommand } from "./run-command.ts";
import type { CommandResult } from "./run-command.ts";
import { openWorkspace, workspacePlace } from "./workspaces.ts";
import type { Workspace, WorkspacePlace } from "./workspaces.ts";

interface GateRunnerOptions {
  /** Workspaces are kept in `<dataDir>/workspaces`. */
  readonly dataDir: string;
  /** The project's repository; null outside git. */
  readonly commonDir: string | null;
  readonly now: () => number;
}

/** What one measurement needs everywhere. */
interface Run {
  readonly options: GateRunnerOptions;
  readonly request: MeasureRequest;
  readonly signal: AbortSignal;
  readonly place: WorkspacePlace;
  readonly marker: string;
}

/** Longer commands are cut in summaries. */
const SHOWN_COMMAND_LENGTH = 100;

/**
 * Measures gates: on a clean checkout in a kept workspace, or in place outside git (then without
 * `prepare`, which is not ours to run in somebody's directory).
 */
export function createGateRunner(options: GateRunnerOptions): GateRunner {
  return {
    measure: async (request, signal) => {
      try {
        const place = workspacePlace(options.dataDir, request.slot);
        // The path makes it unique on the machine; run ids are unique within a project only.
        const owner = createHash("sha256").update(options.dataDir).digest("hex").slice(0, 16);
        const ofRun = `${request.runId.replaceAll(",", "_")}@${owner}/`;
        const slot = `@${owner}/${request.slot}`;
        // If guvnor was killed, what it started for this run, or in this slot, may run on.
        await killMarked((marker) => marker.startsWith(ofRun) || marker.endsWith(slot));
        const marker = `${ofRun}${request.slot}`;
        const run = { options, request, signal, place, marker };
        return request.commit === null ? await inPlace(run) : await onCommit(run, request.commit);
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        const why = signal.aborted ? "The measurement was stopped." : said;
        return indeterminate(request, why);
      }
    },
  };
}

async function inPlace(run: Run): Promise<Measurement> {
  const { measurement } = await execute(run, run.request.gate, run.request.directory);
  return measurement;
}

async function onCommit(run: Run, commit: string): Promise<Measurement> {
  const { options, request, signal, place } = run;
  if (options.commonDir === null) {
    return indeterminate(request, "There is no repository to check a commit out from.");
  }
  const { commonDir } = options;
  const { cleanFully } = request;
  const workspace = await openWorkspace(place, { commonDir, commit, cleanFully, signal });
  const unprepared = await prepareWorkspace(run, workspace);
  // Not released: what a broken-off prepare left is thrown away by the next user.
  if (unprepared !== undefined) return unprepared;
  const { measurement, result } = await execute(run, request.gate, place.path);
  if (result.survivors.length === 0) await workspace.release();
  return measurement;
}

/** Undefined when the gate may run; otherwise what to answer instead. */
async function prepareWorkspace(run: Run, workspace: Workspace): Promise<Measurement | undefined> {
  const { prepare } = run.request;
  if (prepare === undefined || !(await workspace.needsPrepare(prepare))) return undefined;
  const { measurement } = await execute(run, prepare, run.place.path);
  if (measurement.verdict !== "pass") {
    const summary = `Preparing the workspace failed: ${measurement.summary}`;
    return { ...measurement, verdict: "indeterminate", summary };
  }
  await workspace.markPrepared(prepare);
  return undefined;
}

async function execute(
  run: Run,
  command: GateCommand,
  cwd: string,
): Promise<{ measurement: Measurement; result: CommandResult }> {
  const { options, request, signal, place, marker } = run;
  const startedMs = options.now();
  const result = await runCommand(
    {
      argv: command.run,
      cwd,
      marker,
      timeoutMs: command.timeoutMs,
      maxMemoryBytes: command.maxMemoryBytes,
      maxOutputBytes: command.maxOutputBytes,
      // Should a command remove its .git, git must not find the project's around the workspace.
      env: { GIT_CEILING_DIRECTORIES: dirname(place.path) },
    },
    signal,
  );
  const durationMs = Math.max(0, options.now() - startedMs);
  const { verdict, summary } = judge(command, result, durationMs);
  const survivors = result.survivors.join(", ");
  const measurement = {
    verdict,
    summary: survivors === "" ? summary : `${summary} Still running: ${survivors}.`,
    exitCode: result.exitCode,
    durationMs,
    outputTail: result.outputTail,
    outputCut: result.outputCut,
    inPlace: request.commit === null,
  };
  return { measurement, result };
}

function judge(
  command: GateCommand,
  result: CommandResult,
  durationMs: number,
): Pick<Measurement, "verdict" | "summary"> {
  const name = describeCommand(command.run);
  const after = `after ${(durationMs / 1000).toFixed(1)} s`;
  if (result.spawnError !== null) {
    return { verdict: "indeterminate", summary: `${name} did not run: ${result.spawnError}.` };
  }
  if (result.aborted) {
    return { verdict: "indeterminate", summary: `${name} was stopped ${after}.` };
  }
  if (result.timedOut) {
    const limit = `${command.timeoutMs / 1000} s`;
    return fail(`${name} took longer than ${limit} and was killed.`);
  }
  if (result.memoryExceeded) {
    return fail(`${name} took more than ${mebibytes(command.maxMemoryBytes)} of memory.`);
  }
  if (result.outputExceeded) {
    return fail(`${name} wrote more than ${mebibytes(command.maxOutputBytes)} of output.`);
  }
  if (result.signal !== null) return fail(`${name} was ended by ${result.signal} ${after}.`);
  const summary = `${name} exited with ${result.exitCode} ${after}.`;
  return result.exitCode === 0 ? { verdict: "pass", summary } : fail(summary);
}

function fail(summary: string): Pick<Measurement, "verdict" | "summary"> {
  return { verdict: "fail", summary };
}

function indeterminate(request: MeasureRequest, said: string): Measurement {
  const summary = cleanText(said);
  return {
    verdict: "indeterminate",
    summary,
    exitCode: null,
    durationMs: 0,
    outputTail: "",
    outputCut: false,
    inPlace: request.commit === null,
  };
}

function describeCommand(argv: readonly string[]): string {
  const text = cleanText(argv.join(" ")).replaceAll(/\s+/g, " ");
  return text.length > SHOWN_COMMAND_LENGTH ? `${text.slice(0, SHOWN_COMMAND_LENGTH)}…` : text;
}

function mebibytes(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${Math.round(bytes / 1024 / 1024)} MiB` : `${bytes} bytes`;
}

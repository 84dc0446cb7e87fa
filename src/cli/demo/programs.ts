import { execFile } from "node:child_process";
import { extname, join } from "node:path";

export interface ProgramRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly directory: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/** Nothing here takes as long; a hang must not be ours. */
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Runs a program to its end and answers how it ended; −1 where it was killed. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { directory, env = process.env, signal }: ProgramOptions,
): Promise<ProgramRun> {
  return await new Promise((resolve) => {
    const settings = {
      cwd: directory,
      env,
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL" as const,
      maxBuffer: MAX_OUTPUT_BYTES,
      ...(signal === undefined ? {} : { signal }),
    };
    execFile(program, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      const said = stderr === "" && error !== null ? error.message : stderr;
      resolve({ exitCode: code, stdout, stderr: said });
    });
  });
}

/** The same, where only success makes sense. @throws {Error} with what the program said. */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<string> {
  const { exitCode, stdout, stderr } = await runProgram(program, args, options);
  if (exitCode === 0) return stdout;
  const said = `${stderr}\n${stdout}`.trim().slice(-2000);
  throw new Error(`${program} ${args.join(" ")} ended with ${exitCode}: ${said}`);
}

/** `cli/main.js` when built, `cli/main.ts` in the sources; and the same for our own files. */
export function entryFile(...path: readonly [string, ...string[]]): string {
  return `${join(import.meta.dirname, ...path)}${extname(import.meta.filename)}`;
}

import type { Readable } from "node:stream";

import type { JsonObject } from "../engine/call.ts";
import { explainError } from "./explain-error.ts";
import { createView, type Screen, type View } from "./view.ts";

/** What a command found: the same facts as one JSON document and as text for people. */
export interface Report {
  readonly json: JsonObject;
  readonly text: (view: View) => readonly string[];
  /** 0 unless said. */
  readonly exitCode?: number;
}

type Output = NodeJS.WritableStream & Screen;

export interface CliSurroundings {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
}

/** One run of the command line: where it reads and writes, and what it ends with. */
export interface Cli extends CliSurroundings {
  readonly json: boolean;
  readonly view: View;
  /** Prints what `work` reports or throws; every command ends here, once. */
  report(work: () => Promise<Report>): Promise<void>;
  /** For commands that write as they go; what they throw is printed all the same. */
  stream(work: () => Promise<number>): Promise<void>;
  printError(error: unknown): void;
  exitCode(): number;
}

export function createCli(surroundings: CliSurroundings): Cli {
  const { args, env, stdout, stderr } = surroundings;
  const end = args.indexOf("--");
  const json = (end === -1 ? args : args.slice(0, end)).includes("--json");
  const view = createView(stdout, env);
  let exitCode = 0;
  const printError = (error: unknown): void => {
    const problem = explainError(error);
    exitCode = problem.exitCode;
    if (json) stdout.write(jsonText({ error: problem.body }));
    else stderr.write(withoutCommands(problem.text(createView(stderr, env))));
  };
  const guarded = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      printError(error);
    }
  };
  return {
    ...surroundings,
    json,
    view,
    printError,
    report: async (work) =>
      await guarded(async () => {
        const report = await work();
        exitCode = report.exitCode ?? 0;
        stdout.write(json ? jsonText(report.json) : withoutCommands(report.text(view)));
      }),
    stream: async (work) =>
      await guarded(async () => {
        exitCode = await work();
      }),
    exitCode: () => exitCode,
  };
}

/** Characters that JSON leaves as they are and that a terminal, or a reader's eye, would obey. */
const UNSAFE_IN_JSON =
  /[\u007F-\u009F\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/g;

/** One document and a line break; the same data, safe to look at. */
export function jsonText(value: unknown, indent = 2): string {
  const text = JSON.stringify(value, null, indent).replaceAll(
    UNSAFE_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${text}\n`;
}

/** The last net: whatever a command forgot to make safe, only colours of ours get through. */
// oxlint-disable-next-line no-control-regex
const COMMANDS = /\u001B(?!\[[0-9]{1,2}m)|[\u0000-\u0009\u000B-\u001A\u001C-\u001F\u007F-\u009F]/g;

function withoutCommands(lines: readonly string[]): string {
  return lines.map((line) => `${line.replaceAll(COMMANDS, "")}\n`).join("");
}

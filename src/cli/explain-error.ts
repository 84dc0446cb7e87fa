import { CommanderError } from "commander";

import { GuvnorError, type ErrorCode } from "../core/errors.ts";
import type { JsonObject } from "../engine/call.ts";
import { UsageError } from "./usage-error.ts";
import type { View } from "./view.ts";

export const EXIT_ERROR = 1;
export const EXIT_USAGE = 2;

/** Fixes speak to agents; where a person has a better way, it is said instead. */
const FIXES_FOR_PEOPLE: Partial<Record<ErrorCode, string>> = {
  approval_not_found: "List them with: guvnor approvals list",
  escalation_not_found: "List them with: guvnor escalations list --all",
  no_project: "Run `guvnor init` in the project's directory.",
  plan_not_found: "List them with: guvnor status",
  task_not_found: "List them with: guvnor tasks list",
  topic_not_found: "List them with: guvnor board list",
};

export interface Problem {
  readonly exitCode: number;
  readonly body: JsonObject;
  readonly text: (view: View) => readonly string[];
}

/** How an error is told: what happened, what to do, and the code that scripts look at. */
export function explainError(error: unknown): Problem {
  const { code, message, fix, details } = toKnown(error);
  return {
    exitCode: isUsage(error) ? EXIT_USAGE : EXIT_ERROR,
    body: { code, message, fix, ...(details === undefined ? {} : { details }) },
    text: (view) => {
      const [first = "", ...more] = view.sentence(`guvnor: ${message}`);
      return [view.paint("bad", first), ...more, ...view.hint(`${fix} [${code}]`)];
    },
  };
}

function isUsage(error: unknown): boolean {
  return error instanceof CommanderError || error instanceof UsageError;
}

function toKnown(error: unknown): GuvnorError {
  if (error instanceof GuvnorError) {
    const fix = FIXES_FOR_PEOPLE[error.code];
    if (fix === undefined) return error;
    const { details } = error;
    return new GuvnorError(
      error.code,
      error.message,
      fix,
      details === undefined ? {} : { details },
    );
  }
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, "");
    return new GuvnorError("input_invalid", message, "Run the command with --help.");
  }
  const code = systemCode(error);
  if (code !== undefined && error instanceof Error) {
    return new GuvnorError("internal", error.message, "Check the path and its permissions.");
  }
  const message = error instanceof Error ? error.message : String(error);
  return new GuvnorError(
    "internal",
    `Something went wrong inside guvnor: ${message}`,
    "Run `guvnor doctor`; if that shows nothing, report it as a bug.",
  );
}

/** A file that a person named; what is no error of the system stays as it is. */
export function cannotWrite(file: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  return new GuvnorError(
    "input_invalid",
    `${file} cannot be written (${code}).`,
    "Name a file in a directory that exists and that you may write to.",
    { cause: error },
  );
}

/** "ENOENT" and its like. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

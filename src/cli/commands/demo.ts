import { resolve } from "node:path";

import { removeTree } from "../../runner/remove-tree.ts";
import { type Cli, jsonText } from "../cli.ts";
import { performDemo, type Performance } from "../demo/perform.ts";
import { reportFailure, reportSuccess } from "../demo/report.ts";
import { loadSample, shippedSample } from "../demo/sample.ts";
import { makeDirectory } from "../demo/workplace.ts";
import { serverCommand } from "../init/claude-config.ts";

export interface DemoOptions extends Pick<Cli, "directory" | "env" | "json" | "stdout" | "view"> {
  /** A new or empty directory that everything happens in, and that stays. */
  readonly keep?: string | undefined;
  /** Another sample than the one that is shipped. */
  readonly sample?: string | undefined;
}

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Four agents carry out a plan on a real code base, and the ledger shows what happened.
 * @returns 0 when all of it happened and was proved, else 1; 128 and the signal's number when stopped.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { json, stdout, view } = options;
  const sample = loadSample(resolve(options.directory, options.sample ?? shippedSample()));
  const directory = makeDirectory(options);
  const stopping = new AbortController();
  let stoppedBy: keyof typeof SIGNAL_EXIT_CODES | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === "SIGINT" || signal === "SIGTERM" || signal === "SIGHUP") stoppedBy = signal;
    stopping.abort(new Error(`Stopped by ${signal}.`));
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, onSignal);
  const print = (lines: readonly string[]): void => {
    if (!json) stdout.write(lines.map((line) => `${line}\n`).join(""));
  };
  let result: Performance;
  try {
    result = await performDemo({ sample, directory, view, print, signal: stopping.signal });
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
  const keeps = options.keep !== undefined || (!result.ok && stoppedBy === undefined);
  if (!keeps) await removeTree(directory);
  const kept = keeps ? directory : undefined;
  if (json) stdout.write(jsonText({ ...result.document, ...(keeps ? { directory } : {}) }));
  else if (result.ok) {
    const server = serverCommand(options.env, options.directory);
    print(reportSuccess(view, result, { kept, server }));
  } else print(reportFailure(view, result, kept));
  if (stoppedBy !== undefined) return SIGNAL_EXIT_CODES[stoppedBy];
  return result.ok ? 0 : 1;
}

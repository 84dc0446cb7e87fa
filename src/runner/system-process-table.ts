import { execFileSync } from "node:child_process";

import { createProcTable } from "./proc-table.ts";
import type { ProcessTable } from "./process-table.ts";
import { createPsTable } from "./ps-table.ts";

/** The process table of this machine. */
export function systemProcessTable(platform: string = process.platform): ProcessTable {
  return platform === "linux" ? createProcTable() : createPsTable(runTool);
}

function runTool(program: string, args: readonly string[]): string {
  // Start times are printed in words and local time: both are fixed, to compare between processes.
  const env = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" };
  const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
  try {
    return execFileSync(program, args, { env, stdio, encoding: "utf8", timeout: 10_000 });
  } catch {
    // ps answers 1 when no process matches: an empty list, as for any other failure.
    return "";
  }
}

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

import { systemProcessTable } from "../runner/system-process-table.ts";

/** A process above this one. */
export interface Ancestor {
  readonly pid: number;
  /** With the pid it names a process for good. */
  readonly startTime: string;
  /** Program and arguments. */
  readonly command: readonly string[];
}

/** More than any real tree has; a loop in what the system tells must end. */
const MAX_DEPTH = 64;

/** The parent first, then its parent, up to the first process. */
export function listAncestors(from: number = process.ppid): Ancestor[] {
  const table = systemProcessTable();
  const found: Ancestor[] = [];
  let pid = from;
  while (pid > 0 && found.length < MAX_DEPTH) {
    const entry = table.read(pid);
    if (entry === undefined) break;
    found.push({ pid, startTime: entry.startTime, command: commandOf(pid) });
    pid = entry.parentPid;
  }
  return found;
}

function commandOf(pid: number): string[] {
  if (process.platform === "linux") {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    } catch {
      // It ended, or it is another user's: then it is not an agent of this one.
      return [];
    }
  }
  return askPs(pid, "command").split(" ");
}

/** "T" and its like in the state that the system gives: stopped by a signal or a debugger. */
export function isStopped(pid: number): boolean {
  if (process.platform !== "linux") return /^[Tt]/.test(askPs(pid, "stat"));
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    // It ended: that is not stopped.
    return false;
  }
}

function askPs(pid: number, column: string): string {
  try {
    const args = ["-ww", "-o", `${column}=`, "-p", String(pid)];
    return execFileSync("ps", args, { encoding: "utf8", timeout: 10_000 }).trim();
  } catch {
    // ps answers 1 when there is no such process.
    return "";
  }
}

const AGENTS =
  /^(aider|amp|claude|claude-code|cline|codex|codex-cli|copilot|crush|cursor|cursor-agent|cursor helper.*|gemini|gemini-cli|goose|kiro|opencode|qwen|qwen-code|windsurf)$/;
/** Editors that have agents: their terminals are their people's too. */
const EDITORS = /^(cursor|cursor helper.*|kiro|windsurf)$/;
const INTERPRETERS = /^(node|nodejs|bun|deno|python[0-9.]*|sh|bash|dash|zsh|env)$/;
/** The npm package of a script: `…/node_modules/@scope/name/…`. */
const PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?([^/]+)\//;

/** The agent that a command line is, by its usual name; undefined when it is none. */
export function agentNameOf(command: readonly string[]): string | undefined {
  const [program = ""] = command;
  const name = plainName(program);
  if (AGENTS.test(name)) return name;
  if (!INTERPRETERS.test(name)) return undefined;
  const script = command.slice(1).find((word) => !word.startsWith("-")) ?? "";
  const candidates = [plainName(script), PACKAGE.exec(script)?.[1]?.toLowerCase() ?? ""];
  return candidates.find((candidate) => AGENTS.test(candidate));
}

/** An agent that is an editor as well. */
export function isEditor(command: readonly string[]): boolean {
  return EDITORS.test(agentNameOf(command) ?? "");
}

function plainName(path: string): string {
  return basename(path)
    .toLowerCase()
    .replace(/^-/, "")
    .replace(/\.(?:exe|js|mjs|cjs|py|sh)$/, "");
}

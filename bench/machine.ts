import { execFileSync } from "node:child_process";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";

import Database from "better-sqlite3";

import { DATA_ROOT } from "./data-directory.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  readonly sqlite: string;
  /** Of the data directories. */
  readonly filesystem: string;
  /** One-minute load average when the row began. */
  readonly loadAtStart: number;
}

export function describeMachine(): Machine {
  const [cpu, ...others] = cpus();
  return {
    cpu: `${cpu?.model ?? "unknown"} (${arch()})`,
    cores: others.length + 1,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    sqlite: sqliteVersion(),
    filesystem: filesystemOf(DATA_ROOT),
    loadAtStart: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

function sqliteVersion(): string {
  const db = new Database(":memory:");
  try {
    return String(db.prepare("select sqlite_version()").pluck().get());
  } finally {
    db.close();
  }
}

/** The type, where the system's `df` says it. */
function filesystemOf(directory: string): string {
  if (process.platform !== "linux") return process.platform === "darwin" ? "apfs" : "unknown";
  const lines = execFileSync("df", ["-T", directory], { encoding: "utf8" }).trim().split("\n");
  return lines.at(-1)?.split(/\s+/)[1] ?? "unknown";
}

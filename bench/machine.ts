import { execFileSync } from "node:child_process";
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import Database from "better-sqlite3";

import { DATA_ROOT, withDirectory } from "./data-directory.ts";
import { median } from "./statistics.ts";

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
  /** Share of all cores that others used in the second before the row, 0 to 1. */
  readonly busyAtStart: number;
  /** Appending 4 KiB and waiting until the disk has it: median of 50, before the row. */
  readonly diskSyncMs: number;
}

export async function describeMachine(): Promise<Machine> {
  const [cpu, ...others] = cpus();
  return {
    cpu: `${cpu?.model ?? "unknown"} (${arch()})`,
    cores: others.length + 1,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    sqlite: sqliteVersion(),
    filesystem: filesystemOf(DATA_ROOT),
    loadAtStart: round(loadavg()[0] ?? 0),
    busyAtStart: round(await busyShare()),
    diskSyncMs: round(await withDirectory(async (directory) => syncMs(join(directory, "file")))),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

async function busyShare(): Promise<number> {
  const before = cpuTimes();
  await pause(1000);
  const after = cpuTimes();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

function cpuTimes(): { idle: number; all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (of: (time: (typeof times)[number]) => number): number =>
    times.reduce((total, time) => total + of(time), 0);
  return {
    idle: sum(({ idle }) => idle),
    all: sum(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq),
  };
}

function syncMs(path: string): number {
  const file = openSync(path, "a");
  const block = Buffer.alloc(4096, 1);
  try {
    const samples = Array.from({ length: 50 }, () => {
      const startedMs = performance.now();
      writeSync(file, block);
      fdatasyncSync(file);
      return performance.now() - startedMs;
    });
    return median(samples);
  } finally {
    closeSync(file);
  }
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

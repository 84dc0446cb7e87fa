import { existsSync, readFileSync } from "node:fs";

import { expect, onTestFinished, vi } from "vitest";

import { systemProcessTable } from "../../src/runner/system-process-table.ts";

export const MIB = 1024 * 1024;

/** Pids that a command wrote, one a line. */
export function pidsIn(path: string): readonly number[] {
  return readFileSync(path, "utf8").trim().split("\n").map(Number);
}

export function isRunning(pid: number): boolean {
  const found = systemProcessTable().read(pid);
  return found !== undefined && !found.zombie;
}

/** Nothing that these pids name may run any more, now and not only soon. */
export function expectGone(pids: readonly number[]): void {
  expect(pids).not.toEqual([]);
  expect(pids.filter((pid) => isRunning(pid))).toEqual([]);
}

/** Kills what a failing test would leave behind. */
export function killAtTheEnd(pid: number): void {
  onTestFinished(() => {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone, as it should be.
    }
  });
}

/** Waits until a command has written as many complete lines. */
export async function waitForLines(path: string, count: number): Promise<void> {
  await vi.waitFor(
    () => {
      const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
      if (lines < count) throw new Error(`${path} has ${lines} lines, not ${count}`);
    },
    { timeout: 20_000, interval: 5 },
  );
}

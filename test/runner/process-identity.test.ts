import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import type { ProcessIdentity } from "../../src/engine/ports.ts";
import { createProcessPort } from "../../src/runner/process-identity.ts";
import { systemProcessTable } from "../../src/runner/system-process-table.ts";
import { temporaryDirectory } from "../git/repository-fixture.ts";

const port = createProcessPort();

function identify(pid: number | undefined): ProcessIdentity {
  const startTime = systemProcessTable().read(pid ?? 0)?.startTime ?? "";
  expect(startTime).not.toBe("");
  return { ...port.self, pid: pid ?? 0, startTime };
}

function psCommand(pid: number | undefined): string {
  return execFileSync("ps", ["-o", "comm=", "-p", String(pid)], { encoding: "utf8" });
}

describe("isGone", () => {
  it("knows this process and its parent, which are not gone", () => {
    const { self } = port;
    expect(self).toMatchObject({ pid: process.pid, parentPid: process.ppid });
    expect(Object.values(self)).not.toContain("");
    expect(port.isGone(self)).toBe(false);
    const parent = { ...self, pid: self.parentPid, startTime: self.parentStartTime };
    expect(port.isGone(parent)).toBe(false);
    expect(createProcessPort().self).toEqual(self);
  });

  it("follows another process through its life", async () => {
    const child = spawn("sleep", ["1000"]);
    const identity = identify(child.pid);
    expect(port.isGone(identity)).toBe(false);
    child.kill("SIGSTOP");
    expect(port.isGone(identity)).toBe(false);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(port.isGone(identity)).toBe(true);
  });

  it("counts a zombie as gone", async () => {
    // The shell becomes a program that never asks about the child it was given.
    const parent = spawn("sh", ["-c", "sleep 1000 & echo $!; exec sleep 1000"]);
    onTestFinished(() => void parent.kill("SIGKILL"));
    const [line] = await once(parent.stdout, "data");
    const pid = Number(line);
    const identity = identify(pid);
    expect(port.isGone(identity)).toBe(false);
    // The shell itself would still ask; the program does not.
    await vi.waitFor(() => {
      const [, command] = /(\w+)\s*$/.exec(psCommand(parent.pid)) ?? [];
      expect(command).toBe("sleep");
    });
    process.kill(pid, "SIGKILL");
    await vi.waitFor(() => expect(port.isGone(identity)).toBe(true), { timeout: 20_000 });
    expect(process.kill(pid, 0)).toBe(true);
  });

  it("tells a reused pid by its start time", () => {
    expect(port.isGone({ ...port.self, startTime: "1" })).toBe(true);
  });

  it("says nothing about other machines, boots and namespaces, nor about what is unknown", () => {
    const gone = { ...port.self, startTime: "1" };
    const doubtful: ProcessIdentity[] = [
      { ...gone, host: "elsewhere" },
      { ...gone, bootId: "another" },
      { ...gone, bootId: "" },
      { ...gone, pidNamespace: "pid:[1]" },
      { ...gone, startTime: "" },
      { ...gone, pid: 0 },
      { ...gone, pid: -1 },
      { ...gone, pid: 1.5 },
      { ...gone, pid: Number.NaN },
    ];
    for (const identity of doubtful) expect(port.isGone(identity)).toBe(false);
  });

  it("reads past a program name that looks like the fields that follow it", async () => {
    const program = join(temporaryDirectory(), "a) S 1 (b");
    copyFileSync("/bin/sleep", program);
    chmodSync(program, 0o755);
    const child = spawn(program, ["1000"]);
    onTestFinished(() => void child.kill("SIGKILL"));
    const found = systemProcessTable().read(child.pid ?? 0);
    expect(found).toMatchObject({ parentPid: process.pid, zombie: false });
    expect(port.isGone(identify(child.pid))).toBe(false);
  });
});

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createSandbox, type Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;

describe("guvnor pipeline", () => {
  beforeAll(async () => {
    sandbox = createSandbox();
    sandbox.makeKey();
    await sandbox.guvnor("init");
    await sandbox.guvnor("pipeline", "run", "--objective", "Make it fast.");
  });

  afterAll(() => sandbox.remove());

  it("an empty objective is refused in plain words", async () => {
    const { code, stderr } = await sandbox.guvnor("pipeline", "run", "--objective", "");
    expect(code).toBe(1);
    expect(stderr).toContain("start_pipeline: objective: must not be empty");
  });

  it("a log that cannot be written names the file, and leaves nothing behind", async () => {
    const order = ["pipeline", "fallback", "L1", "download_log", "--out"];
    const { code, stderr } = await sandbox.guvnor(...order, "nowhere/log.json");
    expect(code).toBe(1);
    expect(stderr).toMatch(/nowhere\/log\.json\s+cannot be written \(ENOENT\)/);
    expect(stderr).toContain("[input_invalid]");
    expect(existsSync(join(sandbox.project, "nowhere"))).toBe(false);
    await sandbox.guvnor(...order, "log.json");
    const log: unknown = JSON.parse(readFileSync(join(sandbox.project, "log.json"), "utf8"));
    expect(log).toMatchObject({ pipeline: { id: "L1" } });
  });

  it("who waits is told who has what, until when, and how it ended", async () => {
    const waiting = sandbox.follow(["pipeline", "show", "L1", "--wait"], () => {});
    let said = "";
    waiting.child.stderr.setEncoding("utf8").on("data", (text: string) => void (said += text));
    while (!said.includes("\n")) await pause(20);
    expect(said).toMatch(
      /^L1 running: alpha ready \(nobody has it\), beta ready \(nobody has it\), until \d{4}-\d\d-\d\d \d\d:\d\d\n$/,
    );
    const revoked = await sandbox.guvnor("pipeline", "revoke", "L1", "--reason", "Moot.");
    expect(revoked.code).toBe(0);
    const { code, stdout } = await waiting.exited;
    expect(code).toBe(1);
    expect(stdout).toMatch(/state +revoked/);
    expect(said).toMatch(/\nL1 revoked: [^\n]*\n$/);
  });
});

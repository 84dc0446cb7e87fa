import { describe, expect, it } from "vitest";

import { gitFailure, requireGit, runGit } from "../../src/git/run-git.ts";
import { createRepository } from "./repository-fixture.ts";

describe("runGit", () => {
  it("answers exit codes and both outputs", async () => {
    const run = await runGit(["rev-parse", "--git-dir"]);
    expect(run).toMatchObject({ exitCode: 128, stdout: "", truncated: false });
    expect(run.stderr).toMatch(/^fatal: not a git repository/);
  });

  it("passes its input on", async () => {
    const root = createRepository();
    const args = ["-C", root, "hash-object", "--stdin"];
    const id = await requireGit(args, { input: "a\n" });
    expect(id.trim()).toBe("78981922613b2afb6025042ff6bd878ac1994e85");
  });

  it("kills git when it writes too much, and says that the output is cut", async () => {
    const args = ["help", "--all"];
    const run = await runGit(args, { maxOutputBytes: 100 });
    expect(run.truncated).toBe(true);
    expect(run.stdout.length).toBeLessThanOrEqual(100);
    await expect(requireGit(args, { maxOutputBytes: 100 })).rejects.toThrow(/too much output/);
  });

  it("kills git when it takes too long", async () => {
    const slow = ["-c", "alias.slow=!sleep 2", "slow"];
    await expect(runGit(slow, { timeoutMs: 50 })).rejects.toThrow(/git slow did not finish/);
  });

  it("stops when it is told to", async () => {
    const stop = AbortSignal.abort();
    await expect(runGit(["version"], { signal: stop })).rejects.toThrow("git was stopped.");
  });

  it("names the command that failed, and its exit code when git said nothing", () => {
    const run = { exitCode: 3, stdout: "", stderr: "", truncated: false };
    const failure = gitFailure(["--git-dir=x", "-C", "y", "status"], run);
    expect(failure.message).toBe("git status failed: exit code 3");
  });

  it("reports an argument that no program can get", async () => {
    await expect(runGit(["nul\0"])).rejects.toThrow("null bytes");
  });
});

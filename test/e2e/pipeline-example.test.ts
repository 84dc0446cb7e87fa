import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

const RUN = join(import.meta.dirname, "../../examples/pipeline/run.mjs");
const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
/** Many times what it takes, for machines that do something else beside. */
const LIMIT_MS = 300_000;

let scratch: string;

beforeEach(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), "pipeline-test-")));
});

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

/** As its README says; what it starts is guvnor's sources. */
async function run(...args: readonly string[]): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [RUN, ...args], {
    env: { ...process.env, GUVNOR_MAIN: MAIN, TMPDIR: scratch },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  }
  const code = await new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  return { code, said };
}

test(
  "two patches that both pass the tests: GAMMA mediates, the three vote, and it is completed",
  async () => {
    const { code, said } = await run();
    expect(said).toContain("The ledger verifies.");
    expect(said).toMatch(/state +completed/);
    expect(said).toMatch(/chosen +S2/);
    expect(said).toMatch(/commit +[0-9a-f]{40}/);
    expect(code).toBe(0);
  },
  LIMIT_MS,
);

test(
  "without a third agent there is no consensus, exit code 2, and its fallback finishes it",
  async () => {
    const { code, said } = await run("--without-gamma");
    expect(said).toMatch(/no consensus .*No agent is present that could mediate/s);
    expect(said).toContain("exit code 2");
    expect(said).toContain("guvnor pipeline fallback L1 rerun_same");
    expect(said).toMatch(/run +2\n/);
    expect(said).toContain("The ledger verifies.");
    expect(code).toBe(0);
  },
  LIMIT_MS,
);

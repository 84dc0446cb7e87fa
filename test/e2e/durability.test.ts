import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { startAgent, temporaryDirectory } from "./agent-process.ts";

const CALLS = 40;

/** Why the system calls of a process cannot be counted here, undefined where they can. */
function whyNoTrace(): string | undefined {
  try {
    execFileSync("strace", ["-f", "-o", "/dev/null", "true"], { stdio: "ignore" });
    return undefined;
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    return missing ? "strace is not installed" : "strace may not trace here";
  }
}

/** Syncs that finished while the calls were answered, one call after another. */
async function countSyncs(durability: "full" | "normal"): Promise<number> {
  const log = join(temporaryDirectory(), "syncs");
  const trace = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", log];
  const { ok } = await startAgent("ada", {
    home: temporaryDirectory(),
    env: { GUVNOR_DURABILITY: durability },
    under: trace,
  });
  // The first call makes the project.
  await ok("get_status");
  const before = syncsIn(log);
  for (let call = 0; call < CALLS; call += 1) await ok("get_status");
  return syncsIn(log) - before;
}

function syncsIn(log: string): number {
  const finished = /(fsync|fdatasync)(\(\d+\)| resumed>\))\s+= 0$/;
  return readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => finished.test(line)).length;
}

test("at full every answered call was synced to the disk, at normal far fewer are", async (context) => {
  const why = whyNoTrace();
  if (why !== undefined) {
    context.skip(why);
    return;
  }
  expect(await countSyncs("full")).toBeGreaterThanOrEqual(CALLS);
  expect(await countSyncs("normal")).toBeLessThan(CALLS / 2);
});

import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";

import { expect, test } from "vitest";

import { temporaryDirectory } from "./temporary-directory.ts";

const FIXTURE = join(import.meta.dirname, "full-disk-fixture.ts");
const CHILD_LIMIT_MS = 50_000;

interface Seen {
  readonly step: string;
  readonly outcome: string;
  readonly changed: boolean;
}

/** Runs the fixture under `shell`, which ends with `exec "$@"`. */
async function runUnder(
  shell: string[],
  script: string,
  mode: string,
  at: string,
): Promise<Seen[]> {
  const fixture = [process.execPath, FIXTURE, at, mode];
  const [command = "sh", ...args] = [...shell, "sh", "-c", script, "sh", ...fixture];
  return await new Promise((resolve, reject) => {
    execFile(command, args, { timeout: CHILD_LIMIT_MS }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout.split("\n").filter(Boolean).map(parseSeen));
    });
  });
}

function parseSeen(line: string): Seen {
  const seen: Seen = JSON.parse(line);
  return seen;
}

/** How this user gets a namespace in which to mount; it, and what is mounted, ends with the process. */
function mountingShell(): string[] | undefined {
  const root = process.getuid?.() === 0;
  const unshare = ["unshare", root ? "-m" : "-Urm"];
  try {
    const mount = 'mount -t tmpfs -o size=1m tmpfs "$1"';
    const [command, ...args] = [...unshare, "sh", "-c", mount, "sh", temporaryDirectory()] as const;
    execFileSync(command, args, { stdio: "ignore" });
    return unshare;
  } catch {
    // Not Linux, or not allowed here.
    return undefined;
  }
}

test("a full disk fails the call, leaves the ledger as it was, and is forgiven", async (context) => {
  const shell = mountingShell();
  if (shell === undefined) {
    context.skip("nothing can be mounted here; the limit on file sizes is tested instead");
    return;
  }
  const directory = temporaryDirectory();
  const script = `mount -t tmpfs -o size=6m tmpfs '${directory}' && exec "$@"`;
  expect(await runUnder(shell, script, "ballast", directory)).toEqual([
    { step: "claim", outcome: "storage_failed", changed: false },
    { step: "again", outcome: "storage_failed", changed: false },
    { step: "much", outcome: "storage_failed after storage_failed", changed: false },
    { step: "plan", outcome: "storage_failed", changed: false },
    { step: "checkpoint", outcome: expect.any(String), changed: false },
    { step: "freed", outcome: "ok", changed: true },
    { step: "done", outcome: "ok", changed: true },
  ]);
});

test("a file that must not grow fails the call, and the next process goes on", async () => {
  const directory = temporaryDirectory();
  // Without the signal, as on a full disk: the write fails and the program hears of it.
  const limited = `trap '' XFSZ; ulimit -f 3000; exec "$@"`;
  expect(await runUnder([], limited, "limit", directory)).toEqual([
    { step: "report", outcome: "storage_failed", changed: false },
    { step: "plan", outcome: "storage_failed", changed: false },
  ]);
  expect(await runUnder([], 'exec "$@"', "after", directory)).toEqual([
    { step: "claim", outcome: "ok", changed: true },
    { step: "done", outcome: "ok", changed: true },
  ]);
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where data directories are made: GUVNOR_BENCH_DIR, for another disk, or the system's own. */
export const DATA_ROOT = process.env["GUVNOR_BENCH_DIR"] ?? tmpdir();

/** Runs `work` with a fresh directory, outside any repository, and removes it. */
export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(DATA_ROOT, "guvnor-bench-"));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

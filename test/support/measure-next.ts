import type { EngineDeps } from "../../src/engine/deps.ts";
import { claimNext, measureRun } from "../../src/engine/gate-worker.ts";

/** Takes one queued gate run and measures it; answers whether there was one. */
export async function measureNext(deps: EngineDeps, signal: AbortSignal): Promise<boolean> {
  const run = await claimNext(deps);
  if (run === undefined) return false;
  await measureRun(deps, run, signal);
  return !signal.aborted;
}

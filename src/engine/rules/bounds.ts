import type { ReadTx } from "../../store/store.ts";
import type { EngineDeps } from "../deps.ts";
import { rulesInForce } from "./rules-in-force.ts";

/** Silence after which a running task may be given to somebody else, in ms. */
export async function stallAfterMs(deps: EngineDeps, tx: ReadTx): Promise<number> {
  return deps.settings.stallAfterMs ?? (await rulesInForce(deps, tx)).settings.stall.afterMs;
}

/** Running tasks that an agent may hold at once: what this process says, or the strictest limit. */
export async function parallelTasks(deps: EngineDeps, tx: ReadTx): Promise<number> {
  const { parallel } = deps.settings;
  if (parallel !== undefined) return parallel;
  const { settings } = await rulesInForce(deps, tx);
  const limits = settings.limits.filter(
    ({ metric, of, tier }) => metric === "running_tasks" && of === "agent" && tier === null,
  );
  return Math.min(Number.MAX_SAFE_INTEGER, ...limits.map(({ max }) => max));
}

import type { ReadContext } from "../call-context.ts";
import { rulesInForce } from "./rules-in-force.ts";

/** Silence after which a running task may be given to somebody else, in ms. */
export async function stallAfterMs(ctx: ReadContext): Promise<number> {
  return (await rulesInForce(ctx)).settings.stall.afterMs;
}

/** Running tasks that an agent may hold at once: as the strictest limit says, Infinity without one. */
export async function parallelTasks(ctx: ReadContext): Promise<number> {
  const { settings } = await rulesInForce(ctx);
  const limits = settings.limits.filter(
    ({ metric, of, tier }) => metric === "running_tasks" && of === "agent" && tier === null,
  );
  return Math.min(Infinity, ...limits.map(({ max }) => max));
}

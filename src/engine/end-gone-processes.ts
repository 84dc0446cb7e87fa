import type { WriteContext } from "./call-context.ts";
import { endProcess } from "./presence.ts";

/**
 * Ends the processes that are certainly gone (same boot and namespace, no such pid). Reading a few
 * /proc entries is quick and synchronous, so it may happen inside the transaction.
 * @returns whether any was ended.
 */
export async function endGoneProcesses(ctx: WriteContext): Promise<boolean> {
  const { processes, processId } = ctx.deps;
  let ended = false;
  for (const process of await ctx.tx.processes.listPresent()) {
    if (process.id === processId || !processes.isGone(process)) continue;
    await endProcess(ctx, process, "gone");
    ended = true;
  }
  return ended;
}

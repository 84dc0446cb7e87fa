import type { WriteContext } from "./call-context.ts";

/** Whether this agent's process is there to go on with a task. */
export async function isPresent(ctx: Pick<WriteContext, "tx">, name: string): Promise<boolean> {
  const agent = await ctx.tx.agents.get(name);
  if (agent === undefined) return false;
  const process = await ctx.tx.processes.get(agent.processId);
  return process !== undefined && process.endedAtMs === null;
}

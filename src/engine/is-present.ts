import type { WriteContext } from "./call-context.ts";

/**
 * Whether this agent is there to go on with a task. Its process alone does not say so: one that was
 * taken for gone is revived by the call of any of its agents, and the others are offline until they call.
 * One that was revoked may be there, and cannot go on with anything.
 */
export async function isPresent(ctx: Pick<WriteContext, "tx">, name: string): Promise<boolean> {
  const agent = await ctx.tx.agents.get(name);
  if (agent === undefined || agent.state === "offline" || agent.state === "revoked") return false;
  const process = await ctx.tx.processes.get(agent.processId);
  return process !== undefined && process.endedAtMs === null;
}

import type { Agent, AgentState } from "../core/agent.ts";
import { stopFor } from "../core/stop.ts";
import type { ReadContext } from "./call-context.ts";
import { agentSubject } from "./rules/guards.ts";
import { openBreakers } from "./rules/open-breakers.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";
import { readStops } from "./rules/stops.ts";

/**
 * What agents are at, as others see them. One that is held back is quarantined: by a stop of its own
 * whatever it holds, by its breaker where it would otherwise take new work.
 */
export async function shownStates(
  ctx: ReadContext,
  nowMs: number,
): Promise<(agent: Agent) => AgentState> {
  const { project } = ctx.tx.scope;
  const stops = (await readStops(ctx.tx)).filter(({ scope }) => scope.kind === "agent");
  const { settings } = await rulesInForce(ctx);
  const breakers = await openBreakers(ctx.tx, settings, nowMs);
  const held = new Set(breakers.flatMap(({ subject, phase }) => (phase === "open" ? subject : [])));
  return ({ name, state }) => {
    if (state === "offline" || state === "revoked") return state;
    if (stopFor(stops, { project, agent: name }) !== undefined) return "quarantined";
    return state === "idle" && held.has(agentSubject(name)) ? "quarantined" : state;
  };
}

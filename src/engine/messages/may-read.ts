import type { Agent } from "../../core/agent.ts";
import { addressIn, EVERYBODY, isPerson } from "../../core/channel.ts";
import type { ReadContext } from "../call-context.ts";
import { readFacts } from "../rules/policy-facts.ts";
import { rulesInForce } from "../rules/rules-in-force.ts";

const TOOL = "read_messages";

/** Whether an agent may read what somebody says, or has said, in a channel. */
type MayRead = (
  agent: Agent,
  said: { readonly channel: string | null; readonly from: string },
) => Promise<boolean>;

/**
 * What the rules would say to a read_messages of this agent that names the channel. It holds wherever
 * the agent would get to see what was said there: its inbox, a delivery, a message by its id. What
 * needs an approval is not read unasked. A person is heard by whom he or she speaks to, and by all:
 * only a channel can be closed to their words.
 */
export async function whoMayRead(ctx: ReadContext & { nowMs: number }): Promise<MayRead> {
  const { nowMs } = ctx;
  const { policy, settings, project } = await rulesInForce(ctx);
  const tool = policy.tools.get(TOOL);
  return async (agent, { channel, from }) => {
    // A notice of guvnor's own is in no channel.
    if (tool === undefined || channel === null) return true;
    if (isPerson(from) && (channel === EVERYBODY || !channel.startsWith("#"))) return true;
    const input = { channel: addressIn(channel, agent.name) };
    const facts = await readFacts(ctx.tx, { agent, tool, input, nowMs, project, settings });
    const { effect } = ctx.deps.policy.decide(policy, { tool: TOOL, facts });
    return effect === "allow" || effect === "warn";
  };
}

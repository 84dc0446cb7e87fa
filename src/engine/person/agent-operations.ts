import { z } from "zod";

import { TIERS, type Agent } from "../../core/agent.ts";
import { GuvnorError } from "../../core/errors.ts";
import { freezeTrust, startTrust, thawTrust } from "../../core/trust.ts";
import { callingPerson, type CallContext } from "../call-context.ts";
import type { Operation, Outcome } from "../operation.ts";
import { countFor } from "../rules/exceeded.ts";
import { restoreAgent, revokeAgent } from "../rules/revoke-agent.ts";
import { rulesInForce } from "../rules/rules-in-force.ts";
import { freeOutOfReach, readTrust, saveTrust } from "../rules/trust.ts";
import { shownStates } from "../shown-state.ts";
import { iso, present } from "../task-view.ts";
import { definePersonOperation } from "./define-person-operation.ts";

const MAX_ROWS = 1000;
const agentName = z.string().min(1).max(64);
const reason = z.string().trim().min(1).max(2000);

const listAgents = definePersonOperation({
  name: "agents_list",
  input: z.strictObject({}),
  handle: async (ctx): Promise<Outcome> => {
    const rows = [];
    const stateOf = await shownStates(ctx, ctx.nowMs);
    for (const agent of await ctx.tx.agents.list()) {
      const trust = await readTrust(ctx, agent.name, agent.tier);
      rows.push(
        present({
          name: agent.name,
          state: stateOf(agent),
          tier: agent.tier,
          frozen_by: trust.frozenBy,
          verified: trust.verified,
          role: agent.role,
          capabilities: agent.capabilities,
          principal: agent.principal,
          last_seen: iso(agent.lastSeenMs),
          tasks: (await ctx.tx.tasks.heldBy(agent.name)).map(({ id }) => id),
        }),
      );
    }
    return { answer: { agents: rows } };
  },
});

const revoke = definePersonOperation({
  name: "agents_revoke",
  input: z.strictObject({ agent: agentName, reason }),
  handle: async (ctx, { agent: name, reason: why }): Promise<Outcome> => {
    const person = callingPerson(ctx);
    await requireAgent(ctx, name);
    await revokeAgent(ctx, name, `${person}: ${why}`);
    return { answer: { agent: name, state: "revoked" }, target: name };
  },
});

const restore = definePersonOperation({
  name: "agents_restore",
  input: z.strictObject({ agent: agentName }),
  handle: async (ctx, { agent: name }): Promise<Outcome> => {
    const agent = await requireAgent(ctx, name);
    if (agent.state !== "revoked") {
      throw new GuvnorError("state_conflict", `${name} is not revoked.`, "Nothing need be done.");
    }
    await restoreAgent(ctx, name, callingPerson(ctx));
    return { answer: { agent: name, state: "offline" }, target: name };
  },
});

const setTier = definePersonOperation({
  name: "agents_tier",
  input: z.strictObject({
    agent: agentName,
    tier: z.enum(TIERS).optional(),
    /** Nothing changes it but a person, until it is thawed. */
    freeze: z.boolean().optional(),
    thaw: z.boolean().optional(),
  }),
  handle: async (ctx, { agent: name, tier, freeze, thaw }): Promise<Outcome> => {
    const person = callingPerson(ctx);
    const agent = await requireAgent(ctx, name);
    const to = tier ?? agent.tier;
    const before = await readTrust(ctx, name, agent.tier);
    const set = to === agent.tier ? before : { ...startTrust(to), frozenBy: before.frozenBy };
    const frozen = freeze === true ? freezeTrust(set, to, person) : set;
    const trust = thaw === true ? thawTrust(frozen) : frozen;
    await saveTrust(ctx, name, trust);
    await ctx.tx.agents.save({ ...agent, tier: to });
    const frozenBy = trust.frozenBy;
    ctx.effects.push({
      type: "agent",
      id: name,
      event: "tier",
      from: agent.tier,
      to,
      why: "person",
      ...(frozenBy === null ? {} : { frozen_by: frozenBy }),
    });
    await freeOutOfReach(ctx, (await rulesInForce(ctx)).settings, name, to);
    return { answer: present({ agent: name, tier: to, frozen_by: frozenBy }), target: name };
  },
});

const recordUsage = definePersonOperation({
  name: "usage_record",
  input: z.strictObject({
    agent: agentName,
    /** Who says so: a runner, a hook, a bill; never the agent. */
    source: z.string().min(1).max(64),
    tokens: z.int().min(0).max(1e12).optional(),
    cost_usd: z.number().min(0).max(1e6).optional(),
  }),
  handle: async (
    ctx,
    { agent: name, tokens = 0, cost_usd: cost = 0, source },
  ): Promise<Outcome> => {
    const agent = await requireAgent(ctx, name);
    const { settings } = await rulesInForce(ctx);
    const who = { agent, processId: agent.processId };
    ctx.effects.push({ type: "agent", id: name, event: "usage", tokens, cost_usd: cost, source });
    if (tokens > 0) await countFor(ctx, settings, who, { metric: "tokens", amount: tokens });
    if (cost > 0) await countFor(ctx, settings, who, { metric: "cost_usd", amount: cost });
    return { answer: { agent: name, tokens, cost_usd: cost }, target: name };
  },
});

const listViolations = definePersonOperation({
  name: "violations_list",
  input: z.strictObject({
    agent: agentName.optional(),
    limit: z.int().min(1).max(MAX_ROWS).optional(),
  }),
  handle: async ({ tx }, { agent, limit = 100 }): Promise<Outcome> => ({
    answer: {
      violations: (await tx.violations.list(agent, limit)).map((each) =>
        present({
          id: each.id,
          at: iso(each.atMs),
          agent: each.agent,
          rule: each.rule,
          limit: each.limit,
          severity: each.severity,
          what: each.what,
          action: each.action,
          task: each.taskId,
        }),
      ),
    },
  }),
});

async function requireAgent({ tx }: CallContext, name: string): Promise<Agent> {
  const agent = await tx.agents.get(name);
  if (agent !== undefined) return agent;
  throw new GuvnorError(
    "agent_unknown",
    `There is no agent ${name}.`,
    "See who there is: guvnor agents list",
  );
}

export const agentOperations: readonly Operation[] = [
  listAgents,
  revoke,
  restore,
  setTier,
  recordUsage,
  listViolations,
];

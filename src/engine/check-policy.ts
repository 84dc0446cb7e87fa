import { GuvnorError } from "../core/errors.ts";
import { callingAgent, type CallContext } from "./call-context.ts";
import type { Outcome } from "./operation.ts";
import { readFacts } from "./rules/policy-facts.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";
import { present } from "./task-view.ts";

export interface PolicyQuestion {
  readonly tool: string;
  readonly input?: Readonly<Record<string, unknown>> | undefined;
}

/** May I? What the rules would say to a call of this agent now; nothing is counted or asked for. */
export async function checkPolicy(ctx: CallContext, asked: PolicyQuestion): Promise<Outcome> {
  const agent = callingAgent(ctx);
  const rules = await rulesInForce(ctx);
  const tool = rules.policy.tools.get(asked.tool);
  if (tool === undefined) {
    throw new GuvnorError(
      "tool_unknown",
      `There is no tool "${asked.tool.slice(0, 64)}".`,
      "Name one of tools/list.",
    );
  }
  const { settings, project } = rules;
  const { nowMs } = ctx;
  const call = { agent, tool, input: asked.input ?? {}, nowMs, project, settings };
  const facts = await readFacts(ctx.tx, call);
  const decision = ctx.deps.policy.decide(rules.policy, { tool: asked.tool, facts });
  return {
    answer: present({
      effect: decision.effect,
      rule: decision.rule,
      reason: decision.reason,
      approvals: decision.approvers.map(({ rule, role, count }) => ({ rule, role, count })),
      warnings: decision.warnings.map(({ rule, reason }) => ({ rule, reason })),
      policy: rules.hash?.slice(0, 12) ?? null,
      next: NEXT[decision.effect],
    }),
  };
}

const NEXT = {
  allow: "You may call it.",
  warn: "You may call it; the warning is recorded.",
  require_approval: "Call it: people are asked then, and the inbox tells you what they say.",
  deny: "Do something else, or ask a person with request_escalation.",
} as const;

import type { Agent } from "../../core/agent.ts";
import type { Task } from "../../core/task.ts";
import type { WriteContext } from "../call-context.ts";
import { readFacts } from "./policy-facts.ts";
import { rulesInForce } from "./rules-in-force.ts";

/**
 * What the rules say to an agent's having a task that it did not name: one that is forbidden to it, or
 * that a person must approve first, is not handed out by chance. A call that names it was decided.
 */
export async function mayClaim(
  ctx: WriteContext,
  { agent, input, task }: { agent: Agent; input: unknown; task: Task },
): Promise<"yes" | "ask" | "no"> {
  const { policy, settings, project } = await rulesInForce(ctx);
  const tool = policy.tools.get("request_task");
  if (tool === undefined || !tool.needs.has("task")) return "yes";
  const { nowMs } = ctx;
  const facts = await readFacts(ctx.tx, { agent, tool, input, nowMs, project, settings, task });
  const { effect } = ctx.deps.policy.decide(policy, { tool: tool.tool.name, facts });
  if (effect === "require_approval") return "ask";
  return effect === "deny" ? "no" : "yes";
}

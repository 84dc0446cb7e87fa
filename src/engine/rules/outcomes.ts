import type { Agent } from "../../core/agent.ts";
import type { AttemptOutcome, Task } from "../../core/task.ts";
import { afterOutcome } from "../../core/trust.ts";
import type { ReadTx } from "../../store/store.ts";
import type { WriteContext } from "../call-context.ts";
import { agentBreaker, settleAgent } from "./breakers.ts";
import { countFor } from "./exceeded.ts";
import { rulesInForce } from "./rules-in-force.ts";
import { tokenOf } from "./tokens.ts";
import { moveTrust } from "./trust.ts";

/** Whose work it was, and what came of it. */
interface Ended {
  readonly agent: string;
  readonly task: Task;
  readonly outcome: Extract<AttemptOutcome, "done" | "failed"> | "gate_failed";
}

/**
 * Work came to something: the agent's breaker, its errors and its tier go by that, and by nothing
 * that an agent merely says or does often.
 */
export async function noteOutcome(
  ctx: WriteContext,
  { agent: name, task, outcome }: Ended,
): Promise<void> {
  const { settings } = await rulesInForce(ctx);
  const failed = outcome !== "done";
  const breaker = agentBreaker(settings, name);
  if (breaker !== undefined) await settleAgent(ctx, breaker, failed);
  if (failed) {
    const agent = await ctx.tx.agents.get(name);
    const who = { agent, processId: agent?.processId ?? "" };
    await countFor(ctx, settings, who, { metric: "errors", amount: 1 });
  }
  // A gate that failed is mended by the same attempt: only its end says how it went.
  if (outcome === "gate_failed") return;
  const { id: taskId, commit, verifiedBy } = task;
  const isOwnTask = await isOwn(ctx, name, task);
  const facts = { agent: name, taskId, isOwnTask, commit, outcome, verifiedBy };
  await moveTrust(ctx, settings, name, (trust, trustSettings) =>
    afterOutcome(trust, trustSettings, facts, ctx.nowMs),
  );
}

/** Agents of one process, or by one credential, have the same one behind them. */
async function isOwn(
  { tx }: WriteContext,
  name: string,
  { createdBy }: Pick<Task, "createdBy">,
): Promise<boolean> {
  if (createdBy === name) return true;
  const creator = await tx.agents.get(createdBy);
  if (creator === undefined) return false;
  const agent = await tx.agents.get(name);
  if (agent === undefined || agent.processId === creator.processId) return true;
  const [mine, theirs] = await Promise.all([parentOf(tx, agent), parentOf(tx, creator)]);
  return mine !== null && mine === theirs;
}

async function parentOf(tx: ReadTx, agent: Agent): Promise<string | null> {
  return (await tokenOf(tx, agent))?.token.parent ?? null;
}

import type { AttemptOutcome, Task } from "../../core/task.ts";
import { afterOutcome } from "../../core/trust.ts";
import type { WriteContext } from "../call-context.ts";
import { agentBreaker, settleAgent } from "./breakers.ts";
import { countFor } from "./exceeded.ts";
import { rulesInForce } from "./rules-in-force.ts";
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
  const { id: taskId, createdBy, verifiedBy } = task;
  const facts = { agent: name, taskId, createdBy, outcome, verifiedBy };
  await moveTrust(ctx, settings, name, (trust, trustSettings) =>
    afterOutcome(trust, trustSettings, facts, ctx.nowMs),
  );
}

import type { WriteContext } from "../call-context.ts";
import type { EngineDeps } from "../deps.ts";
import { takeLease } from "../presence.ts";
import { findStalled } from "../stalled-tasks.ts";
import { systemAct } from "../system-act.ts";
import { expireApprovals } from "./approvals.ts";
import { followGlobalStop, isNews } from "./global-stop.ts";
import { checkHealth, isHealthDue } from "./health-watch.ts";
import { endFloods } from "./limits.ts";
import { revokeAgent } from "./revoke-agent.ts";
import { rulesInForce } from "./rules-in-force.ts";
import { readStopFor } from "./stops.ts";

/** What time makes due of the rules: looked for without a lock, done in one transaction. */
export async function settleRules(deps: EngineDeps): Promise<void> {
  const nowMs = deps.now();
  const due = await deps.store.read(deps.scope, async (tx) => {
    const { settings } = await rulesInForce({ deps, tx });
    const limits = await tx.guards.list("limit");
    const said = deps.globalStop();
    return {
      rules:
        limits.some(({ state }) => state.flood !== null) ||
        (await tx.approvals.due(nowMs)).length > 0 ||
        (said !== undefined && (await isNews(tx, said))),
      stalls: settings.stall.response === "revoke" || (await tx.pipelines.open()).length > 0,
      health: await isHealthDue(tx, settings, nowMs),
    };
  });
  if (due.rules) await systemAct(deps, "settle_rules", settle);
  if (due.stalls) await endStalled(deps);
  if (due.health) await systemAct(deps, "health", checkHealth);
}

async function settle(ctx: WriteContext): Promise<void> {
  await followGlobalStop(ctx);
  const { settings } = await rulesInForce(ctx);
  for (const { subject, limit, ended } of await endFloods(ctx, settings.limits)) {
    ctx.effects.push({ type: "limit", id: limit, event: "flood", subject, ...ended });
  }
  await expireApprovals(ctx);
}

/**
 * Silent for too long, where that costs a token, only that agent's: its token for a part of a
 * pipeline, or where the settings say so the one that it calls with.
 */
async function endStalled(deps: EngineDeps): Promise<void> {
  const stalled = await findStalled(deps);
  if (stalled.length === 0) return;
  await systemAct(deps, "revoke_stalled", async (ctx) => {
    const { settings } = await rulesInForce(ctx);
    for (const { taskId, fence, agent, ofPipeline } of stalled) {
      const task = await ctx.tx.tasks.get(taskId);
      if (task?.state !== "running" || task.holder !== agent || task.fence !== fence) continue;
      if ((await readStopFor(ctx.tx, agent)) !== undefined) continue;
      if (ofPipeline) await takeLease(ctx, task, "stalled");
      if (settings.stall.response === "revoke") {
        await revokeAgent(ctx, agent, `stalled on ${taskId}`);
      }
    }
  });
}

import type { WriteContext } from "./call-context.ts";
import { findClimbs, settleClimbs } from "./climb-escalations.ts";
import type { EngineDeps } from "./deps.ts";
import { escalateStuck, findStuck } from "./escalate-blocked.ts";
import { systemAct } from "./system-act.ts";

/** What time makes due of questions: looked for without a lock, done in one transaction. */
export async function settleEscalations(deps: EngineDeps): Promise<void> {
  const nowMs = deps.now();
  const isDue = await deps.store.read(deps.scope, async (tx) => {
    const ctx = { tx, deps };
    return (await findClimbs(ctx, nowMs)).length > 0 || (await findStuck(ctx, nowMs)).length > 0;
  });
  if (isDue) await systemAct(deps, "settle_escalations", settle);
}

async function settle(ctx: WriteContext): Promise<void> {
  await settleClimbs(ctx);
  await escalateStuck(ctx);
}

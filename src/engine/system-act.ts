import type { Effect, WriteContext } from "./call-context.ts";
import type { EngineDeps } from "./deps.ts";
import { followUp } from "./follow-up.ts";
import { writeAudit } from "./write-audit.ts";

/**
 * Something the engine does by itself, in one transaction with its entry; no entry where nothing
 * was changed.
 */
export async function systemAct<T>(
  deps: EngineDeps,
  action: string,
  work: (ctx: WriteContext) => Promise<T>,
): Promise<T> {
  const startedMs = deps.monotonic();
  return await deps.store.write(deps.scope, async (tx) => {
    const effects: Effect[] = [];
    const nowMs = deps.now();
    const ctx: WriteContext = { tx, deps, nowMs, effects };
    const result = await work(ctx);
    await followUp(ctx);
    if (effects.length === 0) return result;
    const project = await tx.projects.get();
    await writeAudit(tx, {
      atMs: nowMs,
      actor: "guvnor",
      principal: "guvnor",
      session: null,
      channel: "system",
      action,
      target: effects.find((effect) => effect.type === "task")?.id ?? null,
      decision: "system",
      reason: null,
      policyHash: project?.policyHash ?? null,
      effects,
      durationUs: Math.round((deps.monotonic() - startedMs) * 1000),
      callId: deps.newSecret().slice(0, 32),
      trace: null,
      payload: undefined,
      nonce: "",
    });
    return result;
  });
}

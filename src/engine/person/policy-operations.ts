import { z } from "zod";

import type { ProjectSettings } from "../../core/settings.ts";
import { compilePolicy } from "../../policy/compile-policy.ts";
import { loadPolicy } from "../../policy/load-policy.ts";
import { callingPerson, type CallContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import type { Operation, Outcome } from "../operation.ts";
import { hashOf, putInForce } from "../rules/put-in-force.ts";
import { replayCalls } from "../rules/replay-calls.ts";
import { rulesInForce } from "../rules/rules-in-force.ts";
import { definePersonOperation } from "./define-person-operation.ts";

/** Calls that `apply` shows the effect on; `replay` may ask for more. */
const SHOWN_CALLS = 500;
const MAX_CALLS = 100_000;

const file = { source: z.string(), file: z.string().max(1024) };

const applyPolicy = definePersonOperation({
  name: "policy_apply",
  input: z.strictObject({ ...file, dry_run: z.boolean().optional() }),
  handle: async (ctx: CallContext, asked): Promise<Outcome> => {
    const person = callingPerson(ctx);
    const { source, file: name } = asked;
    const { settings } = loadPolicy(source, name, ctx.deps.toolTypes());
    const before = await rulesInForce(ctx);
    const hash = hashOf(ctx.deps, source, settings);
    const changed = before.hash !== hash;
    const replay = changed ? await tryOut(ctx, settings, { limit: SHOWN_CALLS }) : undefined;
    if (asked.dry_run !== true && changed) {
      await putInForce(ctx, { source, file: name, by: person });
    }
    return {
      answer: {
        policy: hash.slice(0, 12),
        applied: asked.dry_run !== true && changed,
        changed,
        gates: Object.keys(settings.gates),
        gates_before: Object.keys(before.settings.gates),
        profile: settings.profile,
        ...(replay === undefined ? {} : { replay }),
      },
    };
  },
});

const replayPolicy = definePersonOperation({
  name: "policy_replay",
  input: z.strictObject({ ...file, limit: z.int().min(1).max(MAX_CALLS).optional() }),
  handle: async (ctx, { source, file: name, limit = 10_000 }): Promise<Outcome> => {
    const { settings } = loadPolicy(source, name, ctx.deps.toolTypes());
    return { answer: await tryOut(ctx, settings, { limit }) };
  },
});

async function tryOut(
  ctx: CallContext,
  settings: ProjectSettings,
  { limit }: { limit: number },
): Promise<JsonObject> {
  const policy = compilePolicy(settings, ctx.deps.toolTypes());
  return await replayCalls(ctx, { settings, policy }, limit);
}

export const policyOperations: readonly Operation[] = [applyPolicy, replayPolicy];

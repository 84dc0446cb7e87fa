import { z } from "zod";

import { loadSettings } from "../../policy/load-settings.ts";
import { callingPerson, type CallContext, type WriteContext } from "../call-context.ts";
import type { Operation, Outcome } from "../operation.ts";
import { settingsInForce } from "../settings-in-force.ts";
import { definePersonOperation } from "./define-person-operation.ts";

const input = z.strictObject({
  source: z.string(),
  file: z.string().max(1024),
  dry_run: z.boolean().optional(),
});

const applyPolicy = definePersonOperation({
  name: "policy_apply",
  input,
  handle: async (ctx: CallContext, asked): Promise<Outcome> => {
    const person = callingPerson(ctx);
    const settings = loadSettings(asked.source, asked.file);
    const before = await settingsInForce(ctx.tx);
    const hash = ctx.deps.sha256(asked.source);
    const changed = (await ctx.tx.projects.get())?.policyHash !== hash;
    if (asked.dry_run !== true && changed) {
      await putInForce(ctx, { source: asked.source, file: asked.file, by: person });
    }
    return {
      answer: {
        policy: hash.slice(0, 12),
        applied: asked.dry_run !== true && changed,
        changed,
        gates: Object.keys(settings.gates),
        gates_before: Object.keys(before.gates),
        profile: settings.profile,
      },
    };
  },
});

/** Keeps this version for ever, by its hash, and puts it in force from the next call on. */
export async function putInForce(
  ctx: WriteContext,
  { source, file, by }: { source: string; file: string; by: string },
): Promise<void> {
  const project = await ctx.tx.projects.get();
  if (project === undefined) throw new Error("settings are applied to a project that exists");
  const settings = loadSettings(source, file);
  const hash = ctx.deps.sha256(source);
  await ctx.tx.policies.insert({
    hash,
    source,
    settings,
    appliedBy: by,
    appliedAtMs: ctx.nowMs,
  });
  await ctx.tx.projects.save({ ...project, policyHash: hash });
  ctx.effects.push({
    type: "policy",
    id: hash.slice(0, 12),
    event: "applied",
    before: project.policyHash?.slice(0, 12) ?? null,
    gates: Object.keys(settings.gates),
  });
  ctx.tx.wake();
}

export const policyOperations: readonly Operation[] = [applyPolicy];

import { z } from "zod";

import type { ProjectSettings } from "../../core/settings.ts";
import { compilePolicy } from "../../policy/compile-policy.ts";
import { loadPolicy } from "../../policy/load-policy.ts";
import { loadSettings } from "../../policy/load-settings.ts";
import { profileSource } from "../../policy/profiles.ts";
import { settingsHash } from "../../policy/settings-hash.ts";
import { callingPerson, type CallContext, type WriteContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import type { EngineDeps } from "../deps.ts";
import type { Operation, Outcome } from "../operation.ts";
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
    const before = await rulesInForce(ctx.deps, ctx.tx);
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

/** A version's name: of the file and of its profile. */
export function hashOf(
  { sha256 }: Pick<EngineDeps, "sha256">,
  source: string,
  { profile }: Pick<ProjectSettings, "profile">,
): string {
  return settingsHash(source, profileSource(profile), sha256);
}

/** Keeps this version for ever, by its hash, and puts it in force from the next call on. */
export async function putInForce(
  ctx: WriteContext,
  { source, file: name, by }: { source: string; file: string; by: string },
): Promise<void> {
  const project = await ctx.tx.projects.get();
  if (project === undefined) throw new Error("settings are applied to a project that exists");
  // What cannot be compiled would refuse every call from then on, this one too.
  const { settings } = loadPolicy(source, name, ctx.deps.toolTypes());
  const hash = hashOf(ctx.deps, source, settings);
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
    by,
    before: project.policyHash?.slice(0, 12) ?? null,
    gates: Object.keys(settings.gates),
  });
  ctx.tx.wake();
}

/** In profile `open` an edited file takes effect by itself. @returns Whether it did. */
export async function applyByItself(
  ctx: WriteContext,
  { source, file: name }: { source: string; file: string },
): Promise<boolean> {
  const { settings: inForce, hash } = await rulesInForce(ctx.deps, ctx.tx);
  const settings = loadSettings(source, name);
  // A file cannot loosen what a person chose: the one in force has to be `open`, and to stay so.
  if (!inForce.autoApply || !settings.autoApply) return false;
  if (hashOf(ctx.deps, source, settings) === hash) return false;
  await putInForce(ctx, { source, file: name, by: "guvnor" });
  return true;
}

export const policyOperations: readonly Operation[] = [applyPolicy, replayPolicy];

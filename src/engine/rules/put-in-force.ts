import type { ProjectSettings } from "../../core/settings.ts";
import { loadPolicy } from "../../policy/load-policy.ts";
import { profileSource } from "../../policy/profiles.ts";
import { settingsHash } from "../../policy/settings-hash.ts";
import type { WriteContext } from "../call-context.ts";
import type { EngineDeps } from "../deps.ts";

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

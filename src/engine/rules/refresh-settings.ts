import { GuvnorError } from "../../core/errors.ts";
import { loadSettings } from "../../policy/load-settings.ts";
import type { WriteContext } from "../call-context.ts";
import type { EngineDeps } from "../deps.ts";
import { systemAct } from "../system-act.ts";
import { hashOf, putInForce } from "./put-in-force.ts";
import { rulesInForce } from "./rules-in-force.ts";

/** In profile `open` an edited guvnor.yaml takes effect by itself; a wrong one keeps what was. */
export async function refreshSettings(deps: EngineDeps): Promise<void> {
  const { settings, hash } = await deps.store.read(
    deps.scope,
    async (tx) => await rulesInForce({ deps, tx }),
  );
  if (!settings.autoApply) return;
  const found = deps.settingsFile();
  if (found === undefined) return;
  try {
    if (hashOf(deps, found.source, loadSettings(found.source, found.file)) === hash) return;
    await systemAct(deps, "policy_refresh", async (ctx) => await applyByItself(ctx, found));
  } catch (error) {
    if (!(error instanceof GuvnorError) || error.code !== "config_invalid") throw error;
    deps.log.warn({ problem: error.message }, "guvnor.yaml is wrong; what was in force stays");
  }
}

/** @returns Whether it took effect. */
async function applyByItself(
  ctx: WriteContext,
  { source, file: name }: { source: string; file: string },
): Promise<boolean> {
  const { settings: inForce, hash } = await rulesInForce(ctx);
  const settings = loadSettings(source, name);
  // A file cannot loosen what a person chose: the one in force has to be `open`, and to stay so.
  if (!inForce.autoApply || !settings.autoApply) return false;
  if (hashOf(ctx.deps, source, settings) === hash) return false;
  await putInForce(ctx, { source, file: name, by: "guvnor" });
  return true;
}

import { GuvnorError } from "../../core/errors.ts";
import { loadSettings } from "../../policy/load-settings.ts";
import type { EngineDeps } from "../deps.ts";
import { applyByItself, hashOf } from "../person/policy-operations.ts";
import { systemAct } from "../system-act.ts";
import { rulesInForce } from "./rules-in-force.ts";

/** In profile `open` an edited guvnor.yaml takes effect by itself; a wrong one keeps what was. */
export async function refreshSettings(deps: EngineDeps): Promise<void> {
  const { settings, hash } = await deps.store.read(
    deps.scope,
    async (tx) => await rulesInForce(deps, tx),
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

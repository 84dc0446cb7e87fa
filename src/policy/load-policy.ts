import { type CompiledPolicy, compilePolicy } from "./compile-policy.ts";
import { type LoadedSettings, readSettings } from "./load-settings.ts";
import type { ToolType } from "./tool-types.ts";

/**
 * Reads `guvnor.yaml` and compiles its rules: what `loadSettings` and `compilePolicy` refuse, with
 * the lines of the file.
 * @throws {GuvnorError} `config_invalid`
 */
export function loadPolicy(
  source: string,
  fileName: string,
  tools: readonly ToolType[],
): LoadedSettings & { readonly policy: CompiledPolicy } {
  const loaded = readSettings(source, fileName);
  return { ...loaded, policy: compilePolicy(loaded.settings, tools, loaded.placeOf) };
}

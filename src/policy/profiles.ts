/** The one place where src/policy reads files: the profiles that are shipped with guvnor. */
import { readFileSync } from "node:fs";

import type { Profile } from "../core/settings.ts";
import { parseFile } from "./parse-file.ts";
import { profileSchema, type ProfileFile } from "./settings-schema.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

interface ShippedProfile {
  readonly source: string;
  readonly yaml: YamlSource;
  readonly file: ProfileFile;
}

const shipped = new Map<Profile, ShippedProfile>();

/** The text of a shipped profile, comments included; read once. */
export function profileSource(profile: Profile): string {
  return readProfile(profile).source;
}

/** A shipped profile, read and checked once. */
export function readProfile(profile: Profile): ShippedProfile {
  const known = shipped.get(profile);
  if (known !== undefined) return known;
  // At the root of the package, two levels above this file in sources and when built.
  const url = new URL(`../../profiles/${profile}.yaml`, import.meta.url);
  const source = readFileSync(url, "utf8");
  const name = `profiles/${profile}.yaml`;
  const yaml = readYaml(source, name);
  const read = { source, yaml, file: parseFile(profileSchema(), yaml) };
  shipped.set(profile, read);
  return read;
}

import type { ProjectSettings } from "../core/settings.ts";

/** One thing that would be otherwise. */
export type SettingsChange = {
  readonly what: string;
  readonly change: "added" | "removed" | "changed";
  readonly before?: string;
  readonly after?: string;
};

/** What `after` says otherwise than `before`, in a fixed order. */
export function compareSettings(before: ProjectSettings, after: ProjectSettings): SettingsChange[] {
  const old = new Map(flatten(before));
  const now = new Map(flatten(after));
  const names = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  return names.flatMap((what): SettingsChange[] => {
    const was = old.get(what);
    const is = now.get(what);
    if (was === is) return [];
    if (was === undefined) return [{ what, change: "added", after: is ?? "" }];
    if (is === undefined) return [{ what, change: "removed", before: was }];
    return [{ what, change: "changed", before: was, after: is }];
  });
}

function flatten({ profile, gates, prepare }: ProjectSettings): [string, string][] {
  const lines: [string, string][] = [["profile", profile]];
  for (const [name, gate] of Object.entries(gates)) {
    for (const [field, value] of Object.entries(gate)) {
      lines.push([`gates.${name}.${field}`, JSON.stringify(value)]);
    }
  }
  for (const [field, value] of Object.entries(prepare ?? {})) {
    lines.push([`prepare.${field}`, JSON.stringify(value)]);
  }
  return lines;
}

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

type Line = [what: string, value: string];

/** One line a field; rules, limits and gates by their names, so that their order is another matter. */
function flatten(settings: ProjectSettings): Line[] {
  const { policy, limits, tiers, breakers, health } = settings;
  return [
    ["profile", settings.profile],
    ["auto_apply", String(settings.autoApply)],
    ...Object.entries(settings.gates).flatMap(([name, gate]) => fields(`gates.${name}`, gate)),
    ...fields("prepare", settings.prepare),
    ["policy.default", policy.default],
    ...policy.rules.flatMap(({ id, ...rule }) => fields(`policy.rules.${id}`, rule)),
    ...limits.flatMap(({ id, ...limit }) => fields(`limits.${id}`, limit)),
    ["tiers.start", tiers.start],
    ...fields("tiers.may", tiers.may),
    ...fields("tiers.promote", tiers.promote),
    ...fields("tiers.demote", tiers.demote),
    ...fields("violations", settings.violations),
    ...fields("breakers.agent", breakers.agent),
    ...fields("breakers.tool", breakers.tool),
    ["health.reportIntervalMs", String(health.reportIntervalMs)],
    ...fields("health.thresholds", health.thresholds),
    ...fields("stall", settings.stall),
    ...fields("escalation", settings.escalation),
    ...fields("roles", settings.roles),
  ];
}

function fields(prefix: string, values: object | null): Line[] {
  return Object.entries(values ?? {})
    .filter(([, value]) => value !== null)
    .map(([field, value]) => [`${prefix}.${field}`, JSON.stringify(value)]);
}

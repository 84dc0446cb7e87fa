import { GuvnorError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest-name.ts";
import { parseGlob } from "../core/path-glob.ts";
import type { ProjectSettings } from "../core/settings.ts";
import { configInvalid, type ConfigProblem } from "./config-invalid.ts";
import { mergeProfile } from "./merge-profile.ts";
import { parseFile } from "./parse-file.ts";
import { readProfile } from "./profiles.ts";
import { settingsSchema, type SettingsFile } from "./settings-schema.ts";
import { readYaml, type YamlPath, type YamlSource } from "./yaml-source.ts";

/** Where a part of a rule or a limit stands: `of("rules", "deploys", ["when"], 4)` → "guvnor.yaml:7:13". */
export type PlaceOf = (
  list: "rules" | "limits",
  id: string,
  path: YamlPath,
  offset?: number,
) => string;

export interface LoadedSettings {
  readonly settings: ProjectSettings;
  /** In the project's file or in the shipped profile, whichever the item is from. */
  readonly placeOf: PlaceOf;
}

/**
 * Reads `guvnor.yaml` and adds its profile. Pure: the text comes in, the settings go out.
 * Conditions are not compiled; `loadPolicy` does that too.
 * @param fileName - As errors should name it.
 * @throws {GuvnorError} `config_invalid` with file, line and column of what is wrong.
 */
export function loadSettings(source: string, fileName: string): ProjectSettings {
  return readSettings(source, fileName).settings;
}

/** As `loadSettings`, with the way back to the lines of the files. */
export function readSettings(source: string, fileName: string): LoadedSettings {
  const yaml = readYaml(source, fileName);
  const file = parseFile(settingsSchema(), yaml);
  const profile = readProfile(file.profile);
  checkGlobs(file, yaml);
  const settings = mergeProfile(file, profile.file);
  const problems = [
    ...repeatedIds(yaml, ["policy", "rules"], file.policy.rules),
    ...repeatedIds(yaml, ["limits"], file.limits),
    ...repeatedMembers(yaml, file.roles),
  ];
  const places = new Map<string, (path: YamlPath, offset?: number) => string>();
  for (const { from, rules, limits } of [
    { from: profile.yaml, rules: profile.file.policy.rules, limits: profile.file.limits },
    { from: yaml, rules: file.policy.rules, limits: file.limits },
  ]) {
    for (const [index, { id }] of rules.entries()) {
      places.set(`rules.${id}`, (path, at) => from.place(["policy", "rules", index, ...path], at));
    }
    for (const [index, { id }] of limits.entries()) {
      places.set(`limits.${id}`, (path, at) => from.place(["limits", index, ...path], at));
    }
  }
  const placeOf: PlaceOf = (list, id, path, offset) =>
    places.get(`${list}.${id}`)?.(path, offset) ?? "";
  problems.push(...unknownRoles(settings, placeOf), ...tooFewApprovers(settings, placeOf));
  problems.push(...fallingThresholds(settings, yaml));
  if (problems.length > 0) throw configInvalid(problems);
  return { settings, placeOf };
}

function checkGlobs(file: SettingsFile, yaml: YamlSource): void {
  const lists: [YamlPath, readonly string[]][] = [
    ...Object.entries(file.gates).map(([name, each]): [YamlPath, readonly string[]] => [
      ["gates", name, "protected"],
      each.protected,
    ]),
    [["prepare", "key"], file.prepare?.key ?? []],
  ];
  for (const [path, globs] of lists) {
    for (const [index, glob] of globs.entries()) {
      try {
        parseGlob(glob);
      } catch (error) {
        if (!(error instanceof GuvnorError)) throw error;
        const place = yaml.place([...path, index]);
        throw configInvalid([{ place, path: path.join("."), message: error.message }]);
      }
    }
  }
}

function repeatedIds(
  yaml: YamlSource,
  path: YamlPath,
  items: readonly { readonly id: string }[],
): ConfigProblem[] {
  return items.flatMap(({ id }, index) => {
    const first = items.findIndex((item) => item.id === id);
    if (first === index) return [];
    const place = yaml.place([...path, index, "id"]);
    const message = `the id ${id} is taken by ${yaml.place([...path, first, "id"])}`;
    return [{ place, path: [...path, id].join("."), message }];
  });
}

function repeatedMembers(yaml: YamlSource, roles: SettingsFile["roles"]): ConfigProblem[] {
  return Object.entries(roles).flatMap(([role, members]) =>
    members.flatMap((member, index) => {
      if (members.indexOf(member) === index) return [];
      const path = ["roles", role, index];
      return [
        { place: yaml.place(path), path: path.join("."), message: `${member} is named already` },
      ];
    }),
  );
}

/** A person is not asked before a lead. */
function fallingThresholds({ escalation }: ProjectSettings, yaml: YamlSource): ConfigProblem[] {
  if (escalation.leadAfterMs <= escalation.personAfterMs) return [];
  const message = "person_after is shorter than lead_after: both count from when it was raised";
  return [{ place: yaml.place(["escalation"]), path: "escalation.person_after", message }];
}

/** Roles that are there without being listed. */
const BUILT_IN_ROLES = ["admin", "operator"];

function unknownRoles({ policy, roles }: ProjectSettings, placeOf: PlaceOf): ConfigProblem[] {
  const known = [...BUILT_IN_ROLES, ...Object.keys(roles)];
  return policy.rules.flatMap(({ id, approvers }) => {
    if (approvers === null || known.includes(approvers.role)) return [];
    const { role } = approvers;
    return [
      {
        place: placeOf("rules", id, ["approvers", "role"]),
        path: `policy.rules.${id}.approvers.role`,
        message: `there is no role ${role}: list it under roles${didYouMean(role, known)}`,
      },
    ];
  });
}

/** An approval that nobody could ever grant; of a role that is not listed it is not known who has it. */
function tooFewApprovers({ policy, roles }: ProjectSettings, placeOf: PlaceOf): ConfigProblem[] {
  return policy.rules.flatMap(({ id, approvers }) => {
    if (approvers === null || !Object.hasOwn(roles, approvers.role)) return [];
    const { role, count } = approvers;
    const members = new Set(roles[role]).size;
    if (members >= count) return [];
    return [
      {
        place: placeOf("rules", id, ["approvers", "count"]),
        path: `policy.rules.${id}.approvers.count`,
        message: `nobody could ever grant it: the role ${role} has ${members} of the ${count} people that are needed`,
      },
    ];
  });
}

import { existsSync } from "node:fs";
import { join } from "node:path";

import { type Project, readSettingsFile } from "../app.ts";
import { GuvnorError } from "../core/errors.ts";
import type { PolicySet } from "../core/settings.ts";
import { hashOf } from "../engine/rules/put-in-force.ts";
import { loadPolicy } from "../policy/load-policy.ts";
import type { ProjectPaths } from "../project-paths.ts";

/** How the settings file stands to what a person applied last. */
export interface SettingsState {
  readonly file: string;
  readonly state: "in_force" | "differs" | "invalid" | "missing" | "none";
  /** What is wrong with the file. */
  readonly problem?: string;
  /** A linked worktree's own file, which nobody reads. */
  readonly ignored?: string;
}

export async function settingsState(project: Project): Promise<SettingsState> {
  const { paths } = project;
  const applied = await policyInForce(project);
  const ignored = ignoredSettings(paths);
  return {
    file: paths.settingsFile,
    ...compareFile(project, applied),
    ...(ignored === undefined ? {} : { ignored }),
  };
}

function compareFile(
  { paths, deps }: Project,
  applied: PolicySet | undefined,
): Pick<SettingsState, "state" | "problem"> {
  const found = readSettingsFile(paths);
  if (found === undefined) return { state: applied === undefined ? "none" : "missing" };
  try {
    const { settings } = loadPolicy(found.source, found.file, deps.toolTypes());
    const hash = hashOf(deps, found.source, settings);
    return { state: applied?.hash === hash ? "in_force" : "differs" };
  } catch (error) {
    if (!(error instanceof GuvnorError)) throw error;
    return { state: "invalid", problem: error.message };
  }
}

/** What a person applied last; undefined where nobody has. */
export async function policyInForce({ deps }: Project): Promise<PolicySet | undefined> {
  return await deps.store.read(deps.scope, async (tx) => {
    const hash = (await tx.projects.get())?.policyHash ?? null;
    return hash === null ? undefined : await tx.policies.get(hash);
  });
}

function ignoredSettings({ linkedWorktree, settingsFile }: ProjectPaths): string | undefined {
  if (linkedWorktree === null) return undefined;
  const own = join(linkedWorktree, "guvnor.yaml");
  return own !== settingsFile && existsSync(own) ? own : undefined;
}

/** What status and doctor say about it; undefined where all is as it should be. */
export function settingsAdvice(state: SettingsState): string | undefined {
  switch (state.state) {
    case "differs":
      return "guvnor.yaml differs from what is in force. See how: guvnor policy diff";
    case "invalid":
      return `guvnor.yaml is invalid, what was applied stays in force: ${state.problem ?? ""}`;
    case "missing":
      return "guvnor.yaml is gone; what was applied stays in force.";
    case "none":
      return "There is no guvnor.yaml: no gates measure what agents report.";
    case "in_force":
      break;
  }
  return undefined;
}

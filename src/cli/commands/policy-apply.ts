import { type Project, readSettingsFile } from "../../app.ts";
import { GuvnorError } from "../../core/errors.ts";
import { NO_SETTINGS } from "../../core/settings.ts";
import { loadPolicy } from "../../policy/load-policy.ts";
import { objectOf, wordOf } from "../answer.ts";
import { put } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { compareSettings } from "../compare-settings.ts";
import { readingPerson, requirePerson } from "../operator.ts";
import { loadPolicyFile } from "../policy-file.ts";
import { changeLines } from "../settings-changes.ts";
import { policyInForce } from "../settings-state.ts";
import { replayLines } from "./policy-replay.ts";

/** Only the project's own file can be put in force. */
export async function applyPolicy(cli: Cli, project: Project, dryRun: boolean): Promise<Report> {
  const found = readSettingsFile(project.paths);
  if (found === undefined) throw noFile(project.paths.settingsFile);
  const { settings } = loadPolicy(found.source, found.file, project.deps.toolTypes());
  const inForce = (await policyInForce(project))?.settings ?? NO_SETTINGS;
  const changes = compareSettings(inForce, settings);
  const person = dryRun ? await readingPerson(cli, project) : await requirePerson(cli, project);
  const args = { source: found.source, file: found.file, ...(dryRun ? { dry_run: true } : {}) };
  const answer = await put(project, person, { operation: "policy_apply", args });
  return {
    json: { ...answer, file: found.file, changes },
    text: (view) => [
      ...changeLines(view, changes),
      ...replayLines(view, objectOf(answer, "replay")),
      ...view.sentence(said(answer, changes.length > 0)),
      ...(dryRun && answer["changed"] === true
        ? view.hint("Put it in force: guvnor policy apply")
        : []),
    ],
  };
}

function said(answer: Readonly<Record<string, unknown>>, hasChanges: boolean): string {
  const policy = wordOf(answer, "policy");
  if (answer["applied"] === true) return `Policy ${policy} is in force from the next call on.`;
  if (answer["changed"] !== true) return `Policy ${policy} is in force already.`;
  return hasChanges
    ? `Nothing was applied; this would be policy ${policy}.`
    : `Nothing was applied; policy ${policy} would say the same in other words.`;
}

function noFile(file: string): GuvnorError {
  return new GuvnorError(
    "config_invalid",
    `There is no ${file}.`,
    "Run `guvnor init` to get one, or put it back; what was applied stays in force.",
  );
}

/** What any file would change. */
export async function diffPolicy(
  cli: Cli,
  project: Project,
  file: string | undefined,
): Promise<Report> {
  const { shown, settings } = await loadPolicyFile(cli, file);
  const inForce = (await policyInForce(project))?.settings ?? NO_SETTINGS;
  const changes = compareSettings(inForce, settings);
  return {
    json: { file: shown, changed: changes.length > 0, changes },
    text: (view) =>
      changes.length === 0
        ? view.sentence(`${shown} says what is in force.`)
        : [
            ...changeLines(view, changes),
            ...(file === undefined ? view.hint("Put it in force: guvnor policy apply") : []),
          ],
  };
}

import type { Command } from "commander";

import { type Project, readSettingsFile } from "../../app.ts";
import { GuvnorError } from "../../core/errors.ts";
import { NO_SETTINGS } from "../../core/settings.ts";
import { loadSettings } from "../../policy/load-settings.ts";
import { wordOf } from "../answer.ts";
import { put, withProject } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { compareSettings, type SettingsChange } from "../compare-settings.ts";
import { readingPerson, requirePerson } from "../operator.ts";
import { policyInForce } from "../settings-state.ts";
import type { View } from "../view.ts";

export function addPolicyCommands(program: Command, cli: Cli): void {
  const policy = program.command("policy").description("settings in force: apply");
  policy
    .command("apply")
    .description("put guvnor.yaml in force, from the next call on")
    .option("--dry-run", "show what would change")
    .action(async ({ dryRun }: { dryRun?: true }) => {
      await cli.report(
        async () => await withProject(cli, async (project) => apply(cli, project, dryRun === true)),
      );
    });
}

async function apply(cli: Cli, project: Project, dryRun: boolean): Promise<Report> {
  const found = readSettingsFile(project.paths);
  if (found === undefined) throw noFile(project.paths.settingsFile);
  const settings = loadSettings(found.source, found.file);
  const inForce = (await policyInForce(project))?.settings ?? NO_SETTINGS;
  const changes = compareSettings(inForce, settings);
  const person = dryRun ? await readingPerson(cli, project) : await requirePerson(cli, project);
  const args = { source: found.source, file: found.file, ...(dryRun ? { dry_run: true } : {}) };
  const answer = await put(project, person, { operation: "policy_apply", args });
  return {
    json: { ...answer, file: found.file, changes },
    text: (view) => [
      ...changeLines(view, changes),
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

function changeLines(view: View, changes: readonly SettingsChange[]): string[] {
  if (changes.length === 0) return [];
  return changes.flatMap(({ what, before, after }) => [
    ...view.sentence(what),
    ...(before === undefined ? [] : marked(view, "bad", `  - ${before}`)),
    ...(after === undefined ? [] : marked(view, "good", `  + ${after}`)),
  ]);
}

function marked(view: View, tone: "good" | "bad", text: string): string[] {
  return view.paragraph(text).map((line) => view.paint(tone, line));
}

function noFile(file: string): GuvnorError {
  return new GuvnorError(
    "config_invalid",
    `There is no ${file}.`,
    "Run `guvnor init` to get one, or put it back; what was applied stays in force.",
  );
}

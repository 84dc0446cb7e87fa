import type { Command } from "commander";

import { withProject } from "../ask-project.ts";
import type { Cli } from "../cli.ts";
import { wholeNumber } from "../options.ts";
import { applyPolicy, diffPolicy } from "./policy-apply.ts";
import { checkPolicy, testPolicy } from "./policy-check.ts";
import { type ExplainOptions, explainPolicy } from "./policy-explain.ts";
import { replayPolicy } from "./policy-replay.ts";

export function addPolicyCommands(program: Command, cli: Cli): void {
  const policy = program
    .command("policy")
    .description("settings and rules: check, test, explain, diff, replay, apply");
  policy
    .command("check")
    .description("say all that is wrong with a settings file; needs no project")
    .argument("[file]", "guvnor.yaml if omitted")
    .action(async (file: string | undefined) => {
      await cli.report(async () => await checkPolicy(cli, file));
    });
  policy
    .command("test")
    .description("decide the calls of a test file by the rules of guvnor.yaml, applied or not")
    .argument("[file]", "guvnor.test.yaml beside guvnor.yaml if omitted")
    .option("--file <file>", "the settings to test, instead of guvnor.yaml")
    .action(async (tests: string | undefined, { file }: { file?: string }) => {
      await cli.report(async () => await testPolicy(cli, { tests, policy: file }));
    });
  policy
    .command("explain")
    .description("show what each rule says to a call, and what it looked at")
    .requiredOption("--tool <name>", "the tool that would be called")
    .option("--agent <name>", "who would call it; a new agent if omitted")
    .option("--task <id>", "the task that it is about")
    .option("--input <json>", "its arguments")
    .option("--file <file>", "rules of this file instead of those in force")
    .action(async (options: ExplainOptions) => {
      await cli.report(
        async () => await withProject(cli, async (project) => explainPolicy(cli, project, options)),
      );
    });
  policy
    .command("diff")
    .description("show what a settings file would change")
    .argument("[file]", "guvnor.yaml if omitted")
    .action(async (file: string | undefined) => {
      await cli.report(
        async () => await withProject(cli, async (project) => diffPolicy(cli, project, file)),
      );
    });
  policy
    .command("replay")
    .description("show what recorded calls would have got under a settings file")
    .requiredOption("--candidate <file>", "the settings file")
    .option("--limit <n>", "newest calls looked at", wholeNumber, 10_000)
    .action(async ({ candidate, limit }: { candidate: string; limit: number }) => {
      await cli.report(async () => await replayPolicy(cli, { candidate, limit }));
    });
  policy
    .command("apply")
    .description("put guvnor.yaml in force, from the next call on")
    .option("--dry-run", "show what would change")
    .action(async ({ dryRun }: { dryRun?: true }) => {
      await cli.report(
        async () =>
          await withProject(cli, async (project) => applyPolicy(cli, project, dryRun === true)),
      );
    });
}

import type { Command } from "commander";

import type { JsonObject } from "../../engine/call.ts";
import { countsOf, namesOf, listOf, objectOf, rowsOf, textOf, wordOf } from "../answer.ts";
import { change, read } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { readPlanFile } from "../plan-file.ts";
import { taskTable } from "../task-table.ts";
import type { View } from "../view.ts";

export function addPlanCommands(program: Command, cli: Cli): void {
  const plan = program.command("plan").description("plans: submit, show");
  plan
    .command("submit")
    .description("submit a plan from a YAML or JSON file in submit_plan's shape, all or nothing")
    .argument("<file>", "the file; - for stdin")
    .option("--dry-run", "check and analyse it, save nothing")
    .action(async (file: string, { dryRun }: { dryRun?: true }) => {
      await cli.report(async () => await submit(cli, file, dryRun === true));
    });
  plan
    .command("show")
    .description("show a plan with its tasks")
    .argument("<id>", "a plan such as P3")
    .action(async (id: string) => {
      await cli.report(async () =>
        reportPlan(await read(cli, { operation: "plan_show", args: { plan_id: id } })),
      );
    });
}

async function submit(cli: Cli, file: string, dryRun: boolean): Promise<Report> {
  const plan = await readPlanFile(cli, file);
  const isDry = dryRun || plan["dry_run"] === true;
  const args = isDry ? { ...plan, dry_run: true } : plan;
  const question = { operation: "submit_plan", args };
  return reportSubmitted(isDry ? await read(cli, question) : await change(cli, question));
}

function reportSubmitted(answer: JsonObject): Report {
  const ids = Object.entries(objectOf(answer, "tasks")).map(([key, id]) => [id, key]);
  const plan = textOf(answer, "plan_id");
  return {
    json: answer,
    text: (view) => [
      ...view.sentence(
        plan === undefined
          ? "The plan is in order; nothing was saved."
          : `Submitted ${plan} with ${ids.length} ${ids.length === 1 ? "task" : "tasks"}.`,
      ),
      ...analysisLines(view, answer),
      ...(ids.length === 0
        ? []
        : ["", ...view.table([{ title: "ID" }, { title: "KEY", stretch: true }], ids)]),
      ...view.hint(
        plan === undefined ? "Submit it without --dry-run." : `Follow it: guvnor plan show ${plan}`,
      ),
    ],
  };
}

function analysisLines(view: View, answer: JsonObject): string[] {
  const analysis = objectOf(answer, "analysis");
  const path = namesOf(analysis, "critical_path");
  return view.fields([
    ["critical path", path.length > 8 ? `${path.slice(0, 8).join(" → ")} …` : path.join(" → ")],
    ["minutes on it", analysis["critical_path_minutes"]],
    ["minutes in all", analysis["total_minutes"]],
    ["nobody can do", listOf(analysis, "missing_capabilities")],
    ["branch", answer["branch"]],
  ]);
}

function reportPlan(answer: JsonObject): Report {
  const plan = objectOf(answer, "plan");
  const tasks = rowsOf(answer, "tasks");
  return {
    json: answer,
    text: (view) => [
      ...view.title(`${wordOf(plan, "id")}  ${textOf(plan, "title") ?? ""}`),
      ...view.fields([
        ["state", plan["state"]],
        ["tasks", countsOf(answer, "counts")],
        ["branch", plan["branch"]],
        ["head", plan["head_commit"]],
      ]),
      "",
      ...taskTable(view, tasks),
      ...view.hint(`Look at one: guvnor tasks show ${wordOf(tasks[0] ?? {}, "id")}`),
    ],
  };
}

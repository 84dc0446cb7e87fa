import { type Command, Option } from "commander";

import type { Project } from "../../app.ts";
import { APPROVAL_STATES } from "../../core/approval.ts";
import type { JsonObject } from "../../engine/call.ts";
import { listOf, objectOf, rowsOf, shortTime, textOf, wordOf } from "../answer.ts";
import { change, given, put, read, withProject } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { exactJsonLines } from "../exact-json.ts";
import { readingPerson } from "../operator.ts";
import { wholeNumber } from "../options.ts";
import type { View } from "../view.ts";

export function addApprovalCommands(program: Command, cli: Cli): void {
  const approvals = program
    .command("approvals")
    .description("calls that wait for a person's yes: list, show, grant, refuse");
  approvals
    .command("list")
    .description("list them, newest first")
    .addOption(new Option("--state <state>", "only these").choices(APPROVAL_STATES))
    .option("--limit <n>", "the most to show", wholeNumber, 50)
    .action(async ({ state, limit }: { state?: string; limit: number }) => {
      await cli.report(async () => {
        const args = given({ state, limit });
        return reportList(await read(cli, { operation: "approvals_list", args }));
      });
    });
  approvals
    .command("show")
    .description("show exactly what will run, who asks for it and why you are asked")
    .argument("<id>", "an approval such as A5")
    .action(async (id: string) => {
      await cli.report(
        async () => await withProject(cli, async (project) => show(cli, project, id)),
      );
    });
  approvals
    .command("grant")
    .description("say yes to this very call; it runs once, when its agent calls again")
    .argument("<id>", "an approval such as A5")
    .option("--reason <text>", "what the agent should know")
    .action(async (id: string, { reason }: { reason?: string }) => {
      await cli.report(async () => {
        const args = given({ approval_id: id, reason });
        return reportDecided(await change(cli, { operation: "approvals_grant", args }));
      });
    });
  approvals
    .command("refuse")
    .description("say no; the agent is told why")
    .argument("<id>", "an approval such as A5")
    .requiredOption("--reason <text>", "why; the agent reads it")
    .action(async (id: string, { reason }: { reason: string }) => {
      await cli.report(async () => {
        const args = { approval_id: id, reason };
        return reportDecided(await change(cli, { operation: "approvals_refuse", args }));
      });
    });
}

function reportList(answer: JsonObject): Report {
  const rows = rowsOf(answer, "approvals");
  const [newest] = rows;
  const first = rows.find((row) => row["state"] === "requested") ?? newest;
  return {
    json: answer,
    text: (view) => {
      if (first === undefined) return ["No approvals."];
      return [
        ...view.table(
          [
            { title: "ID" },
            { title: "STATE" },
            { title: "AGENT" },
            { title: "TOOL" },
            { title: "TASK" },
            { title: "WHY", stretch: true },
          ],
          rows.map((row) => ["id", "state", "agent", "tool", "task", "why"].map((key) => row[key])),
        ),
        ...view.hint(`See what will run: guvnor approvals show ${wordOf(first, "id")}`),
      ];
    },
  };
}

async function show(cli: Cli, project: Project, id: string): Promise<Report> {
  const person = await readingPerson(cli, project);
  const answer = await put(project, person, {
    operation: "approvals_show",
    args: { approval_id: id },
  });
  const approval = objectOf(answer, "approval");
  const task = await titleOf(project, textOf(approval, "task"));
  return {
    json: { ...answer, ...(task === undefined ? {} : { task_title: task }) },
    text: (view) => approvalText(view, approval, task),
  };
}

async function titleOf({ deps }: Project, task: string | undefined): Promise<string | undefined> {
  if (task === undefined) return undefined;
  const found = await deps.store.read(deps.scope, async (tx) => await tx.tasks.get(task));
  return found?.spec.title;
}

function approvalText(view: View, approval: JsonObject, title: string | undefined): string[] {
  const id = wordOf(approval, "id");
  const task = textOf(approval, "task");
  const commit = textOf(objectOf(approval, "arguments"), "commit");
  return [
    ...view.title(`${id}  ${wordOf(approval, "agent")} wants to call ${wordOf(approval, "tool")}`),
    ...view.fields([
      ["state", approval["state"]],
      ["task", task === undefined ? undefined : `${task}  ${title ?? ""}`],
      ["commit", commit],
      ["rule", approval["rule"]],
      ["why", approval["why"]],
      ["needs", needs(approval)],
      ["granted by", listOf(approval, "granted_by")],
      ["asked", shortTime(approval["requested_at"])],
      ["until", shortTime(approval["expires_at"])],
      ["ended by", approval["ended_by"]],
      ["reason", approval["reason"]],
    ]),
    "",
    "These arguments run, whatever is sent later:",
    ...exactJsonLines(approval["arguments"], view.columns),
    ...(approval["state"] === "requested"
      ? [
          "",
          ...view.hint(`Say yes: guvnor approvals grant ${id}`),
          ...view.hint(`Say no: guvnor approvals refuse ${id} --reason "…"`),
        ]
      : []),
  ];
}

function needs(approval: JsonObject): string {
  const count = wordOf(approval, "needed");
  const role = wordOf(approval, "role");
  return count === "1" ? `one person (${role})` : `${count} different persons (${role})`;
}

function reportDecided(answer: JsonObject): Report {
  const approval = objectOf(answer, "approval");
  return { json: answer, text: (view) => view.sentence(decided(approval)) };
}

function decided(approval: JsonObject): string {
  const [id, agent, tool] = ["id", "agent", "tool"].map((key) => wordOf(approval, key));
  switch (wordOf(approval, "state")) {
    case "granted":
      return `${id ?? ""} is granted: ${agent ?? ""} was told, and its ${tool ?? ""} runs once, until ${shortTime(approval["expires_at"])}.`;
    case "refused":
      return `${id ?? ""} is refused: ${agent ?? ""} was told.`;
    default:
      return `Your yes to ${id ?? ""} counts (${listOf(approval, "granted_by") ?? ""}); it takes ${wordOf(approval, "needed")} different persons.`;
  }
}

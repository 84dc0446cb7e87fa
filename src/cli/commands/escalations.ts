import type { Command } from "commander";

import type { JsonObject } from "../../engine/call.ts";
import { objectOf, rowsOf, shortTime, wordOf } from "../answer.ts";
import { change, given, read } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { wholeNumber } from "../options.ts";

export function addEscalationCommands(program: Command, cli: Cli): void {
  const escalations = program
    .command("escalations")
    .description("questions that wait for a person: list, ack, resolve");
  escalations
    .command("list")
    .description("list those that are open")
    .option("--all", "also those that are over")
    .option("--limit <n>", "the most to show", wholeNumber, 50)
    .action(async ({ all, limit }: { all?: boolean; limit: number }) => {
      await cli.report(async () => {
        const args = given({ all });
        return reportList(await read(cli, { operation: "escalations_list", args }), limit);
      });
    });
  escalations
    .command("ack")
    .description("say that you look after it")
    .argument("<id>", "an escalation such as E2")
    .action(async (id: string) => {
      await cli.report(async () => {
        const args = { escalation_id: id };
        const answer = await change(cli, { operation: "escalations_ack", args });
        return reportOne(answer, `guvnor escalations resolve ${id} "…"`);
      });
    });
  escalations
    .command("resolve")
    .description("answer it; the answer goes to the task and to who waits for it")
    .argument("<id>", "an escalation such as E2")
    .argument("<text>", "your answer")
    .action(async (id: string, text: string) => {
      await cli.report(async () => {
        const args = { escalation_id: id, text };
        return reportOne(await change(cli, { operation: "escalations_resolve", args }));
      });
    });
}

function reportList(answer: JsonObject, limit: number): Report {
  const all = rowsOf(answer, "escalations");
  const shown = all.slice(0, limit);
  const more = answer["more"] === true || all.length > shown.length;
  const [first] = shown;
  return {
    json: { ...answer, escalations: shown, ...(more ? { more } : {}) },
    text: (view) => {
      if (first === undefined) return ["Nothing waits for a person."];
      const rows = shown.map((row) => [
        row["escalation_id"],
        row["overdue"] === true ? "overdue" : row["state"],
        row["severity"],
        row["task"] ?? row["topic"],
        row["raised_by"],
        row["summary"],
      ]);
      return [
        ...view.table(
          [
            { title: "ID" },
            { title: "STATE" },
            { title: "SEVERITY" },
            { title: "ABOUT" },
            { title: "FROM" },
            { title: "QUESTION", stretch: true },
          ],
          rows,
        ),
        ...(more ? view.hint("There are more: --limit, --all") : []),
        ...view.hint(
          `Answer one: guvnor escalations resolve ${wordOf(first, "escalation_id")} "…"`,
        ),
      ];
    },
  };
}

function reportOne(answer: JsonObject, next?: string): Report {
  const task = objectOf(answer, "task");
  return {
    json: answer,
    text: (view) => [
      ...view.fields([
        ["escalation", answer["escalation_id"]],
        ["state", answer["state"]],
        ["severity", answer["severity"]],
        ["question", answer["summary"]],
        ["detail", answer["detail"]],
        ["raised by", answer["raised_by"]],
        ["due", shortTime(answer["due_at"])],
        ["answer", answer["resolution"]],
        [
          "task",
          task["id"] === undefined
            ? answer["task"]
            : `${wordOf(task, "id")} is ${wordOf(task, "state")}`,
        ],
      ]),
      ...(next === undefined ? [] : view.hint(`Answer it: ${next}`)),
    ],
  };
}

import type { Command } from "commander";

import type { JsonObject } from "../../engine/call.ts";
import { objectOf, rowsOf, shortTime, wordOf } from "../answer.ts";
import { change, given, read } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { comingTime, wholeNumber } from "../options.ts";
import type { View } from "../view.ts";

export function addEscalationCommands(program: Command, cli: Cli): void {
  const escalations = program
    .command("escalations")
    .description("questions of agents, and who has them: list, show, ack, resolve, withdraw");
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
    .command("show")
    .description("show one, and how it came to where it is")
    .argument("<id>", "an escalation such as E2")
    .action(async (id: string) => {
      await cli.report(async () => {
        const args = { escalation_id: id };
        return reportOne(await read(cli, { operation: "escalations_show", args }));
      });
    });
  escalations
    .command("ack")
    .description("say that you look after it; it climbs no further for a while")
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
    .option("--decision", "it is a decision, not only an answer")
    .option(
      "--exception-until <time>",
      'it is an exception, granted until then: "2h" from now, or a time',
      (text) => comingTime(text),
    )
    .action(async (id: string, text: string, options: ResolveOptions) => {
      await cli.report(async () => {
        const { decision, exceptionUntil } = options;
        const args = given({ escalation_id: id, text, decision, exception_until: exceptionUntil });
        return reportOne(await change(cli, { operation: "escalations_resolve", args }));
      });
    });
  escalations
    .command("withdraw")
    .description("take it back: nobody need answer it any more")
    .argument("<id>", "an escalation such as E2")
    .requiredOption("--reason <text>", "why")
    .action(async (id: string, { reason }: { reason: string }) => {
      await cli.report(async () => {
        const args = { escalation_id: id, reason };
        return reportOne(await change(cli, { operation: "escalations_withdraw", args }));
      });
    });
}

interface ResolveOptions {
  readonly decision?: boolean;
  readonly exceptionUntil?: string;
}

function reportList(answer: JsonObject, limit: number): Report {
  const all = rowsOf(answer, "escalations");
  const shown = all.slice(0, limit);
  const more = answer["more"] === true || all.length > shown.length;
  const [first] = shown;
  return {
    json: { ...answer, escalations: shown, ...(more ? { more } : {}) },
    text: (view) => {
      if (first === undefined) return ["No question is open."];
      const rows = shown.map((row) => [
        row["escalation_id"],
        row["level"],
        row["overdue"] === true ? "overdue" : row["state"],
        whoHas(row),
        shortTime(row["climbs_at"]),
        row["task"] ?? row["topic"],
        row["summary"],
      ]);
      return [
        ...view.table(
          [
            { title: "ID" },
            { title: "LEVEL" },
            { title: "STATE" },
            { title: "WITH" },
            { title: "CLIMBS" },
            { title: "ABOUT" },
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

/** Who acknowledged it, or in which task agents are asked. */
function whoHas(row: JsonObject): string {
  const by = wordOf(row, "acknowledged_by");
  if (by !== "") return by;
  const people = row["ended_at"] === undefined ? "people" : "";
  return wordOf(row, "asked_in") || people;
}

function reportOne(answer: JsonObject, next?: string): Report {
  const task = objectOf(answer, "task");
  return {
    json: answer,
    text: (view) => [
      ...view.fields([
        ["escalation", answer["escalation_id"]],
        ["state", answer["state"]],
        ["level", answer["level"]],
        ["with", answer["acknowledged_by"] ?? answer["asked_in"]],
        ["climbs", shortTime(answer["climbs_at"])],
        ["kind", answer["kind"]],
        ["severity", answer["severity"]],
        ["question", answer["summary"]],
        ["detail", answer["detail"]],
        ["raised by", answer["raised_by"]],
        ["due", shortTime(answer["due_at"])],
        [wordOf(answer, "resolved_how") || "answer", answer["resolution"]],
        ["until", shortTime(answer["exception_until"])],
        ["by", answer["resolved_by"]],
        [
          "task",
          task["id"] === undefined
            ? answer["task"]
            : `${wordOf(task, "id")} is ${wordOf(task, "state")}`,
        ],
      ]),
      ...historyLines(answer, view),
      ...(next === undefined ? [] : view.hint(`Answer it: ${next}`)),
    ],
  };
}

function historyLines(answer: JsonObject, view: View): string[] {
  const steps = rowsOf(answer, "history");
  if (steps.length === 0) return [];
  return view.table(
    [
      { title: "LEVEL" },
      { title: "SINCE" },
      { title: "ASKED IN" },
      { title: "WHY", stretch: true },
    ],
    steps.map((step) => [step["level"], shortTime(step["at"]), step["asked_in"], step["why"]]),
  );
}

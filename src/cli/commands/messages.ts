import type { Command } from "commander";

import type { JsonObject } from "../../engine/call.ts";
import { rowsOf, shortTime, textOf, wordOf } from "../answer.ts";
import { given, read } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { wholeNumber } from "../options.ts";

export function addMessageCommands(program: Command, cli: Cli): void {
  const messages = program
    .command("messages")
    .description("what agents and people say to each other: list, show");
  messages
    .command("list")
    .description("list what was said, newest first")
    .option("--channel <channel>", "only there: #build, T12, B1, or ada+ben for what two said")
    .option("--limit <n>", "the most to show", wholeNumber, 50)
    .action(async ({ channel, limit }: { channel?: string; limit: number }) => {
      await cli.report(async () => {
        const args = given({ channel, limit });
        return reportList(await read(cli, { operation: "messages_list", args }));
      });
    });
  messages
    .command("show")
    .description("show a whole message, and who has read it")
    .argument("<id>", "a message such as M9")
    .action(async (id: string) => {
      await cli.report(async () =>
        reportOne(await read(cli, { operation: "messages_show", args: { message_id: id } })),
      );
    });
}

function reportList(answer: JsonObject): Report {
  const rows = rowsOf(answer, "messages");
  return {
    json: answer,
    text: (view) => {
      const [first] = rows;
      if (first === undefined) return ["Nothing was said."];
      return [
        ...view.table(
          [
            { title: "ID" },
            { title: "AT" },
            { title: "CHANNEL" },
            { title: "FROM" },
            { title: "WHAT", stretch: true },
          ],
          rows.map((row) => [
            row["id"],
            shortTime(row["at"]).slice(5),
            row["channel"],
            row["from"],
            row["body"],
          ]),
        ),
        ...(answer["more"] === true ? view.hint("There are more: --limit, --channel") : []),
        ...view.hint(`Read one: guvnor messages show ${wordOf(first, "id")}`),
      ];
    },
  };
}

function reportOne(answer: JsonObject): Report {
  return {
    json: answer,
    text: (view) => [
      ...view.fields([
        ["message", answer["id"]],
        ["channel", answer["channel"]],
        ["from", answer["from"]],
        ["at", shortTime(answer["at"])],
        ["reply to", answer["reply_to"]],
        ["read by", agentsWhere(answer, (row) => textOf(row, "acknowledged_at") !== undefined)],
        ["waits for", agentsWhere(answer, (row) => textOf(row, "acknowledged_at") === undefined)],
      ]),
      "",
      ...view.paragraph(wordOf(answer, "body")),
    ],
  };
}

function agentsWhere(answer: JsonObject, holds: (row: JsonObject) => boolean): string | undefined {
  const names = rowsOf(answer, "deliveries")
    .filter(holds)
    .map((row) => wordOf(row, "agent"));
  return names.length === 0 ? undefined : names.join(", ");
}

import type { Command } from "commander";

import type { JsonObject } from "../../engine/call.ts";
import { rowsOf, shortTime, textOf, wordOf } from "../answer.ts";
import { given, read } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { wholeNumber } from "../options.ts";

export function addViolationCommands(program: Command, cli: Cli): void {
  program
    .command("violations")
    .description("what agents did against rules and limits: list")
    .command("list")
    .description("list them, newest first")
    .option("--agent <name>", "only of this agent")
    .option("--limit <n>", "the most to show", wholeNumber, 50)
    .action(async ({ agent, limit }: { agent?: string; limit: number }) => {
      await cli.report(async () => {
        const args = given({ agent, limit });
        return reportList(await read(cli, { operation: "violations_list", args }));
      });
    });
}

function reportList(answer: JsonObject): Report {
  const rows = rowsOf(answer, "violations");
  return {
    json: answer,
    text: (view) => {
      const [first] = rows;
      if (first === undefined) return ["No violations."];
      return [
        ...view.table(
          [
            { title: "AT" },
            { title: "AGENT" },
            { title: "SEVERITY" },
            { title: "RULE" },
            { title: "THEN" },
            { title: "WHAT", stretch: true },
          ],
          rows.map((row) => [
            shortTime(row["at"]).slice(5),
            row["agent"],
            row["severity"],
            textOf(row, "rule") ?? `limit:${wordOf(row, "limit")}`,
            row["action"],
            row["what"],
          ]),
        ),
        ...view.hint(`What an agent did then: guvnor audit tail --actor ${wordOf(first, "agent")}`),
      ];
    },
  };
}

import type { Command } from "commander";

import { rowsOf } from "../answer.ts";
import { change, read } from "../ask-project.ts";
import type { Cli } from "../cli.ts";
import { breakerLines } from "../guard-state.ts";

export function addBreakerCommands(program: Command, cli: Cli): void {
  const breakers = program
    .command("breakers")
    .description("what is left alone for a while as it fails: list, close");
  breakers
    .command("list")
    .description("list those that are open, until when and why")
    .action(async () => {
      await cli.report(async () => {
        const answer = await read(cli, { operation: "breakers_list", args: {} });
        const rows = rowsOf(answer, "breakers");
        return {
          json: answer,
          text: (view) => (rows.length === 0 ? ["No breaker is open."] : breakerLines(view, rows)),
        };
      });
    });
  breakers
    .command("close")
    .description("let calls or work through again before their time")
    .argument("<subject>", "agent:NAME or tool:NAME")
    .action(async (subject: string) => {
      await cli.report(async () => {
        const answer = await change(cli, { operation: "breakers_close", args: { subject } });
        const of = subject.replace(":", " ");
        return {
          json: answer,
          text: (view) =>
            view.sentence(`The breaker of ${of} is closed; what fails from now on counts anew.`),
        };
      });
    });
}

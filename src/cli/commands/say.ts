import type { Command } from "commander";

import type { JsonObject } from "../../engine/call.ts";
import { listOf, textOf } from "../answer.ts";
import { change } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";

export function addSayCommand(program: Command, cli: Cli): void {
  program
    .command("say")
    .description("say something to an agent, about a task or topic (T12), to a #role or #all")
    .argument("<to>", "agent, task, topic, #role, #channel or #all")
    .argument("<text>", "what to say; it rides on the agents' next answers")
    .action(async (to: string, text: string) => {
      await cli.report(async () =>
        reportSaid(await change(cli, { operation: "say", args: { to, text } })),
      );
    });
}

function reportSaid(answer: JsonObject): Report {
  return {
    json: answer,
    text: (view) => {
      const names = listOf(answer, "delivered_to");
      const noted = textOf(answer, "noted");
      return [
        ...(names === undefined ? [] : view.sentence(`Waits in the inbox of ${names}.`)),
        ...(noted === undefined
          ? []
          : view.sentence(`Nobody works on ${noted} now; it is noted there for the next holder.`)),
      ];
    },
  };
}

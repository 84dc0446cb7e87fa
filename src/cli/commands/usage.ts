import type { Command } from "commander";

import { wordOf } from "../answer.ts";
import { change, given } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { amount, wholeNumber } from "../options.ts";
import { UsageError } from "../usage-error.ts";

interface Usage {
  readonly agent: string;
  readonly source: string;
  readonly tokens?: number;
  readonly costUsd?: number;
}

export function addUsageCommands(program: Command, cli: Cli): void {
  program
    .command("usage")
    .description("what agents cost: record")
    .command("record")
    .description("add what a runner, a hook or a bill says; limits on it act at once")
    .requiredOption("--agent <name>", "whose it is")
    .requiredOption("--source <text>", "who says so, e.g. a runner; never the agent")
    .option("--tokens <n>", "of the language model", wholeNumber)
    .option("--cost-usd <x>", "in US dollars, e.g. 0.25", amount)
    .action(async (usage: Usage) => {
      await cli.report(async () => await record(cli, usage));
    });
}

async function record(cli: Cli, { agent, source, tokens, costUsd }: Usage): Promise<Report> {
  if (tokens === undefined && costUsd === undefined) {
    throw new UsageError("There is nothing to record.", "Add --tokens, --cost-usd, or both.");
  }
  const args = given({ agent, source, tokens, cost_usd: costUsd });
  const answer = await change(cli, { operation: "usage_record", args });
  return {
    json: answer,
    text: (view) =>
      view.sentence(
        `Recorded for ${agent}: ${wordOf(answer, "tokens")} tokens, ${wordOf(answer, "cost_usd")} US dollars.`,
      ),
  };
}

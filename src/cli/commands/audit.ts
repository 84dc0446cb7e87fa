import { type Command, Option } from "commander";

import type { Cli } from "../cli.ts";
import { sinceTime, wholeNumber } from "../options.ts";
import { exportLedger } from "./audit-export.ts";
import { showEntry } from "./audit-show.ts";
import { followLedger, type TailOptions, tailLedger } from "./audit-tail.ts";
import { verifyLedger } from "./audit-verify.ts";

export function addAuditCommands(program: Command, cli: Cli): void {
  const audit = program.command("audit").description("the ledger: tail, show, verify, export");
  audit
    .command("tail")
    .description("show the last entries")
    .option("--limit <n>", "how many", wholeNumber, 20)
    .option("--actor <name>", "only what this agent or person did")
    .option("--action <name>", "only this tool or operation")
    .option("--target <id>", "only what was about it, e.g. T12")
    .addOption(
      new Option("--decision <what>", "only these").choices([
        "allow",
        "refuse",
        "error",
        "replayed",
        "system",
      ]),
    )
    .option("--since <time>", 'only since then: "10m", "2h" or a time', (text) => sinceTime(text))
    .option("--follow", "go on as entries come; with --json a line each")
    .action(async (options: TailOptions) => {
      if (options.follow === true) await cli.stream(async () => await followLedger(cli, options));
      else await cli.report(async () => await tailLedger(cli, options));
    });
  audit
    .command("show")
    .description("show one entry and check it")
    .argument("<seq>", "its number", wholeNumber)
    .option("--payload", "also what came in; that you looked is recorded")
    .action(async (seq: number, { payload }: { payload?: true }) => {
      await cli.report(async () => await showEntry(cli, seq, payload === true));
    });
  audit
    .command("verify")
    .description("check the whole chain; names the first entry that does not hold")
    .argument("[file]", "an export to check instead of this project's ledger")
    .action(async (file: string | undefined) => {
      await cli.report(async () => await verifyLedger(cli, file));
    });
  audit
    .command("export")
    .description("write every entry, one JSON object a line; that you did is recorded")
    .addOption(new Option("--format <format>", "how").choices(["jsonl"]).default("jsonl"))
    .option("--out <file>", "where to; stdout if omitted")
    .action(async ({ out }: { out?: string }) => {
      if (out === undefined) await cli.stream(async () => await exportLedger(cli));
      else await cli.report(async () => await exportLedger(cli, out));
    });
}

import { PassThrough } from "node:stream";

import type { Command } from "commander";

import { createCli } from "../../src/cli/cli.ts";
import { createProgram } from "../../src/cli/program.ts";
import { code, page } from "./markdown.ts";

const INTRO = `# Command line

Every command is run in the project's directory, or anywhere below it. \`--json\` prints one JSON
document instead of text, errors too. Who changes something must be a person: the operator key of
\`guvnor init\` vouches, or, where there is none, a terminal without an agent above it; the ledger then
says \`unverified\`.

Run from a checkout of guvnor, \`guvnor\` is \`node dist/cli/main.js\`.`;

const COLUMNS = 90;

export function cliPage(): string {
  const program = programForHelp();
  return page(INTRO, ...helpOf(program, "guvnor", 2));
}

/** Every command as "guvnor tasks list", groups included. */
export function commandNames(): readonly string[] {
  const walk = (command: Command, path: string): string[] => [
    path,
    ...command.commands.flatMap((child) => walk(child, `${path} ${child.name()}`)),
  ];
  return walk(programForHelp(), "guvnor");
}

function programForHelp(): Command {
  const stdin = new PassThrough();
  const stdout = Object.assign(new PassThrough(), { columns: COLUMNS });
  const cli = createCli({
    args: [],
    env: {},
    directory: "/",
    stdin,
    stdout,
    stderr: stdout,
  });
  return createProgram(cli, {
    getOutHelpWidth: () => COLUMNS,
    getErrHelpWidth: () => COLUMNS,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
}

function helpOf(command: Command, path: string, level: number): readonly string[] {
  const help = command.helpInformation().trimEnd();
  return [
    `${"#".repeat(level)} ${path}`,
    code("text", help),
    ...command.commands.flatMap((child) =>
      helpOf(child, `${path} ${child.name()}`, Math.min(level + 1, 4)),
    ),
  ];
}

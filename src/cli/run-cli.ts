import { CommanderError } from "commander";

import { type Cli, createCli, jsonText } from "./cli.ts";
import { EXIT_USAGE } from "./explain-error.ts";
import { createProgram } from "./program.ts";
import { readVersion } from "./version.ts";

/** Runs the command line of this process; its exit code is set, never forced, so that pipes drain. */
export async function runCli(): Promise<void> {
  const { stdin, stdout, stderr } = process;
  for (const stream of [stdout, stderr]) stream.on("error", endQuietly);
  const args = process.argv.slice(2);
  const surroundings = { args, env: process.env, directory: process.cwd() };
  const cli = createCli({ ...surroundings, stdin, stdout, stderr });
  process.exitCode = await runArguments(cli);
}

/** The reader went away (`guvnor audit export | head`): that is its right, and no error. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}

async function runArguments(cli: Cli): Promise<number> {
  const printed = { out: "", err: "" };
  const program = createProgram(cli, {
    writeOut: (text) => void (printed.out += text),
    writeErr: (text) => void (printed.err += text),
    getOutHelpWidth: () => cli.view.columns,
    getErrHelpWidth: () => cli.view.columns,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
  try {
    await program.parseAsync([...cli.args], { from: "user" });
    return cli.exitCode();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return answerCommander(cli, error, printed);
  }
}

/** Help, version and mistakes: commander throws where it would end the process. */
function answerCommander(
  cli: Cli,
  error: CommanderError,
  printed: { out: string; err: string },
): number {
  if (error.exitCode === 0) {
    const isVersion = error.code === "commander.version";
    const document = isVersion ? { version: readVersion() } : { help: printed.out };
    cli.stdout.write(cli.json ? jsonText(document) : printed.out);
    return 0;
  }
  if (error.code === "commander.help") {
    // A group without its command: its help is the answer, but nothing was done.
    if (cli.json) {
      cli.printError(new CommanderError(EXIT_USAGE, error.code, "Name a command."));
    } else {
      cli.stderr.write(printed.err);
    }
    return EXIT_USAGE;
  }
  cli.printError(error);
  return EXIT_USAGE;
}

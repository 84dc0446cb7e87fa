import { Command, type OutputConfiguration } from "commander";

import type { Cli } from "./cli.ts";
import { addAgentCommands } from "./commands/agents.ts";
import { addApprovalCommands } from "./commands/approvals.ts";
import { addAuditCommands } from "./commands/audit.ts";
import { addBoardCommands } from "./commands/board.ts";
import { addBreakerCommands } from "./commands/breakers.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addEscalationCommands } from "./commands/escalations.ts";
import { addInitCommand } from "./commands/init.ts";
import { addMessageCommands } from "./commands/messages.ts";
import { addPipelineCommands } from "./commands/pipeline.ts";
import { addPlanCommands } from "./commands/plan.ts";
import { addPolicyCommands } from "./commands/policy.ts";
import { addSayCommand } from "./commands/say.ts";
import { addStatusCommand } from "./commands/status.ts";
import { addStopCommands } from "./commands/stop.ts";
import { addTaskCommands } from "./commands/tasks.ts";
import { addTokenCommands } from "./commands/tokens.ts";
import { addUsageCommands } from "./commands/usage.ts";
import { addViolationCommands } from "./commands/violations.ts";
import { readVersion } from "./version.ts";

const AFTER_HELP = `
Exit codes: 0 done, 1 refused or failed (a broken ledger and a failed check
too), 2 the command line was wrong.

Begin with \`guvnor init\` in a project, then start agents there. When something
goes wrong, \`guvnor stop --reason "…"\` holds all of them up at once.`;

/** All commands. What they do lies in commands/, a file each. */
export function createProgram(cli: Cli, output: OutputConfiguration): Command {
  const program = new Command("guvnor")
    .description("Governs fleets of AI agents: work, coordination, decisions, rules, proof.")
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .option("--json", "print one JSON document instead of text, errors too")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", AFTER_HELP)
    .configureOutput(output)
    .exitOverride();
  program.commandsGroup("Set up:");
  addInitCommand(program, cli);
  program
    .command("mcp")
    .description("serve one agent's client over stdio (clients start this)")
    .action(async () => {
      const { runMcp } = await import("./commands/mcp.ts");
      await runMcp(cli.env, cli.directory);
    });
  addDoctorCommand(program, cli);
  program
    .command("demo")
    .description("watch four agents carry out a plan, vote, fail, recover; and prove it")
    .option("--keep <directory>", "let it happen in this new directory, which stays")
    .option("--sample <directory>", "another sample than the one that is shipped")
    .action(async ({ keep, sample }: { keep?: string; sample?: string }) => {
      await cli.stream(async () => {
        const { runDemo } = await import("./commands/demo.ts");
        return await runDemo({ ...cli, keep, sample });
      });
    });
  program.commandsGroup("Work:");
  addStatusCommand(program, cli);
  addTaskCommands(program, cli);
  addPlanCommands(program, cli);
  program.commandsGroup("Agents and decisions:");
  addAgentCommands(program, cli);
  addBoardCommands(program, cli);
  addPipelineCommands(program, cli);
  addEscalationCommands(program, cli);
  addApprovalCommands(program, cli);
  addSayCommand(program, cli);
  addMessageCommands(program, cli);
  program.commandsGroup("Rules:");
  addStopCommands(program, cli);
  addPolicyCommands(program, cli);
  addViolationCommands(program, cli);
  addBreakerCommands(program, cli);
  addTokenCommands(program, cli);
  addUsageCommands(program, cli);
  program.commandsGroup("Proof:");
  addAuditCommands(program, cli);
  return program;
}

import { type Command, Option } from "commander";

import type { Project } from "../../app.ts";
import { TIERS } from "../../core/agent.ts";
import { didYouMean } from "../../core/nearest-name.ts";
import { matchAny } from "../../core/path-glob.ts";
import type { JsonObject } from "../../engine/call.ts";
import { listOf, rowsOf, shortTime, wordOf } from "../answer.ts";
import { change, given, put, read, withProject } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { requirePerson } from "../operator.ts";
import { collect, wholeNumber } from "../options.ts";
import { UsageError } from "../usage-error.ts";

interface Enrolment {
  readonly tools?: string[];
  readonly tier?: string;
  readonly agent?: string;
  readonly principal?: string;
  readonly days?: number;
}

export function addTokenCommands(program: Command, cli: Cli): void {
  const tokens = program
    .command("tokens")
    .description("credentials of agents: enrol, list, revoke");
  tokens
    .command("enrol")
    .description("make a credential for agents; it is printed once and stored nowhere")
    .argument("<name>", "your name for it, e.g. laptop")
    .option("--tools <names>", "only these tools; * for any characters", collect)
    .addOption(new Option("--tier <tier>", "the highest it gives").choices(TIERS).default("T2"))
    .option("--agent <name>", "only for this agent")
    .option("--principal <name>", "who answers for its agents and cannot approve what they ask")
    .option("--days <n>", "good for so long; without end if omitted", wholeNumber)
    .action(async (name: string, options: Enrolment) => {
      await cli.report(
        async () => await withProject(cli, async (project) => enrol(cli, project, name, options)),
      );
    });
  tokens
    .command("list")
    .description("list credentials, and the tokens that agents got with them")
    .option("--all", "also those that were revoked")
    .action(async ({ all }: { all?: true }) => {
      await cli.report(async () =>
        reportList(await read(cli, { operation: "tokens_list", args: given({ all }) })),
      );
    });
  tokens
    .command("revoke")
    .description("end a credential and all its agents at their next call")
    .argument("<name>", "as you enrolled it")
    .requiredOption("--reason <text>", "why")
    .action(async (name: string, { reason }: { reason: string }) => {
      await cli.report(async () => {
        const answer = await change(cli, { operation: "tokens_revoke", args: { name, reason } });
        const agents = listOf(answer, "agents");
        return {
          json: answer,
          text: (view) =>
            view.sentence(
              agents === undefined
                ? `${name} is revoked; no agent used it.`
                : `${name} is revoked, and so are its agents: ${agents}.`,
            ),
        };
      });
    });
}

async function enrol(
  cli: Cli,
  project: Project,
  name: string,
  { tools, tier, agent, principal, days }: Enrolment,
): Promise<Report> {
  const person = await requirePerson(cli, project);
  checkTools(project, tools ?? []);
  const args = given({ name, tools, tier, agent, principal, days });
  const answer = await put(project, person, { operation: "tokens_enrol", args });
  return {
    json: answer,
    text: (view) => [
      ...view.sentence(`The credential of ${name}. It is shown this once; only its hash is kept:`),
      "",
      `  ${wordOf(answer, "credential")}`,
      "",
      ...view.sentence(
        "Put it as GUVNOR_TOKEN into the environment of the agent's guvnor mcp, where no other agent can read it.",
      ),
      ...view.hint(`Take it back: guvnor tokens revoke ${name} --reason "…"`),
    ],
  };
}

/** A name that is misspelt would make a credential that is good for nothing. */
function checkTools({ deps }: Project, globs: readonly string[]): void {
  const names = deps.toolTypes().map((tool) => tool.name);
  const unknown = globs.find((glob) => !names.some((each) => matchAny([glob], each)));
  if (unknown === undefined) return;
  const message = `No tool is called ${unknown}${didYouMean(unknown, names) || "."}`;
  throw new UsageError(message, `Use some of: ${names.join(", ")}.`);
}

function reportList(answer: JsonObject): Report {
  const rows = rowsOf(answer, "tokens");
  return {
    json: answer,
    text: (view) => {
      if (rows.length === 0) {
        return [
          "No tokens.",
          ...view.hint("Make a credential for agents: guvnor tokens enrol NAME"),
        ];
      }
      return view.table(
        [
          { title: "KIND" },
          { title: "NAME" },
          { title: "AGENT" },
          { title: "FROM" },
          { title: "PRINCIPAL" },
          { title: "TIER" },
          { title: "UNTIL" },
          { title: "TOOLS", stretch: true },
        ],
        rows.map((row) => [
          row["kind"],
          row["name"],
          row["agent"],
          row["from"],
          row["principal"],
          row["tier"],
          until(row),
          listOf(row, "tools"),
        ]),
      );
    },
  };
}

function until(row: JsonObject): string {
  if (row["revoked_at"] !== undefined) return `revoked ${shortTime(row["revoked_at"])}`;
  return row["expires_at"] === undefined ? "no end" : shortTime(row["expires_at"]);
}

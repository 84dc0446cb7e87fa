import { type Command, Option } from "commander";

import { TIERS } from "../../core/agent.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { JsonObject } from "../../engine/call.ts";
import { listOf, rowsOf, shortTime, textOf, wordOf } from "../answer.ts";
import { change, given, read } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";

export function addAgentCommands(program: Command, cli: Cli): void {
  const agents = program
    .command("agents")
    .description("agents and what they may do: list, revoke, restore, tier");
  agents
    .command("list")
    .description("list all that ever registered")
    .action(async () => {
      await cli.report(async () =>
        reportList(await read(cli, { operation: "agents_list", args: {} })),
      );
    });
  agents
    .command("revoke")
    .description("refuse an agent's calls from the next one on; others get its tasks")
    .argument("<name>", "an agent")
    .requiredOption("--reason <text>", "why")
    .action(async (agent: string, { reason }: { reason: string }) => {
      await cli.report(async () => {
        const answer = await change(cli, { operation: "agents_revoke", args: { agent, reason } });
        return {
          json: answer,
          text: (view) => [
            ...view.sentence(`${agent} is revoked: its next call is refused.`),
            ...view.hint(`Let it in again: guvnor agents restore ${agent}`),
          ],
        };
      });
    });
  agents
    .command("restore")
    .description("let a revoked agent work again")
    .argument("<name>", "an agent")
    .action(async (agent: string) => {
      await cli.report(async () => {
        const answer = await change(cli, { operation: "agents_restore", args: { agent } });
        return {
          json: answer,
          text: (view) => view.sentence(`${agent} may work again from its next call on.`),
        };
      });
    });
  agents
    .command("tier")
    .description("show an agent's tier, or set it")
    .argument("<name>", "an agent")
    .addOption(new Option("--set <tier>", "T0 reads, T1 writes too, T2 plans too").choices(TIERS))
    .addOption(new Option("--freeze", "only people change it from now on").conflicts("thaw"))
    .option("--thaw", "what it does may change it again")
    .action(async (agent: string, options: TierOptions) => {
      await cli.report(async () => await tier(cli, agent, options));
    });
}

function reportList(answer: JsonObject): Report {
  const rows = rowsOf(answer, "agents");
  return {
    json: answer,
    text: (view) => {
      if (rows.length === 0) return ["No agents yet: start one's client in this project."];
      return view.table(
        [
          { title: "AGENT" },
          { title: "STATE" },
          { title: "TIER" },
          { title: "TASKS" },
          { title: "SEEN" },
          { title: "CAN", stretch: true },
        ],
        rows.map((row) => [
          row["name"],
          row["state"],
          row["frozen_by"] === undefined ? row["tier"] : `${wordOf(row, "tier")} frozen`,
          listOf(row, "tasks"),
          shortTime(row["last_seen"]),
          listOf(row, "capabilities"),
        ]),
      );
    },
  };
}

interface TierOptions {
  readonly set?: string;
  readonly freeze?: true;
  readonly thaw?: true;
}

async function tier(cli: Cli, agent: string, { set, freeze, thaw }: TierOptions): Promise<Report> {
  const wanted = given({ tier: set, freeze, thaw });
  if (Object.keys(wanted).length === 0) return await showTier(cli, agent);
  const answer = await change(cli, { operation: "agents_tier", args: { agent, ...wanted } });
  return reportTier(answer);
}

async function showTier(cli: Cli, agent: string): Promise<Report> {
  const { agents } = await read(cli, { operation: "agents_list", args: {} });
  const found = rowsOf({ agents }, "agents").find(({ name }) => name === agent);
  if (found === undefined) {
    const fix = "See who there is: guvnor agents list";
    throw new GuvnorError("agent_unknown", `There is no agent ${agent}.`, fix);
  }
  const { tier: own, frozen_by: frozenBy, verified } = found;
  return reportTier({ agent, ...given({ tier: own, frozen_by: frozenBy, verified }) });
}

function reportTier(answer: JsonObject): Report {
  const frozenBy = textOf(answer, "frozen_by");
  const name = wordOf(answer, "agent");
  return {
    json: answer,
    text: (view) => [
      ...view.sentence(
        `${name} has tier ${wordOf(answer, "tier")}${frozenBy === undefined ? "" : `, frozen by ${frozenBy}`}.`,
      ),
      ...(frozenBy === undefined ? [] : view.hint(`Thaw it: guvnor agents tier ${name} --thaw`)),
    ],
  };
}

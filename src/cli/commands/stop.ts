import { type Command, Option } from "commander";

import { GuvnorError } from "../../core/errors.ts";
import type { JsonObject } from "../../engine/call.ts";
import { namesOf, rowsOf, wordOf } from "../answer.ts";
import { change, given, openHere, put } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { sayForAll } from "../global-stop.ts";
import { requirePerson, requirePersonAnywhere } from "../operator.ts";
import { resumeCommand, scopeWords } from "../stop-text.ts";
import type { View } from "../view.ts";

interface Scope {
  readonly project?: true;
  readonly agent?: string;
  readonly all?: true;
}

export function addStopCommands(program: Command, cli: Cli): void {
  scoped(program.command("stop"))
    .description("refuse every call of the agents from now on, until you resume")
    .requiredOption("--reason <text>", "why; agents and other people read it")
    .action(async ({ reason, agent, all }: Scope & { reason: string }) => {
      await cli.report(async () =>
        all === true
          ? await forAll(cli, "stopped", reason)
          : reportStopped(await change(cli, { operation: "stop", args: given({ agent, reason }) })),
      );
    });
  scoped(program.command("resume"))
    .description("let agents work again; what they reported meanwhile is taken in order")
    .action(async ({ agent, all }: Scope) => {
      await cli.report(async () =>
        all === true
          ? await forAll(cli, "resumed", "resumed")
          : reportResumed(await change(cli, { operation: "resume", args: given({ agent }) })),
      );
    });
}

function scoped(command: Command): Command {
  return command
    .addOption(new Option("--project", "all agents of this project (default)"))
    .addOption(new Option("--agent <name>", "only this agent").conflicts("project"))
    .addOption(
      new Option("--all", "every project of yours on this machine").conflicts(["project", "agent"]),
    );
}

/**
 * Everywhere by a file that each project looks at, and here at once. Outside any project, and where
 * this one cannot be opened, there is only the file: an emergency does not wait for a repair.
 */
async function forAll(cli: Cli, state: "stopped" | "resumed", reason: string): Promise<Report> {
  const here = await openHere(cli).catch(knownOnly);
  if (here instanceof GuvnorError) {
    const file = sayForAll(cli, requirePersonAnywhere(cli), { state, reason });
    return reportForAll({ state, file, project: here });
  }
  try {
    const person = await requirePerson(cli, here);
    const file = sayForAll(cli, person, { state, reason });
    const args = { all: true, ...(state === "stopped" ? { reason } : {}) };
    const operation = state === "stopped" ? "stop" : "resume";
    const project = await put(here, person, { operation, args }).catch(knownOnly);
    return reportForAll({ state, file, project });
  } finally {
    await here.close();
  }
}

function knownOnly(error: unknown): GuvnorError {
  if (error instanceof GuvnorError) return error;
  throw error;
}

interface SaidForAll {
  readonly state: "stopped" | "resumed";
  readonly file: string;
  /** What this project answered, or why it did not. */
  readonly project: JsonObject | GuvnorError;
}

function reportForAll({ state, file, project }: SaidForAll): Report {
  const problem = project instanceof GuvnorError ? project : undefined;
  const answer = project instanceof GuvnorError ? undefined : project;
  const isStopped = state === "stopped";
  return {
    json: {
      scope: "all",
      [state]: true,
      file,
      ...(answer === undefined ? {} : { project: answer }),
      ...(problem === undefined
        ? {}
        : { project_problem: { code: problem.code, message: problem.message } }),
    },
    text: (view) => [
      ...view.sentence(
        `All your projects on this machine ${isStopped ? "are stopped" : "may go on"}: ${
          answer === undefined ? "each follows at its" : "the others follow at their"
        } next call.`,
      ),
      ...(problem === undefined || problem.code === "no_project"
        ? []
        : view.sentence(
            problem.code === "state_conflict"
              ? "This project was not stopped in that way."
              : `This project could not be asked, and follows too: ${problem.message}`,
          )),
      ...(answer === undefined ? [] : stopsAgain(view, rowsOf(answer, "stops_again"))),
      ...(answer === undefined ? [] : stillStopped(view, answer)),
      ...(isStopped ? view.hint(`Go on: ${resumeCommand("all")}`) : []),
    ],
  };
}

function reportStopped(answer: JsonObject): Report {
  const scope = wordOf(answer, "scope");
  return {
    json: answer,
    text: (view) => [
      ...view.sentence(
        answer["changed"] === true
          ? `${scopeWords(scope)} is stopped: every call is refused from now on.`
          : `${scopeWords(scope)} was stopped already; the first reason stands.`,
      ),
      ...view.hint(`Go on: ${resumeCommand(scope)}`),
    ],
  };
}

function reportResumed(answer: JsonObject): Report {
  const taken = wordOf(answer, "reports_taken");
  const again = rowsOf(answer, "stops_again");
  return {
    json: answer,
    text: (view) => [
      ...view.sentence(
        `${scopeWords(wordOf(answer, "scope"))} ${again.length === 0 ? "may go on" : "is resumed, and a limit stops it again"}.${
          taken === "0" ? "" : ` Reports taken that came meanwhile: ${taken}.`
        }`,
      ),
      ...stopsAgain(view, again),
      ...stillStopped(view, answer),
    ],
  };
}

/** Whoever resumes while a limit is exceeded would else believe that work goes on. */
function stopsAgain(view: View, again: readonly JsonObject[]): string[] {
  return again.flatMap((row) => {
    const of = wordOf(row, "of");
    const whose = of === "project" ? "" : ` of ${of.replace(":", " ")}`;
    const text = `Limit ${wordOf(row, "limit")} is still exceeded: the next call${whose} stops the project again.`;
    return [
      ...view.sentence(text).map((line) => view.paint("attention", line)),
      ...view.hint(wordOf(row, "fix")),
    ];
  });
}

function stillStopped(view: View, answer: JsonObject): string[] {
  return namesOf(answer, "still_stopped").flatMap((scope) => stillLines(view, scope));
}

function stillLines(view: View, scope: string): string[] {
  return [
    ...view
      .sentence(`${scopeWords(scope)} is still stopped.`)
      .map((line) => view.paint("attention", line)),
    ...view.hint(`Go on: ${resumeCommand(scope)}`),
  ];
}

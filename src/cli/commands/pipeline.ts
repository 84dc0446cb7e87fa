import { resolve } from "node:path";

import type { Command } from "commander";

import type { Project } from "../../app.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { JsonObject } from "../../engine/call.ts";
import { FALLBACKS } from "../../engine/pipelines/fallbacks.ts";
import { objectOf, rowsOf, shortTime, textOf, wordOf } from "../answer.ts";
import { change, given, put, read, withProject } from "../ask-project.ts";
import { jsonText, type Cli, type Report } from "../cli.ts";
import { type Person, requirePerson } from "../operator.ts";
import { readPlanFile } from "../plan-file.ts";
import { UsageError } from "../usage-error.ts";
import type { View } from "../view.ts";
import { writeFileAtomically } from "../write-file-atomically.ts";

/** One look at a time, far below what hosts allow a call. */
const WAIT_SECONDS = 25;
const EXIT_ERROR = 1;
const EXIT_NO_CONSENSUS = 2;

const ACTIONS = [...FALLBACKS, "download_log"];

export function addPipelineCommands(program: Command, cli: Cli): void {
  const pipeline = program
    .command("pipeline")
    .description("one objective, worked on twice and decided: run, list, show, fallback, revoke");
  pipeline
    .command("run")
    .description("start one; with --wait exit code 0: completed, 1: failed, 2: no consensus")
    .requiredOption("--objective <text>", "what is to be achieved")
    .option("--plan <file>", "what has to be done, in the shape of a plan; - for stdin")
    .option("--template <name>", "one of guvnor.yaml's pipelines")
    .option("--wait", "until it is completed, has failed, or needs a person")
    .action(async (options: RunOptions) => {
      await cli.report(async () => await start(cli, options));
    });
  pipeline
    .command("list")
    .description("list them, newest first")
    .action(async () => {
      await cli.report(async () =>
        reportList(await read(cli, { operation: "pipelines_list", args: {} })),
      );
    });
  pipeline
    .command("show")
    .description("show one with its runs; exit codes as for run --wait")
    .argument("<id>", "a pipeline such as L2")
    .option("--wait", "until it is completed, has failed, or needs a person")
    .action(async (id: string, { wait }: { wait?: true }) => {
      await cli.report(async () => await show(cli, id, wait === true));
    });
  addFallback(pipeline, cli);
  pipeline
    .command("revoke")
    .description("end it: its token and those of its agents are over")
    .argument("<id>", "a pipeline such as L2")
    .requiredOption("--reason <text>", "why")
    .action(async (id: string, { reason }: { reason: string }) => {
      const args = { pipeline_id: id, reason };
      await cli.report(async () => ({
        ...reportOne(await change(cli, { operation: "pipelines_revoke", args })),
        exitCode: 0,
      }));
    });
}

function addFallback(pipeline: Command, cli: Cli): void {
  pipeline
    .command("fallback")
    .description("go on where there is no consensus, or it has failed")
    .argument("<id>", "a pipeline such as L2")
    .addArgument(pipeline.createArgument("<action>", "what is done").choices(ACTIONS))
    .option("--reason <text>", "why; asked for by all but download_log")
    .option("--solution <id>", "accept_partial: this one instead of the best one")
    .option("--out <file>", "download_log: write it there instead of to stdout")
    .option("--wait", "until it is completed, has failed, or needs a person")
    .action(async (id: string, action: string, options: FallbackOptions) => {
      if (action === "download_log") await downloadLog(cli, id, options.out);
      else await cli.report(async () => await fallBack(cli, { id, action, ...options }));
    });
}

interface RunOptions {
  readonly objective: string;
  readonly plan?: string;
  readonly template?: string;
  readonly wait?: true;
}

async function start(
  cli: Cli,
  { objective, plan: file, template, wait }: RunOptions,
): Promise<Report> {
  const plan = file === undefined ? undefined : plannedTasks(await readPlanFile(cli, file));
  const args = given({ objective, template, plan });
  return await withProject(cli, async (project) => {
    const person = await requirePerson(cli, project);
    const answer = await put(project, person, { operation: "start_pipeline", args });
    if (wait !== true) return { ...reportOne(answer), exitCode: 0 };
    return reportOne(await waitFor(cli, { project, person }, answer));
  });
}

/** What start_pipeline takes of a plan: the rest of a task says how it is done. */
function plannedTasks(plan: JsonObject): readonly JsonObject[] {
  const tasks = rowsOf(plan, "tasks");
  if (tasks.length === 0) {
    throw new GuvnorError(
      "input_invalid",
      "The plan has no tasks.",
      'Give some: {"tasks": [{"key": "a", "title": "…"}]}, or leave --plan out.',
    );
  }
  return tasks.map(({ key, title, after, needs, estimate_minutes: minutes }) =>
    given({ key, title, after, needs, estimate_minutes: minutes }),
  );
}

async function show(cli: Cli, id: string, wait: boolean): Promise<Report> {
  const question = { operation: "pipelines_show", args: { pipeline_id: id } };
  if (!wait) return reportOne(await read(cli, question));
  return await withProject(cli, async (project) => {
    const person = await requirePerson(cli, project);
    return reportOne(await waitFor(cli, { project, person }, await put(project, person, question)));
  });
}

interface FallbackOptions {
  readonly reason?: string;
  readonly solution?: string;
  readonly out?: string;
  readonly wait?: true;
}

async function fallBack(
  cli: Cli,
  asked: FallbackOptions & { readonly id: string; readonly action: string },
): Promise<Report> {
  const { id, action, reason, solution, wait } = asked;
  if (reason === undefined) throw new UsageError('Say why: --reason "…".', "The ledger keeps it.");
  const args = given({ pipeline_id: id, action, reason, solution_id: solution });
  return await withProject(cli, async (project) => {
    const person = await requirePerson(cli, project);
    const answer = await put(project, person, { operation: "pipelines_fallback", args });
    if (wait !== true) return { ...reportOne(answer), exitCode: 0 };
    return reportOne(await waitFor(cli, { project, person }, answer));
  });
}

/** Everything about it, for whoever finds out why: one JSON document. */
async function downloadLog(cli: Cli, id: string, out: string | undefined): Promise<void> {
  const question = { operation: "pipelines_log", args: { pipeline_id: id } };
  if (out === undefined) {
    await cli.stream(async () => {
      cli.stdout.write(jsonText(await read(cli, question)));
      return 0;
    });
    return;
  }
  await cli.report(async () => {
    const file = resolve(cli.directory, out);
    const log = await read(cli, question);
    writeFileAtomically(file, jsonText(log));
    const entries = rowsOf(log, "entries").length;
    return {
      json: { file, entries },
      text: (view) => view.sentence(`Wrote ${id} with ${entries} entries of the ledger.`),
    };
  });
}

/** Looks until it is over or needs a person; says on the way what has changed. */
async function waitFor(
  cli: Cli,
  { project, person }: { readonly project: Project; readonly person: Person },
  first: JsonObject,
): Promise<JsonObject> {
  const args = { pipeline_id: wordOf(first, "id"), wait_seconds: WAIT_SECONDS };
  let answer = first;
  let said = "";
  for (;;) {
    const now = progressOf(answer);
    if (now !== said && !cli.json) cli.stderr.write(`${now}\n`);
    said = now;
    if (isSettled(answer)) return answer;
    answer = await put(project, person, { operation: "pipelines_show", args });
  }
}

function isSettled(answer: JsonObject): boolean {
  return (
    answer["awaits"] === "fallback" ||
    ["completed", "failed", "revoked"].includes(wordOf(answer, "state"))
  );
}

/** One line: who does what, and until when it is waited for. */
function progressOf(answer: JsonObject): string {
  const run = objectOf(answer, "current");
  const isVoting = wordOf(answer, "state") === "orchestrating";
  const parts = isVoting ? mediatorOf(run) : partsOf(run);
  const doing = [
    ...(isVoting ? [topicOf(run) ?? ""] : []),
    ...parts.map(
      (part) =>
        `${wordOf(part, "role")} ${wordOf(part, "state")} (${textOf(part, "agent") ?? "nobody has it"})`,
    ),
  ].join(", ");
  const until = shortTime(isVoting ? run["topic_until"] : run["deadline"]);
  const isOpen = !isSettled(answer) && until !== "";
  return `${wordOf(answer, "id")} ${wordOf(answer, "state")}: ${doing}${isOpen ? `, until ${until}` : ""}`;
}

function partsOf(run: JsonObject): readonly JsonObject[] {
  return [...rowsOf(run, "parts"), ...mediatorOf(run)];
}

/** GAMMA's part where it mediates; none otherwise. */
function mediatorOf(run: JsonObject): readonly JsonObject[] {
  const mediation = objectOf(run, "mediation");
  return mediation["task"] === undefined ? [] : [{ role: "gamma", ...mediation }];
}

function exitCodeOf(answer: JsonObject): number {
  if (answer["awaits"] === "fallback") return EXIT_NO_CONSENSUS;
  const state = wordOf(answer, "state");
  return state === "failed" || state === "revoked" ? EXIT_ERROR : 0;
}

function reportList(answer: JsonObject): Report {
  const rows = rowsOf(answer, "pipelines");
  return {
    json: answer,
    text: (view) => {
      const [first] = rows;
      if (first === undefined) return ["There is no pipeline."];
      return [
        ...view.table(
          [
            { title: "ID" },
            { title: "STATE" },
            { title: "RUN" },
            { title: "TOPIC" },
            { title: "OBJECTIVE", stretch: true },
          ],
          rows.map((row) => [
            row["id"],
            row["awaits"] === "fallback" ? "no consensus" : row["state"],
            row["run"],
            row["topic"],
            row["objective"],
          ]),
        ),
        ...view.hint(`Look at one: guvnor pipeline show ${wordOf(first, "id")}`),
      ];
    },
  };
}

function reportOne(answer: JsonObject): Report {
  const outcome = objectOf(answer, "outcome");
  const current = objectOf(answer, "current");
  return {
    json: answer,
    exitCode: exitCodeOf(answer),
    text: (view) => [
      ...view.title(`${wordOf(answer, "id")}  ${textOf(answer, "objective") ?? ""}`),
      ...view.fields([
        [
          "state",
          answer["awaits"] === "fallback" ? "orchestrating, no consensus" : answer["state"],
        ],
        ["run", answer["run"]],
        ["complexity", answer["complexity"]],
        ["conflicts", answer["conflicts"]],
        ["topic", topicOf(current)],
        ["GAMMA from the start", current["gamma_from_the_start"]],
        ["no consensus", current["failure"]],
        ["chosen", outcome["solution"]],
        ["commit", outcome["commit"]],
        ["why", outcome["reason"]],
        ["deadline", shortTime(current["topic_until"] ?? current["deadline"])],
      ]),
      "",
      ...partTable(view, current),
      ...earlierRuns(view, answer),
      ...view.hint(wordOf(answer, "next")),
    ],
  };
}

function topicOf(run: JsonObject): string | undefined {
  const topic = textOf(run, "topic");
  return topic === undefined ? undefined : `${topic} is ${wordOf(run, "topic_state")}`;
}

function partTable(view: View, run: JsonObject): string[] {
  return view.table(
    [{ title: "PART" }, { title: "TASK" }, { title: "STATE" }, { title: "AGENT", stretch: true }],
    partsOf(run).map((part) => [
      wordOf(part, "role").toUpperCase(),
      part["task"],
      part["state"],
      part["agent"] ?? "",
    ]),
  );
}

function earlierRuns(view: View, answer: JsonObject): string[] {
  const rows = rowsOf(answer, "earlier").map((run) => [
    run["run"],
    partsOf(run)
      .map((part) => textOf(part, "agent") ?? "nobody")
      .join(", "),
    topicOf(run),
    run["failure"],
  ]);
  if (rows.length === 0) return [];
  return [
    "",
    ...view.table(
      [
        { title: "RUN" },
        { title: "AGENTS" },
        { title: "TOPIC" },
        { title: "WHY NOT", stretch: true },
      ],
      rows,
    ),
  ];
}

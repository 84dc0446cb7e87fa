import { type Command, Option } from "commander";

import type { JsonObject } from "../../engine/call.ts";
import { listOf, objectOf, rowsOf, shortTime, textOf, wordOf } from "../answer.ts";
import { change, given, read } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { wholeNumber } from "../options.ts";
import { UsageError } from "../usage-error.ts";
import type { View } from "../view.ts";
import { reportRecount } from "./board-recompute.ts";
import { independentText, roundLines } from "./board-tally.ts";

const STATES = ["proposing", "voting", "decided", "no_consensus", "withdrawn"];

export function addBoardCommands(program: Command, cli: Cli): void {
  const board = program
    .command("board")
    .description(
      "questions that the agents decide together: list, show, decide, mediate, withdraw, recompute",
    );
  board
    .command("list")
    .description("list topics, open ones first")
    .addOption(new Option("--state <state>", "only these").choices(STATES))
    .option("--limit <n>", "the most to show", wholeNumber, 20)
    .action(async ({ state, limit }: { state?: string; limit: number }) => {
      await cli.report(async () => {
        const args = given({ state });
        return reportList(await read(cli, { operation: "board_list", args }), limit);
      });
    });
  board
    .command("show")
    .description("show one topic: solutions, and once the vote is over the tally and every ballot")
    .argument("<id>", "a topic such as B1")
    .action(async (id: string) => {
      await cli.report(async () =>
        reportTopic(await read(cli, { operation: "board_show", args: { topic_id: id } })),
      );
    });
  board
    .command("decide")
    .description("decide what the agents could not, or confirm what is irreversible")
    .argument("<id>", "a topic such as B1")
    .argument("[solution]", "the solution that is chosen, e.g. S4")
    .option("--none", "choose none of them")
    .requiredOption("--reason <text>", "why; the agents read it")
    .action(async (id: string, solution: string | undefined, options: Decision) => {
      await cli.report(async () => await decide(cli, { id, solution, ...options }));
    });
  addRecompute(board, cli);
  addWord(board, cli, "mediate", {
    what: "ask an agent that has no word in it yet to mediate, now",
    why: "why; the mediator reads it",
  });
  addWord(board, cli, "withdraw", {
    what: "take the question back: nothing is decided any more",
    why: "why; the agents read it",
  });
}

function addRecompute(board: Command, cli: Cli): void {
  board
    .command("recompute")
    .description("count a decision again from the ledger alone; exits with 1 where it differs")
    .argument("<id>", "a topic such as B1")
    .action(async (id: string) => {
      await cli.report(async () =>
        reportRecount(await read(cli, { operation: "board_recompute", args: { topic_id: id } })),
      );
    });
}

/** What a person says to a topic with nothing but a reason. */
function addWord(
  board: Command,
  cli: Cli,
  name: "mediate" | "withdraw",
  { what, why }: { readonly what: string; readonly why: string },
): void {
  board
    .command(name)
    .description(what)
    .argument("<id>", "a topic such as B1")
    .requiredOption("--reason <text>", why)
    .action(async (id: string, { reason }: { reason: string }) => {
      const args = { topic_id: id, reason };
      await cli.report(async () =>
        reportTopic(await change(cli, { operation: `board_${name}`, args })),
      );
    });
}

interface Decision {
  readonly none?: true;
  readonly reason: string;
}

async function decide(
  cli: Cli,
  asked: Decision & { readonly id: string; readonly solution: string | undefined },
): Promise<Report> {
  const { id, solution, none, reason } = asked;
  if ((solution === undefined) === (none === undefined)) {
    throw new UsageError(
      "Name one solution, or say --none.",
      `See them with: guvnor board show ${id}`,
    );
  }
  const args = { topic_id: id, reason, ...given({ solution_id: solution, none }) };
  return reportTopic(await change(cli, { operation: "board_decide", args }));
}

function reportList(answer: JsonObject, limit: number): Report {
  const all = rowsOf(answer, "topics");
  const shown = all.slice(0, limit);
  const more = answer["more"] === true || all.length > shown.length;
  const [first] = shown;
  return {
    json: { ...answer, topics: shown, ...(more ? { more } : {}) },
    text: (view) => {
      if (first === undefined) return ["No topics."];
      const rows = shown.map((row) => {
        const cast = objectOf(row, "ballots");
        return [
          row["id"],
          row["awaits"] === "person" ? "awaits you" : row["state"],
          row["solutions"],
          cast["of"] === undefined ? "" : `${wordOf(cast, "cast")}/${wordOf(cast, "of")}`,
          row["winner"],
          row["title"],
        ];
      });
      return [
        ...view.table(
          [
            { title: "ID" },
            { title: "STATE" },
            { title: "SOLUTIONS", align: "right" },
            { title: "CAST", align: "right" },
            { title: "WINNER" },
            { title: "TITLE", stretch: true },
          ],
          rows,
        ),
        ...(more ? view.hint("There are more: --state, --limit") : []),
        ...view.hint(`Look at one: guvnor board show ${wordOf(first, "id")}`),
      ];
    },
  };
}

function reportTopic(answer: JsonObject): Report {
  const topic = objectOf(answer, "topic");
  return {
    json: answer,
    text: (view) => [
      ...view.title(
        `${textOf(topic, "id") ?? wordOf(answer, "topic_id")}  ${wordOf(topic, "title")}`,
      ),
      ...topicFields(view, answer, topic),
      ...(textOf(topic, "problem") === undefined
        ? []
        : ["", ...view.paragraph(textOf(topic, "problem") ?? "", "  ")]),
      ...rowsOf(answer, "solutions").flatMap((solution) => solutionLines(view, solution)),
      ...rowsOf(answer, "rounds").flatMap((round) => roundLines(view, round)),
      ...conflictLines(view, answer),
      ...topicHint(view, topic),
    ],
  };
}

function topicFields(view: View, answer: JsonObject, topic: JsonObject): string[] {
  const cast = objectOf(topic, "ballots");
  const decision = objectOf(answer, "decision");
  const mediation = objectOf(topic, "mediation");
  return view.fields([
    ["state", topic["state"] ?? answer["state"]],
    ["awaits", topic["awaits"]],
    ["until", shortTime(topic["until"])],
    ["electorate", listOf(topic, "electorate")],
    ["method", topic["method"]],
    ["veto", vetoText(topic)],
    ["quorum", topic["quorum"]],
    [
      "cast",
      cast["of"] === undefined ? undefined : `${wordOf(cast, "cast")} of ${wordOf(cast, "of")}`,
    ],
    ["round", topic["round"]],
    ["re-vote", topic["revote"]],
    ["mediation", mediation["why"]],
    ["mediator", mediatorOf(topic)],
    ["irreversible", topic["irreversible"] === true ? "yes" : undefined],
    ["complexity", complexityOf(answer)],
    ["opened by", topic["opened_by"]],
    ["winner", decision["winner"]],
    ["decided by", decision["by"]],
    ["reason", decision["reason"]],
    ["worth", independentText(decision)],
    ["confirmed", decision["confirmed"] === false ? "not yet by a person" : undefined],
  ]);
}

/** Whoever has spoken, or is to; nobody where the topic went on without one. */
function mediatorOf(topic: JsonObject): string | undefined {
  const mediation = objectOf(topic, "mediation");
  const [mediator, holder, task] = ["mediator", "held_by", "task"].map((name) =>
    textOf(mediation, name),
  );
  if (mediator !== undefined || task === undefined) return mediator;
  if (holder !== undefined) return `${holder}, with ${task}`;
  return topic["state"] === "proposing" ? `who takes ${task}` : undefined;
}

function solutionLines(view: View, solution: JsonObject): string[] {
  const [id, author, title] = ["id", "author", "title"].map((name) => wordOf(solution, name));
  const body = textOf(solution, "body");
  return [
    "",
    ...view.title(`${id ?? ""}  ${title ?? ""}  (${author ?? ""})`),
    ...view.fields([
      ["commit", solution["commit"]],
      ["files", listOf(solution, "files")],
      ["evidence", listOf(solution, "evidence")],
      ["confidence", solution["confidence"]],
      ["off ballot", solution["off_ballot"]],
    ]),
    ...(body === undefined ? [] : view.paragraph(body, "  ")),
  ];
}

/** "security: ada, ben" for each role. */
function vetoText(topic: JsonObject): string | undefined {
  const roles = rowsOf(topic, "veto").map(
    (each) => `${wordOf(each, "role")}: ${listOf(each, "members") ?? ""}`,
  );
  return roles.length === 0 ? undefined : roles.join("; ");
}

function conflictLines(view: View, answer: JsonObject): string[] {
  const pairs = rowsOf(objectOf(answer, "conflicts"), "pairs");
  if (pairs.length === 0) return [];
  return [
    "",
    ...view.sentence(`Conflicts: ${pairs.length}`),
    ...view.table(
      [{ title: "BETWEEN" }, { title: "OF" }, { title: "WHY", stretch: true }],
      pairs.map((pair) => [`${wordOf(pair, "a")} ${wordOf(pair, "b")}`, pair["of"], pair["why"]]),
    ),
  ];
}

function complexityOf(answer: JsonObject): string | undefined {
  const complexity = objectOf(answer, "complexity");
  const plan = textOf(complexity, "of");
  if (plan === undefined) return undefined;
  const unknown = listOf(complexity, "unknown");
  const guessed = unknown === undefined ? "" : `; unknown, so taken as their mean: ${unknown}`;
  return `${wordOf(complexity, "score")} (${plan}${guessed})`;
}

function topicHint(view: View, topic: JsonObject): string[] {
  const id = wordOf(topic, "id");
  if (topic["state"] !== "no_consensus" && topic["awaits"] !== "person") return [];
  return ["", ...view.hint(`Decide: guvnor board decide ${id} S… --reason "…", or --none`)];
}

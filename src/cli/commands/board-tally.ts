import type { JsonObject } from "../../engine/call.ts";
import { listOf, rowsOf, textOf, wordOf } from "../answer.ts";
import type { View } from "../view.ts";

const NO_WINNER: Readonly<Record<string, string>> = {
  quorum: "too few voted",
  tie: "a tie",
  no_majority: "no solution has enough",
  vetoed: "all were vetoed",
};

/** One round as it was counted: the outcome, what it was read from, and every ballot. */
export function roundLines(view: View, round: JsonObject): string[] {
  return [
    "",
    ...view.title(`Round ${wordOf(round, "round")}, by ${wordOf(round, "method")}`),
    ...view.fields([
      ["winner", round["winner"]],
      ["no winner", NO_WINNER[wordOf(round, "no_winner")]],
      ["margin", shareText(round["margin"])],
      ["two thirds", round["two_thirds"] === undefined ? undefined : yesNo(round["two_thirds"])],
      ["cast", round["cast"]],
      ["worth", independentText(round)],
      ["abstained", listOf(round, "abstained")],
      ["vetoed", vetoedText(round)],
      ["first choices", countsText(round)],
      ["not for it", listOf(round, "dissent")],
    ]),
    ...approvalTable(view, round),
    ...pairTable(view, round),
    ...pathLines(view, round),
    ...ballotLines(view, round),
  ];
}

/** Agents of one model err alike: what so many voters are worth. */
export function independentText(counted: JsonObject): string | undefined {
  const worth = textOf(counted, "n_eff");
  if (worth === undefined) return undefined;
  return `${worth} independent ${worth === "1" ? "voter" : "voters"}`;
}

function shareText(share: unknown): string | undefined {
  return typeof share === "number" ? `${(share * 100).toFixed(1)} %` : undefined;
}

function yesNo(value: unknown): string {
  return value === true ? "yes" : "no";
}

function vetoedText(round: JsonObject): string | undefined {
  const vetoed = rowsOf(round, "vetoed").map(
    (each) => `${wordOf(each, "id")} by ${listOf(each, "by") ?? ""}`,
  );
  return vetoed.length === 0 ? undefined : vetoed.join("; ");
}

/** "S1 2, S2 0": how many put each first. */
function countsText(round: JsonObject): string | undefined {
  const counts = rowsOf(round, "first_preferences").map(
    (each) => `${wordOf(each, "id")} ${wordOf(each, "count")}`,
  );
  return counts.length === 0 || round["method"] === "approval" ? undefined : counts.join(", ");
}

function approvalTable(view: View, round: JsonObject): string[] {
  const rows = rowsOf(round, "approvals").map((each) => {
    const [approved, counted] = [Number(each["approved"]), Number(each["counted"])];
    const share = counted === 0 ? undefined : shareText(approved / counted);
    return [each["id"], approved, counted, share, listOf(each, "left_out")];
  });
  if (rows.length === 0) return [];
  return [
    "",
    ...view.table(
      [
        { title: "SOLUTION" },
        { title: "APPROVE", align: "right" },
        { title: "OF", align: "right" },
        { title: "SHARE", align: "right" },
        { title: "LEFT OUT", stretch: true },
      ],
      rows,
    ),
  ];
}

function pairTable(view: View, round: JsonObject): string[] {
  const rows = rowsOf(round, "pairs").map((pair) => [
    `${wordOf(pair, "a")} : ${wordOf(pair, "b")}`,
    `${wordOf(pair, "prefer_a")} : ${wordOf(pair, "prefer_b")}`,
    pair["equal"],
    listOf(pair, "left_out"),
  ]);
  if (rows.length === 0) return [];
  return [
    "",
    ...view.table(
      [
        { title: "PAIR" },
        { title: "VOTES", align: "right" },
        { title: "EQUAL", align: "right" },
        { title: "LEFT OUT", stretch: true },
      ],
      rows,
    ),
  ];
}

/** None of it is cut: whoever counts again needs all. */
function ballotLines(view: View, round: JsonObject): string[] {
  const fields = rowsOf(round, "ballots").flatMap((ballot): [string, unknown][] => {
    const ranked = listOf(ballot, "ranking") ?? "none of them";
    const veto = listOf(ballot, "veto");
    return [
      [wordOf(ballot, "voter"), ballot["abstain"] === true ? "abstains" : ranked],
      ["", veto === undefined ? undefined : `vetoes ${veto}`],
      ["", ballot["reason"]],
    ];
  });
  return fields.length === 0 ? [] : ["", ...view.sentence("Ballots:"), ...view.fields(fields)];
}

/** Of Schulze: how strongly each is preferred to each other, over whatever is between them. */
function pathLines(view: View, round: JsonObject): string[] {
  const paths = rowsOf(round, "paths")
    .filter(({ strength }) => strength !== 0)
    .map(
      (each) =>
        `${wordOf(each, "from")} > ${wordOf(each, "to")} ${shareText(each["strength"]) ?? ""}`,
    );
  return paths.length === 0 ? [] : ["", ...view.fields([["strongest paths", paths.join(", ")]])];
}

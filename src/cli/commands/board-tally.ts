import type { JsonObject } from "../../engine/call.ts";
import { listOf, namesOf, rowsOf, textOf, wordOf } from "../answer.ts";
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
    ...ballotTable(view, round),
  ];
}

/** Agents of one model err alike: what so many voters are worth. */
export function independentText(counted: JsonObject): string | undefined {
  const worth = textOf(counted, "n_eff");
  return worth === undefined ? undefined : `${worth} independent voters`;
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

function ballotTable(view: View, round: JsonObject): string[] {
  const ballots = rowsOf(round, "ballots");
  if (ballots.length === 0) return [];
  const hasVeto = ballots.some((ballot) => namesOf(ballot, "veto").length > 0);
  const rows = ballots.map((ballot) => {
    const ranked = listOf(ballot, "ranking") ?? "none of them";
    const row = [
      ballot["voter"],
      ballot["abstain"] === true ? "abstains" : ranked,
      ballot["reason"],
    ];
    return hasVeto ? row.toSpliced(2, 0, listOf(ballot, "veto")) : row;
  });
  return [
    "",
    ...view.table(
      [
        { title: "VOTER" },
        { title: "BALLOT" },
        ...(hasVeto ? [{ title: "VETO" }] : []),
        { title: "REASON", stretch: true },
      ],
      rows,
    ),
  ];
}

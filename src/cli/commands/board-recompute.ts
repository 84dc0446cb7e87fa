import type { JsonObject } from "../../engine/call.ts";
import { rowsOf, textOf, wordOf } from "../answer.ts";
import type { Report } from "../cli.ts";
import { EXIT_ERROR } from "../explain-error.ts";
import type { View } from "../view.ts";

/** What counting again came to: the same outcome, or what differs. */
export function reportRecount(answer: JsonObject): Report {
  const id = wordOf(answer, "topic_id");
  if (answer["same"] === true) {
    return {
      json: answer,
      text: (view) => [
        ...view.sentence(`${id}: the ledger gives the same outcome again.`),
        ...outcomeFields(view, answer),
        ...view.hint("That the ledger itself was not rewritten: guvnor audit verify"),
      ],
    };
  }
  const message = `${id}: the record does not follow from its ballots, or from the entries before it.`;
  const fix = "Somebody changed what was recorded: guvnor audit verify names the entry.";
  return {
    exitCode: EXIT_ERROR,
    json: { ...answer, error: { code: "audit_broken", message, fix } },
    text: (view) => [
      ...view.sentence(message).map((line) => view.paint("bad", line)),
      ...outcomeFields(view, answer),
      ...rowsOf(answer, "differences").flatMap((each) => differenceLines(view, each)),
      ...view.hint(fix),
    ],
  };
}

function differenceLines(view: View, difference: JsonObject): string[] {
  const fields = view.fields([
    ["entry", `#${wordOf(difference, "entry")}`],
    ["field", difference["field"]],
    ["recorded", textOf(difference, "recorded") ?? "nothing"],
    ["counted", textOf(difference, "counted") ?? "nothing"],
  ]);
  return ["", ...fields];
}

function outcomeFields(view: View, answer: JsonObject): string[] {
  const rounds = rowsOf(answer, "rounds").map((round) => {
    const outcome = textOf(round, "winner") ?? wordOf(round, "no_winner");
    return `${wordOf(round, "round")} by ${wordOf(round, "method")}: ${outcome}`;
  });
  return view.fields([
    ["entry", `#${wordOf(answer, "entry")}`],
    ["winner", textOf(answer, "winner") ?? "none"],
    ["decided by", answer["by"]],
    ["rounds", rounds.length === 0 ? undefined : rounds.join("; ")],
  ]);
}

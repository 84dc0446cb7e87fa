import type { JsonObject } from "../engine/call.ts";
import { shortTime, textOf, wordOf } from "./answer.ts";
import type { View } from "./view.ts";

/** Tasks as lists show them. */
export function taskTable(view: View, rows: readonly JsonObject[]): string[] {
  return view.table(
    [
      { title: "ID" },
      { title: "STATE" },
      { title: "HOLDER" },
      { title: "PLAN" },
      { title: "PRI", align: "right" },
      { title: "TITLE", stretch: true },
    ],
    rows.map((row) => [
      row["id"],
      stateOf(row),
      row["holder"],
      row["plan"],
      row["priority"],
      row["title"],
    ]),
  );
}

/** "running 40 %", "ready at 09:30". */
function stateOf(row: JsonObject): string {
  const state = wordOf(row, "state");
  const percent = textOf(row, "percent");
  const notBefore = row["not_before"];
  if (notBefore !== undefined) return `${state} at ${shortTime(notBefore).slice(11)}`;
  return percent === undefined ? state : `${state} ${percent} %`;
}

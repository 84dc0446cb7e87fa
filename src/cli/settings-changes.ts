import type { SettingsChange } from "./compare-settings.ts";
import type { View } from "./view.ts";

/** What was, in red, and what is then, in green. */
export function changeLines(view: View, changes: readonly SettingsChange[]): string[] {
  return changes.flatMap(({ what, before, after }) => [
    ...view.sentence(what),
    ...(before === undefined ? [] : marked(view, "bad", `  - ${before}`)),
    ...(after === undefined ? [] : marked(view, "good", `  + ${after}`)),
  ]);
}

function marked(view: View, tone: "good" | "bad", text: string): string[] {
  return view.paragraph(text).map((line) => view.paint(tone, line));
}

import type { View } from "../view.ts";
import { missingOf, type Story, type TaskMoment, text } from "./story.ts";

const MARKS: Readonly<Record<string, string>> = {
  sent_back: "!",
  returned: "!",
  lease_lost: "x",
  blocked: "?",
};
const RUNNING = "█";
const MEASURED = "░";
const BLOCKED = "·";

/** The plan as it went, drawn from the ledger's entries: a line for each task. */
export function drawTimeline(view: View, story: Story): string[] {
  const rows = inOrder(story);
  const labels = rows.map(([id, moments]) => `${id.padEnd(4)}${holdersOf(moments).join("→")}`);
  const labelWidth = Math.max(0, ...labels.map((label) => label.length)) + 1;
  const width = view.columns - labelWidth - 1;
  const spanMs = Math.max(1, story.endMs - story.startMs);
  const place = (atMs: number): number =>
    Math.max(0, Math.min(width - 1, Math.floor(((atMs - story.startMs) / spanMs) * width)));
  const total = `${(spanMs / 1000).toFixed(1)} s`;
  return [
    view.paint("quiet", `${"".padEnd(labelWidth)}0${total.padStart(width - 1)}`),
    ...rows.map(
      ([, moments], at) => (labels[at] ?? "").padEnd(labelWidth) + drawTask(moments, place, width),
    ),
    view.paint(
      "quiet",
      `${RUNNING} work  ${MEASURED} measured  ${BLOCKED} waits for a person  ! sent back  x holder killed  ? asks`,
    ),
  ];
}

/** By the numbers of the tasks, not by when the ledger first names them. */
function inOrder({ tasks }: Story): [string, readonly TaskMoment[]][] {
  return [...tasks].toSorted(([a], [b]) => Number(a.slice(1)) - Number(b.slice(1)));
}

function holdersOf(moments: readonly TaskMoment[]): string[] {
  const holders = moments.flatMap(({ event, holder }) =>
    event === "claimed" && holder !== undefined ? [holder] : [],
  );
  return holders.filter((holder, at) => holder !== holders[at - 1]);
}

function drawTask(
  moments: readonly TaskMoment[],
  place: (atMs: number) => number,
  width: number,
): string {
  const cells = Array.from({ length: width }, () => " ");
  for (const [index, moment] of moments.entries()) {
    const symbol = symbolOf(moment.to);
    if (symbol === undefined) continue;
    const end = moments[index + 1]?.atMs ?? moment.atMs;
    cells.fill(symbol, place(moment.atMs), place(end) + 1);
  }
  // Marks come last: what is drawn beside them must not hide them.
  for (const moment of moments) {
    const mark = MARKS[moment.event];
    if (mark !== undefined) cells[place(moment.atMs)] = mark;
  }
  return cells.join("").trimEnd();
}

function symbolOf(state: string): string | undefined {
  if (state === "running") return RUNNING;
  if (state === "review") return MEASURED;
  return state === "blocked" ? BLOCKED : undefined;
}

/** What is compared between runs: everything that must not depend on time. */
export function outcomeOf(
  story: Story,
  nameOf: (id: string) => string,
): {
  key: string;
  id: string;
  state: string;
  verified_by: string;
  attempts: number;
  sent_back: { by: string; missing: readonly string[] }[];
}[] {
  return inOrder(story).map(([id, moments]) => ({
    key: nameOf(id),
    id,
    state: moments.at(-1)?.to ?? "",
    verified_by: verifierOf(moments),
    attempts: moments.filter(({ event }) => event === "claimed").length,
    sent_back: moments
      .filter(({ event }) => event === "sent_back" || event === "returned")
      .map((moment) => ({ by: moment.holder ?? "", missing: missingOf(moment) })),
  }));
}

function verifierOf(moments: readonly TaskMoment[]): string {
  const last = moments.at(-1);
  return last === undefined ? "" : text(last.effect, "verified_by");
}

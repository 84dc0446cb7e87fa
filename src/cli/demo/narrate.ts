import { rowsOf, wordOf } from "../answer.ts";
import type { View } from "../view.ts";
import type { Effect, Entry } from "./ledger.ts";
import { text } from "./story.ts";

type Tone = Parameters<View["paint"]>[0] | "plain";
type Said = readonly [Tone, string];
type Teller = (effect: Effect, entry: Entry, nameOf: (task: string) => string) => Said | undefined;

/** One line for each thing in an entry that a person wants to see; most entries have none. */
export function narrate(
  view: View,
  entry: Entry,
  { sinceMs, nameOf }: { sinceMs: number; nameOf: (task: string) => string },
): string[] {
  const seconds = (Math.max(0, entry.atMs - sinceMs) / 1000).toFixed(1).padStart(5);
  const mark = `${seconds} s ${`#${entry.seq}`.padStart(5)}  `;
  return entry.effects.flatMap((effect) => {
    const said = TELLERS[effect.type]?.(effect, entry, nameOf);
    if (said === undefined) return [];
    const [tone, sentence] = said;
    const [first = "", ...more] = view.paragraph(sentence, " ".repeat(mark.length));
    const lines = [mark + first.slice(mark.length), ...more];
    return tone === "plain" ? lines : lines.map((line) => view.paint(tone, line));
  });
}

const TELLERS: Readonly<Record<string, Teller>> = {
  agent: (effect) => {
    const id = text(effect, "id");
    if (effect["event"] === "registered") return ["plain", `${id} is here`];
    if (effect["event"] === "resumed") return ["plain", `${id} is back under its old name`];
    if (effect["event"] !== "offline") return undefined;
    return effect["why"] === "closed"
      ? ["quiet", `${id} leaves`]
      : ["bad", `${id} is gone: its process is dead`];
  },
  plan: (effect) => {
    const id = text(effect, "id");
    if (effect["event"] === "submitted") {
      return ["strong", `${id} submitted: ${text(effect, "tasks")} tasks`];
    }
    return effect["to"] === "done" ? ["good", `${id} is done`] : undefined;
  },
  task: (effect, entry, nameOf) => {
    const say = TASK_TELLERS[text(effect, "event")];
    const said = say?.(effect, entry, nameOf);
    if (said === undefined) return undefined;
    const id = text(effect, "id");
    return [said[0], `${id.padEnd(3)} ${nameOf(id)}: ${said[1]}`];
  },
  topic: (effect) => {
    const id = text(effect, "id");
    switch (effect["event"]) {
      case "opened":
        return ["strong", `${id}  ${text(effect, "title")}`];
      case "passed":
        return ["plain", `${id}  ${text(effect, "agent")} proposes nothing`];
      case "voting_opened":
        return ["plain", `${id}  voting opens: ${titlesOf(effect)}`];
      case "decided":
        return ["good", `${id}  decided: ${text(effect, "why")}`];
      default:
        return undefined;
    }
  },
  solution: (effect) => [
    "plain",
    `${text(effect, "topic")}  ${text(effect, "author")} proposes ${text(effect, "id")}, which the others do not see yet`,
  ],
  ballot: (effect) => ["plain", `${text(effect, "topic")}  ${text(effect, "voter")} votes`],
  escalation: (effect, entry) => {
    const id = text(effect, "id");
    switch (effect["to"]) {
      case "open":
        if (effect["event"] !== "raised") return undefined;
        return ["attention", `${id}  ${entry.actor} asks a person: ${text(effect, "summary")}`];
      case "acknowledged":
        return ["plain", `${id}  ${entry.actor} looks after it`];
      case "resolved":
        return ["good", `${id}  ${entry.actor} answers: ${text(effect, "resolution")}`];
      default:
        return undefined;
    }
  },
};

const TASK_TELLERS: Readonly<Record<string, Teller>> = {
  claimed: (effect) => {
    const attempt = Number(effect["attempt"]);
    const again = attempt > 1 ? `, attempt ${attempt}` : "";
    return ["plain", `${text(effect, "holder")} begins${again}`];
  },
  progress: (effect, { actor }) =>
    effect["percent"] === undefined
      ? undefined
      : ["quiet", `${actor} is at ${text(effect, "percent")} %`],
  submitted: (_effect, { actor }) => ["quiet", `${actor} says that it is done; it is measured`],
  verified: (effect) => ["good", `done, verified by ${text(effect, "verified_by")}, merged`],
  sent_back: sentBack,
  returned: sentBack,
  lease_lost: (effect) => ["bad", `free again, ${text(effect, "lost_by")} lost it`],
  blocked: (effect) => ["attention", `${text(effect, "holder")} cannot go on without an answer`],
  unblocked: (effect) => ["plain", `${text(effect, "holder")} goes on`],
  failed: (_effect, { actor }) => ["bad", `${actor} gives up`],
};

/** "S1, nearest: …; S2, linear: …": what was proposed, which is told now. */
function titlesOf(effect: Effect): string {
  const solutions = rowsOf(effect, "solutions");
  return solutions.map((each) => `${wordOf(each, "id")}, ${wordOf(each, "title")}`).join("; ");
}

function sentBack(effect: Effect): Said {
  const missing = Array.isArray(effect["missing"]) ? effect["missing"].map(String) : [];
  const why = missing.includes("merge")
    ? "it conflicts with the plan's branch"
    : `${missing.join(", ")} did not pass`;
  return ["attention", `sent back to ${text(effect, "holder")}: ${why}`];
}

import type { JsonObject } from "../engine/call.ts";
import { listOf, objectOf, rowsOf, shortTime, textOf, wordOf } from "./answer.ts";
import type { View } from "./view.ts";

/** One task with all that is known of it, as people read it. */
export function taskText(view: View, task: JsonObject): string[] {
  const body = textOf(task, "body");
  const note = textOf(task, "note_from_last_holder");
  return [
    ...view.title(`${wordOf(task, "id")}  ${textOf(task, "title") ?? ""}`),
    ...view.fields([...stateFields(task), ...askedFields(task)]),
    ...(body === undefined ? [] : ["", ...view.paragraph(body, "  ")]),
    ...(note === undefined ? [] : ["", "Note:", ...view.paragraph(note, "  ")]),
    ...missingLines(view, task),
    ...attemptLines(view, task),
    ...gateLines(view, task),
    ...hintLines(view, task),
  ];
}

type Fields = (readonly [string, unknown])[];

function stateFields(task: JsonObject): Fields {
  const blocker = objectOf(task, "blocker");
  const holder = textOf(task, "holder");
  const percent = task["percent"] === undefined ? "" : `, ${wordOf(task, "percent")} %`;
  const by =
    holder === undefined ? "" : `, ${holder} (attempt ${wordOf(task, "attempt")}${percent})`;
  return [
    ["state", `${wordOf(task, "state")}${by}`],
    ["verified", task["verified"]],
    [
      "blocked",
      blocker["text"] === undefined
        ? undefined
        : `${wordOf(blocker, "kind")}: ${wordOf(blocker, "text")}`,
    ],
    ["exceptions", exceptionsOf(task)],
    ["not before", shortTime(task["not_before"])],
    ["waits for", task["open_dependencies"]],
    ["failures", task["failures"]],
    ["lost leases", task["lost_leases"]],
    ["commit", task["commit"]],
    ["worktree", task["worktree"]],
    ["outputs", jsonOf(task, "outputs")],
    ["artifacts", namesOf(task, "artifacts")],
  ];
}

function exceptionsOf(task: JsonObject): string | undefined {
  const granted = rowsOf(task, "exceptions").map(
    (each) =>
      `${wordOf(each, "text")} (${wordOf(each, "escalation")}, until ${shortTime(each["until"])})`,
  );
  return granted.length === 0 ? undefined : granted.join("; ");
}

function askedFields(task: JsonObject): Fields {
  return [
    ["plan", task["plan"]],
    ["priority", task["priority"]],
    ["kind", task["kind"] === "task" ? undefined : task["kind"]],
    ["labels", jsonOf(task, "labels")],
    ["needs", listOf(task, "needs")],
    ["after", afterOf(task)],
    ["paths", listOf(task, "paths")],
    ["resources", listOf(task, "resources")],
    ["gates", listOf(task, "gates")],
    ["deadline", shortTime(task["deadline"])],
    ["created", `${shortTime(task["created_at"])} by ${wordOf(task, "created_by")}`],
    ["ended", shortTime(task["ended_at"])],
  ];
}

function afterOf(task: JsonObject): string | undefined {
  const rows = rowsOf(task, "after");
  if (rows.length === 0) return undefined;
  return rows.map((row) => `${wordOf(row, "id")} (${wordOf(row, "state")})`).join(", ");
}

function jsonOf(task: JsonObject, name: string): string | undefined {
  return task[name] === undefined ? undefined : JSON.stringify(task[name]);
}

function namesOf(task: JsonObject, name: string): string | undefined {
  const rows = rowsOf(task, name);
  return rows.length === 0 ? undefined : rows.map((row) => wordOf(row, "path")).join(", ");
}

function missingLines(view: View, task: JsonObject): string[] {
  const missing = rowsOf(task, "missing");
  if (missing.length === 0) return [];
  return [
    "",
    "Missing:",
    ...missing.flatMap((item) =>
      view.paragraph(`${wordOf(item, "gate")}: ${wordOf(item, "evidence")}`, "  "),
    ),
  ];
}

function attemptLines(view: View, task: JsonObject): string[] {
  const attempts = rowsOf(task, "attempts");
  if (attempts.length === 0) return [];
  const columns = [
    { title: "ATTEMPT", align: "right" as const },
    { title: "AGENT" },
    { title: "OUTCOME" },
    { title: "BASE" },
    { title: "HEAD" },
    { title: "PERSON" },
  ];
  const rows = attempts.map((attempt) => [
    attempt["no"],
    attempt["agent"],
    attempt["outcome"],
    shortCommit(attempt["base_commit"]),
    shortCommit(attempt["head_commit"]),
    attempt["needed_person"] === true ? "needed" : "",
  ]);
  return ["", ...view.table(columns, rows)];
}

function gateLines(view: View, task: JsonObject): string[] {
  const runs = rowsOf(task, "gate_runs");
  if (runs.length === 0) return [];
  const columns = [
    { title: "RUN" },
    { title: "GATE" },
    { title: "RESULT" },
    { title: "COMMIT" },
    { title: "WHAT HAPPENED", stretch: true as const },
  ];
  const rows = runs.map((run) => [
    run["id"],
    run["kind"] === "merge" ? `${wordOf(run, "gate")} (merge)` : run["gate"],
    run["state"],
    shortCommit(run["commit"]),
    run["summary"],
  ]);
  return ["", ...view.table(columns, rows)];
}

function shortCommit(commit: unknown): string {
  return typeof commit === "string" ? commit.slice(0, 10) : "";
}

function hintLines(view: View, task: JsonObject): string[] {
  const id = wordOf(task, "id");
  const hint = nextCommand(id, task["state"]);
  return hint === undefined ? [] : ["", ...view.hint(hint)];
}

function nextCommand(id: string, state: unknown): string | undefined {
  switch (state) {
    case "review":
      return `Where gates cannot judge: guvnor tasks accept|send-back ${id} --reason "…"`;
    case "done":
    case "failed":
    case "cancelled":
      return `Open it again: guvnor tasks reopen ${id} --reason "…"`;
    case "blocked":
      return "See what it waits for: guvnor escalations list";
    default:
      return `Say something to its holder: guvnor say ${id} "…"`;
  }
}

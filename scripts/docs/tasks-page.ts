import { TASK_TRANSITIONS } from "../../src/core/task-machine.ts";
import { TASK_STATES, type TaskState } from "../../src/core/task.ts";
import { code, page, table } from "./markdown.ts";

const STATES: Readonly<Record<TaskState, string>> = {
  pending: "Waits for tasks that it comes after.",
  ready: "Can be claimed; after a failure not before `not_before`.",
  running: "One agent holds it under a lease and a fence.",
  blocked: "Waits for somebody. Its holder may take other work meanwhile.",
  review:
    "Said to be done; being measured, or waiting for a person. Its holder may take other work.",
  done: "Its gates passed, a person accepted it, or no gate was in force: then it is `unverified`.",
  failed: "Given up. A person was asked and may reopen it.",
  cancelled: "Not wanted any more. A person may reopen it.",
};

const LIMITS = `A task fails for good at its third reported failure (before, it waits 30 s, then 60 s, ± 20 %), at
\`retryable: false\`, and at its fifth lost lease. Sent back more than three times it is \`blocked\` and a
person is asked. A failed or cancelled task's dependents do what its \`on_failure\` says: \`block\` (they
stay pending), \`skip\` (they start without its result) or \`cancel\` (they are cancelled too, and what waits
for them).`;

export function tasksPage(): string {
  const events = Object.entries(TASK_TRANSITIONS);
  const edges = new Map<string, string[]>();
  for (const [event, { from, to }] of events) {
    for (const state of from) {
      const edge = `${state} --> ${to}`;
      edges.set(edge, [...(edges.get(edge) ?? []), event]);
    }
  }
  const diagram = [...edges].map(([edge, names]) => `  ${edge}: ${names.join(", ")}`);
  return page(
    "# States of a task",
    "Made from the table in `src/core/task-machine.ts`. What is not in it cannot happen: the engine refuses it with `state_conflict`.",
    code("mermaid", ["stateDiagram-v2", ...diagram].join("\n")),
    table(
      ["state", ""],
      TASK_STATES.map((state) => [`\`${state}\``, STATES[state]]),
    ),
    table(
      ["event", "from", "to", "by"],
      events.map(([event, { from, to, by }]) => [`\`${event}\``, from.join(", "), to, by]),
    ),
    LIMITS,
  );
}

import { TIERS } from "../core/agent.ts";
import { PROFILES } from "../core/settings.ts";
import { TASK_STATES } from "../core/task.ts";
import type { FieldType } from "./field-types.ts";

/** What the engine tells a decision. Anything may be absent; then its default stands for it. */
export interface PolicyFacts {
  readonly agent?: Partial<AgentFacts> | undefined;
  /** The agent's; absent: the tier of new agents. */
  readonly tier?: string | undefined;
  readonly task?: Partial<TaskFacts> | undefined;
  readonly topic?: Partial<TopicFacts> | undefined;
  readonly project?: Partial<ProjectFacts> | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs?: number | undefined;
  readonly counts?: Partial<CountFacts> | undefined;
  /** The call's arguments, as they were parsed. */
  readonly input?: Readonly<Record<string, unknown>> | undefined;
}

interface AgentFacts {
  readonly name: string;
  readonly role: string | null;
  readonly capabilities: readonly string[];
  readonly model: string | null;
  readonly principal: string;
  readonly state: string;
  readonly tier: string;
}

interface TaskFacts {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly state: string;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly needs: readonly string[];
  readonly paths: readonly string[];
  readonly gates: readonly string[];
  readonly plan: string | null;
  readonly created_by: string;
  readonly holder: string | null;
  readonly attempt: number;
  readonly failures: number;
  readonly age_seconds: number;
}

interface TopicFacts {
  readonly id: string;
  readonly title: string;
  readonly state: string;
  readonly method: string | null;
  readonly irreversible: boolean;
  readonly opened_by: string;
}

interface ProjectFacts {
  readonly name: string;
  readonly profile: string;
}

interface CountFacts {
  readonly calls_1m: number;
  readonly denials_1m: number;
  readonly errors_1m: number;
  readonly running_tasks: number;
  readonly project_running_tasks: number;
  readonly ready_tasks: number;
  readonly agents_present: number;
  readonly violations_1h: number;
}

interface ContextField {
  readonly type: FieldType;
  readonly meaning: string;
}

const STRING: FieldType = { kind: "string" };

function text(meaning: string, values?: readonly string[]): ContextField {
  return { type: values === undefined ? STRING : { kind: "string", values }, meaning };
}

function int(meaning: string): ContextField {
  return { type: { kind: "int" }, meaning };
}

function texts(meaning: string, max: number): ContextField {
  return { type: { kind: "list", of: STRING, max }, meaning };
}

const AGENT: Record<keyof AgentFacts, ContextField> = {
  name: text("Who calls."),
  role: text("As it registered."),
  capabilities: texts("As it registered, sorted.", 50),
  model: text("As it registered."),
  principal: text("Who answers for it."),
  state: text("idle, analyzing, executing, blocked, handoff, …", [
    "idle",
    "analyzing",
    "executing",
    "blocked",
    "handoff",
    "offline",
    "quarantined",
    "revoked",
  ]),
  tier: text("T0, T1 or T2.", TIERS),
};

const TASK: Record<keyof TaskFacts, ContextField> = {
  id: text("Such as T12. The task that the call is about, if it is about one."),
  title: text("Written by whoever submitted it, as are kind, labels, needs and paths."),
  kind: text("Such as deploy."),
  state: text("Before the call.", TASK_STATES),
  priority: int("0 to 100."),
  labels: { type: { kind: "map", of: STRING }, meaning: "An absent key is the empty text." },
  needs: texts("Capabilities.", 200),
  paths: texts("Globs of the files it will write.", 200),
  gates: texts("Names of the gates that measure it.", 200),
  plan: text("Such as P3."),
  created_by: text("An agent, or person:NAME."),
  holder: text("The agent that has it."),
  attempt: int("From 1; 0 before the first claim."),
  failures: int("Attempts that failed."),
  age_seconds: int("Since it was submitted."),
};

const TOPIC: Record<keyof TopicFacts, ContextField> = {
  id: text("Such as B1. The topic that the call is about, if it is about one."),
  title: text("Written by whoever opened it."),
  state: text("Before the call.", ["proposing", "voting", "decided", "no_consensus", "withdrawn"]),
  method: text("majority, schulze, or empty while it is open."),
  irreversible: { type: { kind: "bool" }, meaning: "A person decides in the end." },
  opened_by: text("An agent, or person:NAME."),
};

const PROJECT: Record<keyof ProjectFacts, ContextField> = {
  name: text("Its name."),
  profile: text("Of the settings in force.", PROFILES),
};

const COUNTS: Record<keyof CountFacts, ContextField> = {
  calls_1m: int("Calls of this agent in the last minute, this one not counted."),
  denials_1m: int("Of them, denied."),
  errors_1m: int("Of them, failed by an error; a refusal is none."),
  running_tasks: int("Of this agent."),
  project_running_tasks: int("Of all agents."),
  ready_tasks: int("Waiting for an agent."),
  agents_present: int("Heard of lately."),
  violations_1h: int("Of this agent in the last hour."),
};

const TOOL: Record<"name" | "class", ContextField> = {
  name: text("Such as report_progress."),
  class: text("read, write or coordinate; person for what only people can ask.", [
    "read",
    "write",
    "coordinate",
    "person",
  ]),
};

const RECORDS: Readonly<Record<string, Readonly<Record<string, ContextField>>>> = {
  agent: AGENT,
  tool: TOOL,
  task: TASK,
  topic: TOPIC,
  project: PROJECT,
  counts: COUNTS,
};

/** What an expression may begin with. */
export const ROOTS = [
  "agent",
  "tier",
  "tool",
  "task",
  "topic",
  "project",
  "now",
  "counts",
  "input",
] as const;

export type Root = (typeof ROOTS)[number];

export function isRoot(name: string): name is Root {
  return ROOTS.some((root) => root === name);
}

/** One line of the documentation. */
export interface ContextEntry extends ContextField {
  /** Such as `task.kind`. */
  readonly path: string;
}

const ROOT_FIELDS: readonly ContextEntry[] = [
  { path: "tier", ...text("The agent's: T0, T1 or T2.", TIERS) },
  { path: "now", type: { kind: "timestamp" }, meaning: "When the call is decided." },
  {
    path: "input",
    type: { kind: "object", fields: {} },
    meaning: "The call's arguments, under the names of docs/tools.md.",
  },
];

/**
 * All that a condition can name, in the order of the documentation; `input` is each tool's own.
 * @internal Exported for the docs.
 */
export const CONTEXT_FIELDS: readonly ContextEntry[] = ROOTS.flatMap((root) => {
  const fields = Object.entries(RECORDS[root] ?? {});
  if (fields.length === 0) return ROOT_FIELDS.filter(({ path }) => path === root);
  return fields.map(([name, { type, meaning }]) => ({ path: `${root}.${name}`, type, meaning }));
});

/** Types of the roots; `input` is left to the rule's tools. */
export const CONTEXT_TYPES: Readonly<Record<string, FieldType>> = Object.fromEntries([
  ...Object.entries(RECORDS).map(([root, fields]): [string, FieldType] => {
    const types = Object.entries(fields).map(([name, { type }]) => [name, type] as const);
    return [root, { kind: "object", fields: Object.fromEntries(types) }];
  }),
  ["tier", AGENT.tier.type],
  ["now", { kind: "timestamp" }],
]);

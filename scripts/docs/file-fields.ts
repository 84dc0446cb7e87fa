import { profileSchema, settingsSchema } from "../../src/policy/settings-schema.ts";
import { type SchemaNode, schemaOf, typeOf } from "./describe-schema.ts";

/** What each field of guvnor.yaml is for; a test holds it to the schema. */
export const FILE_FIELDS: Readonly<Record<string, string>> = {
  version: "Of the file's format.",
  profile: "What this file adds to. `strict` also removes ignored files between gate runs.",
  gates: "Named checks; each done task is measured by all of them unless it names some.",
  "gates.*.run": "Program and arguments, as a list. No shell: no pipes, no variables, no globs.",
  "gates.*.timeout": "The whole process tree is killed after it. At most 24h.",
  "gates.*.protected":
    "Globs. If the attempt changed such a file, the result is `indeterminate` and a person decides.",
  "gates.*.memory": "Resident memory of the whole process tree.",
  "gates.*.output": "Bytes of output; more kills the tree.",
  prepare: "Makes a checkout ready, e.g. installs dependencies. Not used outside git.",
  "prepare.run": "As for a gate.",
  "prepare.timeout": "As for a gate.",
  "prepare.key":
    "Globs. It runs again in a kept workspace only when such a file or the command changed.",
  policy: "Who may do what, and under which conditions.",
  "policy.default": "For agents' calls that no rule matches. People are not bound by it.",
  "policy.rules": "Added to the profile's; one with the same id takes its place.",
  "policy.rules[].id": "a–z, 0–9, _ and -, at most 64, a letter first. Decisions name it.",
  "policy.rules[].on":
    "Names of tools, `*` for any characters. `*` alone is all that agents can call; an operation of people has to be named.",
  "policy.rules[].when": "A condition (below). Without one the rule always matches.",
  "policy.rules[].effect": "What is done with the call.",
  "policy.rules[].approvers": "Who has to say yes; only with `require_approval`.",
  "policy.rules[].approvers.role": "`admin`, `operator`, or one of `roles`.",
  "policy.rules[].approvers.count": "So many different ones of them.",
  "policy.rules[].severity": "Of a violation, which a denial is.",
  "policy.rules[].mode": "`shadow`: the rule is evaluated and reported, and decides nothing.",
  "policy.rules[].reason": "Told to the agent and to people.",
  limits: "Added to the profile's; one with the same id takes its place.",
  "limits[].id": "As for a rule.",
  "limits[].of": "Whose use is added up.",
  "limits[].metric":
    "`calls`, `errors`, `denials`, `tokens` and `cost_usd` are counted over a time; `running_tasks` and `task_minutes` are as they are at the moment.",
  "limits[].max": "More than this is too much.",
  "limits[].per": "The time; not for `running_tasks` and `task_minutes`.",
  "limits[].on": "Tools whose calls, errors or denials count. Default: all.",
  "limits[].tier": "Only for agents of this tier.",
  "limits[].then":
    "`throttle`: wait and ask again. `deny`. `revoke`: the agent's token. `stop`: all work of the project.",
  "limits[].repeat": "What follows when it happens again and again.",
  "limits[].repeat.times": "So often",
  "limits[].repeat.within": "within this time.",
  "limits[].repeat.then": "As above.",
  "limits[].diagnose": "Also make a task to find the cause.",
  tiers: "How far agents are trusted.",
  "tiers.start": "Of a new agent.",
  "tiers.T0": "",
  "tiers.T0.may": "Classes of tools: `read`, `write`, `coordinate`.",
  "tiers.T1": "",
  "tiers.T1.may": "The same.",
  "tiers.T2": "",
  "tiers.T2.may": "The same.",
  "tiers.promote": "One tier up; `null`: only people do.",
  "tiers.promote.verified": "After so many outcomes that gates verified,",
  "tiers.promote.tasks": "of so many tasks that others made.",
  "tiers.demote": "One tier down; `null`: only people do.",
  "tiers.demote.violations": "After so many violations,",
  "tiers.demote.failures": "or so many failed tasks,",
  "tiers.demote.within": "within this time.",
  violations:
    "What happens to the agent at a violation of that severity: it is only recorded, its token is revoked, the tokens of all agents are, or all work stops.",
  "violations.low": "",
  "violations.medium": "",
  "violations.high": "",
  "violations.critical": "",
  breakers: "Calls are refused for a while after failures in a row; `null`: never.",
  "breakers.agent": "Per agent: failed tasks and failed gates.",
  "breakers.agent.min_calls": "Not before so many within the window.",
  "breakers.agent.error_ratio": "It opens at this share of errors.",
  "breakers.agent.window": "",
  "breakers.agent.open_for": "The first time; doubled each time",
  "breakers.agent.max_open": "up to this.",
  "breakers.agent.probes": "Calls let through after that; all have to succeed.",
  "breakers.tool": "Per tool: failures of its own or of the outside.",
  "breakers.tool.min_calls": "As for agents.",
  "breakers.tool.error_ratio": "",
  "breakers.tool.window": "",
  "breakers.tool.open_for": "",
  "breakers.tool.max_open": "",
  "breakers.tool.probes": "",
  health: "When people are alerted.",
  "health.report_interval": "",
  "health.thresholds": "Each: `null` is not watched.",
  "health.thresholds.response_time": "Alert at this or more.",
  "health.thresholds.completion_rate": "0 to 1; alert at this or less.",
  "health.thresholds.error_rate": "0 to 1; alert at this or more.",
  "health.thresholds.queue_depth":
    "Ready tasks of a capability beyond what the agents present can take; alert at this or more.",
  stall: "A task whose holder is silent.",
  "stall.after": "Neither a call nor a changed file.",
  "stall.then":
    "`reassign`: another agent may take the task. `revoke`: that agent's token is revoked, of no other.",
  escalation: "When a question climbs from peers to leads and to people.",
  "escalation.peer_after": "A task blocked for so long is put before peers.",
  "escalation.lead_after": "Unresolved for so long since it was raised: leads.",
  "escalation.person_after": "Unresolved for so long since it was raised: a person.",
  "escalation.acknowledged_for": "So long it does not climb for who acknowledged it.",
  "escalation.lead": "The role whose agents are leads.",
  tokens: "What vouches for agents.",
  "tokens.enrolment":
    "`required`: an enrolment or a login, no process by itself. `optional`: the process may.",
  roles:
    "Names of agents and people by role, each once; rules name roles. People are named as their users of the operating system.",
  pipelines:
    "Templates of pipelines by name. `default` takes the place of the built-in one; what a template leaves out is as there (docs/pipelines.md).",
  "pipelines.*.alpha": "What ALPHA is asked for.",
  "pipelines.*.alpha.title": "Of its task.",
  "pipelines.*.alpha.body": "Of its task; the objective stands in its inputs.",
  "pipelines.*.alpha.needs": "Capabilities that its agent must have.",
  "pipelines.*.alpha.gates": "Names of gates; `null`: all in force.",
  "pipelines.*.beta": "What BETA is asked for.",
  "pipelines.*.beta.title": "The same.",
  "pipelines.*.beta.body": "The same.",
  "pipelines.*.beta.needs": "The same.",
  "pipelines.*.beta.gates": "The same.",
  "pipelines.*.vote": "How long a ballot is open.",
  "pipelines.*.stuck_after": "GAMMA is asked when the two were stuck for longer.",
  "pipelines.*.max_conflicts": "Above so many conflicts GAMMA mediates from the start.",
  "pipelines.*.max_complexity": "Above this complexity, 0 to 1, GAMMA mediates from the start.",
  "pipelines.*.stall_after": "Silence that costs an agent its part, and nothing else.",
  "pipelines.*.deadline": "From the start of a run until both must have reported.",
  "pipelines.*.on_no_consensus":
    "`rerun_same` or `rerun_gamma` without asking a person; `null`: a person decides.",
  "pipelines.*.reruns": "So often at most.",
};

export interface FileField {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly default: unknown;
}

/** All fields as the schema has them; names that a person chooses stand as `*`. */
export function fileFields(): readonly FileField[] {
  return fieldsOf(schemaOf(settingsSchema(), "input"), "");
}

function fieldsOf(node: SchemaNode, prefix: string): FileField[] {
  const required = new Set(node.required);
  const fields: FileField[] = [];
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const path = `${prefix}${name}`;
    const type = typeName(child);
    fields.push({ path, type, required: required.has(name), default: child.default });
    for (const option of [child, ...(child.anyOf ?? [])])
      fields.push(...fieldsWithin(option, path));
  }
  return fields;
}

function fieldsWithin(node: SchemaNode, path: string): FileField[] {
  const { items, additionalProperties: values } = node;
  return [
    ...fieldsOf(node, `${path}.`),
    ...(items === undefined ? [] : fieldsOf(items, `${path}[].`)),
    ...(typeof values === "object" ? fieldsOf(values, `${path}.*.`) : []),
  ];
}

function typeName(node: SchemaNode): string {
  if (node.anyOf !== undefined) return node.anyOf.map(typeName).join(" or ");
  if (node.pattern?.includes("(ms|s|m|h|d)") === true) return "duration";
  if (node.pattern?.includes("(KiB|MiB|GiB)") === true) return "size";
  const { additionalProperties: values } = node;
  if (node.properties !== undefined) return "object";
  if (typeof values === "object" && values.properties !== undefined) return "object";
  return node.items?.properties === undefined ? typeOf(node) : "list of objects";
}

/** What each profile says; the file need not. */
const OF_PROFILE: ReadonlySet<string> = new Set(
  fieldsOf(schemaOf(profileSchema(), "input"), "")
    .filter(({ required }) => required)
    .map(({ path }) => path),
);

export function shownDefault({ path, type, default: value, required }: FileField): string {
  if (required) return "required";
  if (type === "object" || type === "list of objects") return "";
  if (value === undefined) return OF_PROFILE.has(path) ? "the profile's" : "";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

import type { JsonObject } from "../../src/engine/call.ts";
import type { Random } from "./random.ts";

/** A call as far as the rules below look at it. */
export interface RuledCall {
  readonly agent: string;
  readonly tool: string;
  readonly status: unknown;
  readonly task: { readonly kind: string; readonly priority: number } | undefined;
}

/** A rule of guvnor.yaml, and its twin in plain code: what the one says of a call, the other must too. */
interface SimRule {
  readonly id: string;
  readonly line: string;
  readonly effect: "deny" | "require_approval" | "warn" | "shadow";
  readonly holds: (call: RuledCall) => boolean;
}

interface SimLimit {
  readonly id: string;
  readonly of: "agent" | "project";
  readonly metric: "calls" | "running_tasks";
  readonly max: number;
  /** Null for what is counted at the moment. */
  readonly perMs: number | null;
}

/** What guvnor.yaml of one schedule says besides gates. */
export interface RuleBook {
  readonly yaml: string;
  readonly rules: readonly SimRule[];
  readonly limits: readonly SimLimit[];
  /** Silence after which a task may be taken from its holder. */
  readonly stallMs: number;
  /** Running tasks that an agent may have when it names them. */
  readonly parallel: number;
  readonly leads: readonly string[];
  /** By then, since it was raised, every question stands before a person. */
  readonly personByMs: number;
}

const WITH_RULES = 0.65;

/** Where a file says nothing of running tasks: as the profile has it. */
const PROFILE_PARALLEL = 3;

/** Most projects have rules, and low limits: loops and failures run into them at once. */
export function makeRuleBook(random: Random): RuleBook {
  const stallSeconds = random.int(30, 90);
  const stallMs = stallSeconds * 1000;
  const stall = `stall: { after: ${stallSeconds}s`;
  const matrix = makeMatrix(random);
  if (!random.chance(WITH_RULES)) {
    const yaml = `${stall}, then: reassign }\n${matrix.yaml}`;
    const { leads, personByMs } = matrix;
    const parallel = PROFILE_PARALLEL;
    return { yaml, rules: [], limits: [], stallMs, parallel, leads, personByMs };
  }
  const rules = RULES.filter(() => random.chance(0.4));
  const makers = [makeCalls, makeErrors, makeDenials, makeParallel, makeRunning, makeMinutes];
  const parts = makers.flatMap((make) => (random.chance(0.35) ? [make(random)] : []));
  const lines = rules.map(({ id, line }) => `    - { id: ${id}, ${line}, reason: For ${id}. }`);
  const breaker =
    "{ min_calls: 3, error_ratio: 0.5, window: 1m, open_for: 5s, max_open: 20s, probes: 1 }";
  const yaml = [
    ...(lines.length === 0 ? [] : ["policy:", "  rules:", ...lines]),
    ...(parts.length === 0 ? [] : ["limits:", ...parts.map(({ line }) => `  - { ${line} }`)]),
    `violations: { high: ${random.pick(["record", "revoke"])}, critical: ${random.pick(["revoke", "revoke_all", "stop"])} }`,
    ...(random.chance(0.4) ? [`breakers: { agent: ${breaker}, tool: ${breaker} }`] : []),
    `${stall}, then: ${random.chance(0.4) ? "revoke" : "reassign"} }`,
    ...(random.chance(0.5)
      ? ["tiers: { demote: { violations: 3, failures: 4, within: 1d } }"]
      : []),
    matrix.yaml,
  ].join("\n");
  const limits = parts.flatMap(({ limit }) => limit ?? []);
  const parallel = limits.find(({ id }) => id === "parallel")?.max ?? PROFILE_PARALLEL;
  const { leads, personByMs } = matrix;
  return { yaml, rules, limits, stallMs, parallel, leads, personByMs };
}

/** Minutes of a fleet's day are seconds here. */
function makeMatrix(random: Random): { yaml: string } & Pick<RuleBook, "leads" | "personByMs"> {
  const leads = random.chance(0.7) ? ["a1", "a2"] : [];
  const lead = random.int(8, 25);
  const person = lead + random.int(0, 25);
  const acknowledged = random.int(3, 15);
  const yaml = [
    `escalation: { peer_after: ${random.int(5, 20)}s, lead_after: ${lead}s, person_after: ${person}s, acknowledged_for: ${acknowledged}s }`,
    `roles: { security: [a1, a2, a3, a4, a5]${leads.length === 0 ? "" : `, lead: [${leads.join(", ")}]`} }`,
    "",
  ].join("\n");
  return { yaml, leads, personByMs: (person + acknowledged) * 1000 };
}

const isDone = ({ tool, status }: RuledCall): boolean =>
  tool === "report_progress" && status === "done";

const RULES: readonly SimRule[] = [
  {
    id: "nobody-releases",
    line: `on: [report_progress], when: 'input.status == "released"', effect: deny`,
    effect: "deny",
    holds: ({ tool, status }) => tool === "report_progress" && status === "released",
  },
  {
    id: "a3-takes-nothing",
    line: `on: [request_task], when: 'agent.name == "a3"', effect: deny, severity: low`,
    effect: "deny",
    holds: ({ tool, agent }) => tool === "request_task" && agent === "a3",
  },
  {
    id: "no-topics",
    line: "on: [open_topic], effect: deny, severity: high",
    effect: "deny",
    holds: ({ tool }) => tool === "open_topic",
  },
  {
    id: "deploys-wait",
    line: `on: [report_progress], when: 'task.kind == "deploy" && input.status == "done"', effect: require_approval`,
    effect: "require_approval",
    holds: (call) => isDone(call) && call.task?.kind === "deploy",
  },
  {
    id: "two-look-at-what-matters",
    line: `on: [report_progress], when: 'task.priority >= 60 && input.status == "done"', effect: require_approval, approvers: { count: 2 }`,
    effect: "require_approval",
    holds: (call) => isDone(call) && (call.task?.priority ?? 0) >= 60,
  },
  {
    id: "plans-wait",
    line: "on: [submit_plan], effect: require_approval",
    effect: "require_approval",
    holds: ({ tool }) => tool === "submit_plan",
  },
  {
    id: "who-is-blocked",
    line: `on: [report_progress], when: 'input.status == "blocked"', effect: warn, severity: low`,
    effect: "warn",
    holds: ({ status }) => status === "blocked",
  },
  {
    id: "nearly-done",
    line: `on: [report_progress], when: 'input.status == "working" && counts.violations_1h < 2', effect: warn, severity: critical`,
    effect: "warn",
    holds: ({ status }) => status === "working",
  },
  {
    id: "claims-are-seen",
    line: "on: [request_task], when: counts.ready_tasks > 1 && counts.violations_1h < 2, effect: warn, severity: high",
    effect: "warn",
    holds: ({ tool }) => tool === "request_task",
  },
  {
    id: "claims-may-end",
    line: "on: [request_task], effect: deny, mode: shadow",
    effect: "shadow",
    holds: ({ tool }) => tool === "request_task",
  },
];

interface Part {
  readonly line: string;
  readonly limit?: SimLimit;
}

function makeCalls(random: Random): Part {
  const of = random.pick(["agent", "project"] as const);
  const [max, perSeconds] =
    of === "agent" ? [random.int(4, 12), random.int(10, 30)] : [random.int(20, 50), 10];
  const then = random.pick(["throttle", "deny"]);
  const repeat = random.chance(0.4) ? ", repeat: { times: 2, within: 3m, then: revoke }" : "";
  return {
    line: `id: calls, of: ${of}, metric: calls, max: ${max}, per: ${perSeconds}s, then: ${then}${repeat}`,
    limit: { id: "calls", of, metric: "calls", max, perMs: perSeconds * 1000 },
  };
}

function makeErrors(random: Random): Part {
  const max = random.int(0, 2);
  return {
    line: `id: errors, of: agent, metric: errors, max: ${max}, per: 1m, then: revoke, diagnose: ${random.chance(0.4)}`,
  };
}

function makeDenials(random: Random): Part {
  const then = random.pick(["throttle", "revoke", "stop"]);
  return { line: `id: denials, of: agent, metric: denials, max: 2, per: 30s, then: ${then}` };
}

function makeParallel(random: Random): Part {
  const max = random.int(1, 2);
  return {
    line: `id: parallel, of: agent, metric: running_tasks, max: ${max}`,
    limit: { id: "parallel", of: "agent", metric: "running_tasks", max, perMs: null },
  };
}

function makeRunning(random: Random): Part {
  const max = random.int(2, 5);
  return {
    line: `id: running, of: project, metric: running_tasks, max: ${max}`,
    limit: { id: "running", of: "project", metric: "running_tasks", max, perMs: null },
  };
}

function makeMinutes(random: Random): Part {
  const then = random.pick(["deny", "revoke"]);
  return { line: `id: minutes, of: agent, metric: task_minutes, max: 0.5, then: ${then}` };
}

/** How a call stands to the rules. */
export function ruledCall(
  { actor, action }: { readonly actor: string; readonly action: string },
  args: JsonObject,
  task: RuledCall["task"],
): RuledCall {
  return { agent: actor, tool: action, status: args["status"], task };
}

import type { Agent } from "../../core/agent.ts";
import type { Topic } from "../../core/board.ts";
import { withoutSealed } from "../../core/sealed-fields.ts";
import type { ProjectSettings } from "../../core/settings.ts";
import type { Task } from "../../core/task.ts";
import type { CompiledTool } from "../../policy/compile-policy.ts";
import type { PolicyFacts } from "../../policy/context-fields.ts";
import type { Project, ReadTx } from "../../store/store.ts";
import { readField } from "../read-call.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Entries of the last minute looked at; limits are what counts floods. */
const MAX_ENTRIES = 2000;

/** The call that a rule decides about. */
export interface Decided {
  readonly agent: Agent | undefined;
  readonly tool: CompiledTool;
  readonly input: unknown;
  readonly nowMs: number;
  readonly project: Project | undefined;
  readonly settings: ProjectSettings;
  /** The task that it is about, where the arguments name none. */
  readonly task?: Task;
}

/** What the rules of a tool name, and nothing else: a rule costs only what it looks at. */
export async function readFacts(tx: ReadTx, call: Decided): Promise<PolicyFacts> {
  const { agent, tool, input, nowMs } = call;
  const { needs } = tool;
  const task = needs.has("task") ? (call.task ?? (await taskOf(tx, input))) : undefined;
  const topic = needs.has("topic") ? await topicOf(tx, input) : undefined;
  return {
    nowMs,
    ...(agent === undefined ? {} : { agent, tier: agent.tier }),
    ...(needs.has("input") ? { input: inputOf(tool, input) } : {}),
    ...(needs.has("project")
      ? { project: { name: call.project?.name ?? "", profile: call.settings.profile } }
      : {}),
    ...(task === undefined ? {} : { task: taskFacts(task, call) }),
    ...(topic === undefined ? {} : { topic: topicFacts(topic) }),
    ...(needs.has("counts") ? { counts: await countFacts(tx, agent, nowMs) } : {}),
  };
}

/** The task that a call is about, where it names one. */
export async function taskOf(tx: ReadTx, input: unknown): Promise<Task | undefined> {
  const id = readField(input, "task_id");
  return typeof id === "string" ? await tx.tasks.get(id) : undefined;
}

async function topicOf(tx: ReadTx, input: unknown): Promise<Topic | undefined> {
  const id = readField(input, "topic_id");
  return typeof id === "string" ? await tx.topics.get(id) : undefined;
}

function inputOf({ tool }: CompiledTool, input: unknown): Readonly<Record<string, unknown>> {
  return typeof input === "object" && input !== null ? withoutSealed(tool.name, { ...input }) : {};
}

function taskFacts(task: Task, { settings, nowMs }: Decided): NonNullable<PolicyFacts["task"]> {
  const { spec } = task;
  return {
    id: task.id,
    title: spec.title,
    kind: spec.kind,
    state: task.state,
    priority: spec.priority,
    labels: spec.labels,
    needs: spec.needs,
    paths: spec.paths,
    gates: spec.gates ?? Object.keys(settings.gates),
    plan: task.planId,
    created_by: task.createdBy,
    holder: task.holder,
    attempt: task.attemptNo,
    failures: task.failures,
    age_seconds: Math.max(0, Math.floor((nowMs - task.createdAtMs) / 1000)),
  };
}

function topicFacts(topic: Topic): NonNullable<PolicyFacts["topic"]> {
  return {
    id: topic.id,
    title: topic.title,
    state: topic.state,
    method: topic.method,
    irreversible: topic.irreversible,
    opened_by: topic.openedBy,
  };
}

function isThere({ state }: Agent): boolean {
  return state !== "offline" && state !== "revoked";
}

async function countFacts(
  tx: ReadTx,
  agent: Agent | undefined,
  nowMs: number,
): Promise<NonNullable<PolicyFacts["counts"]>> {
  const counts = await tx.tasks.counts();
  const held = agent === undefined ? [] : await tx.tasks.heldBy(agent.name);
  const minute =
    agent === undefined
      ? []
      : await tx.audit.search({
          actor: agent.name,
          sinceMs: nowMs - MINUTE_MS,
          newestFirst: true,
          limit: MAX_ENTRIES,
        });
  const decided = (decision: string): number =>
    minute.filter(({ body }) => body.includes(`"decision":"${decision}"`)).length;
  return {
    calls_1m: minute.length,
    denials_1m: decided("deny"),
    errors_1m: decided("error"),
    running_tasks: held.filter(({ state }) => state === "running").length,
    project_running_tasks: counts.running ?? 0,
    ready_tasks: counts.ready ?? 0,
    agents_present: (await tx.agents.list()).filter(isThere).length,
    violations_1h:
      agent === undefined ? 0 : await tx.violations.countSince(agent.name, nowMs - HOUR_MS),
  };
}

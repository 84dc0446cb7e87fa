import { formatId } from "../core/ids.ts";
import { fromIso } from "../core/iso-time.ts";
import type { OnFailure, Takers, Task, TaskSpec } from "../core/task.ts";
import type { WriteContext } from "./call-context.ts";

/** Taken for a task that gives no estimate. */
export const DEFAULT_MINUTES = 30;

/** What is said of a task when it is submitted. */
export interface PlanTask {
  readonly key: string;
  readonly title: string;
  readonly body?: string | undefined;
  readonly kind?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly needs?: readonly string[] | undefined;
  readonly after?: readonly string[] | undefined;
  readonly paths?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
  readonly priority?: number | undefined;
  readonly estimate_minutes?: number | undefined;
  readonly deadline?: string | undefined;
  readonly budget_usd?: number | undefined;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly outputs_wanted?: readonly string[] | undefined;
  readonly gates?: readonly string[] | undefined;
  readonly parent?: string | undefined;
  readonly on_failure?: OnFailure | undefined;
}

/** Where a new task stands. */
interface Placed {
  readonly id: string;
  readonly planId: string | null;
  /** Dependencies that are not done yet. */
  readonly open: number;
  /** An agent, "person:pat" or "guvnor". */
  readonly createdBy: string;
  readonly nowMs: number;
}

/** A task that guvnor itself makes. */
export interface OwnTask extends PlanTask {
  readonly takers?: Takers;
  readonly serves?: string;
}

/** A task as it begins, with what nobody said filled in. */
export function newTask(task: OwnTask, { id, planId, open, createdBy, nowMs }: Placed): Task {
  const spec: TaskSpec = {
    key: task.key,
    title: task.title,
    body: task.body ?? "",
    kind: task.kind ?? "task",
    labels: task.labels ?? {},
    needs: [...new Set(task.needs)].toSorted(),
    paths: task.paths ?? [],
    resources: task.resources ?? [],
    priority: task.priority ?? 50,
    estimateMinutes: task.estimate_minutes ?? null,
    deadlineMs: task.deadline === undefined ? null : fromIso(task.deadline),
    budgetUsd: task.budget_usd ?? null,
    inputs: task.inputs ?? {},
    outputsWanted: task.outputs_wanted ?? [],
    gates: task.gates ?? null,
    parentId: task.parent ?? null,
    onFailure: task.on_failure ?? "block",
    ...(task.takers === undefined ? {} : { takers: task.takers }),
    ...(task.serves === undefined ? {} : { serves: task.serves }),
  };
  return {
    id,
    planId,
    spec,
    state: open === 0 ? "ready" : "pending",
    createdBy,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    endedAtMs: null,
    openDependencies: open,
    readyAtMs: open === 0 ? nowMs : null,
    notBeforeMs: null,
    fence: 0,
    holder: null,
    attemptNo: 0,
    progressAtMs: null,
    percent: null,
    note: null,
    blocker: null,
    missing: [],
    outputs: {},
    artifacts: [],
    commit: null,
    failures: 0,
    lostLeases: 0,
    reviewRounds: 0,
    preferredAgent: null,
    failedBy: null,
    verifiedBy: null,
  };
}

/** One task without dependencies, ready at once. @returns its id. */
export async function insertTask(
  ctx: WriteContext,
  asked: { task: OwnTask; planId: string | null; createdBy: string },
): Promise<string> {
  const id = formatId("task", await ctx.tx.nextNumber("task"));
  const { task, planId, createdBy } = asked;
  await ctx.tx.tasks.insert(newTask(task, { id, planId, open: 0, createdBy, nowMs: ctx.nowMs }));
  ctx.effects.push({
    type: "task",
    id,
    event: "submitted",
    to: "ready",
    title: task.title,
    ...(task.serves === undefined ? {} : { serves: task.serves }),
  });
  ctx.tx.wake();
  return id;
}

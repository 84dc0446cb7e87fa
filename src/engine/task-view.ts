import { toIso } from "../core/iso-time.ts";
import { satisfies } from "../core/task-decisions.ts";
import { attemptId, type Task } from "../core/task.ts";
import type { ReadTx } from "../store/store.ts";
import type { ReadContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import { gatesOf } from "./rules/rules-in-force.ts";

export const iso = toIso;

/** Drops what is absent: answers leave absent parts out. */
export function present(fields: Readonly<Record<string, unknown>>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) =>
        value !== null &&
        value !== undefined &&
        !(Array.isArray(value) && value.length === 0) &&
        !(typeof value === "object" && !Array.isArray(value) && Object.keys(value).length === 0),
    ),
  );
}

/** One line of a list. */
export function taskRow(task: Task): JsonObject {
  return present({
    id: task.id,
    title: task.spec.title,
    state: task.state,
    holder: task.holder,
    percent: task.percent,
    plan: task.planId,
    priority: task.spec.priority,
    not_before: task.notBeforeMs === null ? null : iso(task.notBeforeMs),
  });
}

/** What an agent needs to do the work. */
export async function describeBrief(ctx: ReadContext, task: Task): Promise<JsonObject> {
  const attempt = await ctx.tx.attempts.get(task.id, task.attemptNo);
  const { spec } = task;
  return present({
    id: task.id,
    title: spec.title,
    body: spec.body,
    kind: spec.kind,
    labels: spec.labels,
    plan: task.planId,
    paths: spec.paths,
    resources: spec.resources,
    inputs: spec.inputs,
    outputs_wanted: spec.outputsWanted,
    estimate_minutes: spec.estimateMinutes,
    deadline: spec.deadlineMs === null ? null : iso(spec.deadlineMs),
    budget_usd: spec.budgetUsd,
    gates: await gatesOf(ctx, task),
    attempt: attemptId(task),
    base_commit: attempt?.baseCommit ?? null,
    worktree: attempt?.worktree ?? null,
    after: await dependencyRows(ctx.tx, task),
    note_from_last_holder: task.note,
    exceptions: await exceptionsFor(ctx, task),
    missing: task.missing,
  });
}

async function dependencyRows(tx: ReadTx, task: Task): Promise<JsonObject[]> {
  const rows: JsonObject[] = [];
  for (const id of await tx.tasks.dependenciesOf(task.id)) {
    const dependency = await tx.tasks.get(id);
    if (dependency === undefined) continue;
    rows.push(
      present({
        id,
        title: dependency.spec.title,
        state: dependency.state,
        commit: dependency.commit,
        outputs: dependency.outputs,
        artifacts: dependency.artifacts,
        // Its result is not there, though this task may start without it.
        skipped: dependency.state !== "done" && satisfies(dependency) ? true : null,
      }),
    );
  }
  return rows;
}

function blockerOf({ blocker }: Task): JsonObject | null {
  if (blocker === null) return null;
  const { kind, text, blockedBy, sinceMs } = blocker;
  return present({ kind, text, blocked_by: blockedBy, since: iso(sinceMs) });
}

/** Granted by people and leads, as long as they hold: whoever does the work must know of them. */
async function exceptionsFor({ tx, deps }: ReadContext, { id }: Task): Promise<JsonObject[]> {
  const nowMs = deps.now();
  return (await tx.escalations.ofTask(id)).flatMap(({ id: escalation, resolution, resolvedBy }) => {
    if (resolution === null || resolution.untilMs === null || resolution.untilMs <= nowMs)
      return [];
    const { text, untilMs } = resolution;
    return [present({ escalation, text, until: iso(untilMs), granted_by: resolvedBy })];
  });
}

/** Everything about one task, for get_status and people. */
export async function describeTask(ctx: ReadContext, task: Task): Promise<JsonObject> {
  const { tx } = ctx;
  const attempts = await tx.attempts.list(task.id);
  const runs = await tx.gateRuns.ofTask(task.id, task.fence);
  return {
    ...(await describeBrief(ctx, task)),
    ...present({
      state: task.state,
      holder: task.holder,
      priority: task.spec.priority,
      needs: task.spec.needs,
      percent: task.percent,
      fence: task.fence,
      commit: task.commit,
      outputs: task.outputs,
      artifacts: task.artifacts,
      blocker: blockerOf(task),
      open_dependencies: task.openDependencies === 0 ? null : task.openDependencies,
      failures: task.failures === 0 ? null : task.failures,
      lost_leases: task.lostLeases === 0 ? null : task.lostLeases,
      not_before: task.notBeforeMs === null ? null : iso(task.notBeforeMs),
      created_by: task.createdBy,
      created_at: iso(task.createdAtMs),
      ended_at: task.endedAtMs === null ? null : iso(task.endedAtMs),
      attempts: attempts.map((attempt) =>
        present({
          no: attempt.no,
          agent: attempt.agent,
          fence: attempt.fence,
          outcome: attempt.outcome ?? "running",
          base_commit: attempt.baseCommit,
          head_commit: attempt.headCommit,
          needed_person: attempt.neededPerson ? true : null,
        }),
      ),
      gate_runs: runs.map((run) =>
        present({
          id: run.id,
          gate: run.gate,
          kind: run.kind,
          state: run.state,
          commit: run.commit,
          summary: run.evidence?.summary,
        }),
      ),
    }),
    // Said even when it is not: "unverified" is what nobody measured.
    verified: task.verifiedBy ?? "unverified",
  };
}

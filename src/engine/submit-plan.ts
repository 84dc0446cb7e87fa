import { GuvnorError } from "../core/errors.ts";
import { formatId, looksLikeId } from "../core/ids.ts";
import { checkPlanGraph, criticalPath, type PlanNode } from "../core/plan-graph.ts";
import type { Plan } from "../core/plan.ts";
import { satisfies } from "../core/task-decisions.ts";
import type { CallContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import { requirePlan } from "./find-rows.ts";
import { reopenPlan } from "./move-task.ts";
import { DEFAULT_MINUTES, newTask, type PlanTask } from "./new-task.ts";
import type { Outcome, PrepareContext } from "./operation.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";

export interface PlanSubmission {
  readonly title?: string | undefined;
  readonly plan_id?: string | undefined;
  readonly tasks: readonly PlanTask[];
  readonly integrate?: boolean | undefined;
  readonly dry_run?: boolean | undefined;
}

export async function preparePlan({ deps }: PrepareContext): Promise<JsonObject> {
  return { head: (await deps.git?.resolveCommit("HEAD")) ?? null };
}

/** Checks a plan as a whole, then takes all of it or nothing. */
export async function submitPlan(ctx: CallContext, asked: PlanSubmission): Promise<Outcome> {
  const existing = asked.plan_id === undefined ? undefined : await requirePlan(ctx, asked.plan_id);
  const known = await knownKeys(ctx, existing);
  checkKeys(asked.tasks, known);
  await checkGates(ctx, asked.tasks);
  const nodes = await graphOf(ctx, asked.tasks, known);
  checkPlanGraph(nodes.own, nodes.known);
  const analysis = await analyse(ctx, nodes.own, asked.tasks);
  if (asked.dry_run === true) {
    return { answer: { dry_run: true, analysis, next: "Submit it without dry_run." } };
  }
  const plan = existing ?? (await createPlan(ctx, asked));
  const ids = await insertTasks(ctx, plan, { tasks: asked.tasks, known });
  ctx.effects.push({
    type: "plan",
    id: plan.id,
    event: existing === undefined ? "submitted" : "extended",
    title: plan.title,
    tasks: ids.size,
    ...(plan.branch === null ? {} : { branch: plan.branch }),
  });
  ctx.tx.wake();
  return {
    target: plan.id,
    answer: {
      plan_id: plan.id,
      tasks: Object.fromEntries(ids),
      analysis,
      ...(plan.branch === null ? {} : { branch: plan.branch }),
      next: 'Agents get the tasks with request_task; watch it with get_status {"scope":"plan"}.',
    },
  };
}

/** Keys and ids that `after` may name: those of the plan that is added to, and any task's id. */
async function knownKeys(
  ctx: CallContext,
  plan: Plan | undefined,
): Promise<ReadonlyMap<string, string>> {
  if (plan === undefined) return new Map();
  const tasks = await ctx.tx.tasks.list({ planId: plan.id, limit: 100_000 });
  return new Map(tasks.map((task) => [task.spec.key, task.id]));
}

function checkKeys(tasks: readonly PlanTask[], known: ReadonlyMap<string, string>): void {
  for (const { key } of tasks) {
    if (looksLikeId(key)) {
      throw new GuvnorError(
        "input_invalid",
        `The key "${key}" looks like an id.`,
        'Use keys such as "parser-tests", which no id can be taken for.',
      );
    }
    if (known.has(key)) {
      throw new GuvnorError(
        "input_invalid",
        `The plan has a task with the key "${key}" already (${known.get(key)}).`,
        "Use another key for the new task.",
      );
    }
  }
}

async function checkGates(ctx: CallContext, tasks: readonly PlanTask[]): Promise<void> {
  const inForce = Object.keys((await rulesInForce(ctx)).settings.gates);
  for (const { key, gates } of tasks) {
    if (gates === undefined) continue;
    if (gates.length === 0 && ctx.caller.kind !== "person") {
      throw new GuvnorError(
        "person_required",
        `Task "${key}" asks for no gates; only a person may switch them all off.`,
        "Leave `gates` out to get all gates in force, or name some of them.",
      );
    }
    const unknown = gates.filter((gate) => !inForce.includes(gate));
    if (unknown.length > 0) {
      throw new GuvnorError(
        "gate_unknown",
        `Task "${key}" names gates that are not in force: ${unknown.join(", ")}.`,
        inForce.length === 0
          ? "Leave `gates` out: no gate is in force; a person defines them in guvnor.yaml."
          : `Use some of: ${inForce.join(", ")}.`,
      );
    }
  }
}

/** The new tasks as a graph; `after` may name their keys, the plan's keys, or ids of any task. */
async function graphOf(
  ctx: CallContext,
  tasks: readonly PlanTask[],
  known: ReadonlyMap<string, string>,
): Promise<{ own: PlanNode[]; known: Set<string> }> {
  const outside = new Set(known.keys());
  for (const id of new Set(tasks.flatMap((task) => task.after ?? []))) {
    if (looksLikeId(id) && (await ctx.tx.tasks.get(id)) !== undefined) outside.add(id);
  }
  const own = tasks.map((task) => ({
    key: task.key,
    after: [...new Set(task.after)],
    minutes: task.estimate_minutes ?? DEFAULT_MINUTES,
  }));
  return { own, known: outside };
}

async function analyse(
  ctx: CallContext,
  nodes: readonly PlanNode[],
  tasks: readonly PlanTask[],
): Promise<JsonObject> {
  const path = criticalPath(nodes);
  const offered = new Set((await ctx.tx.agents.list()).flatMap((agent) => agent.capabilities));
  const missing = new Set(
    tasks.flatMap((task) => task.needs ?? []).filter((need) => !offered.has(need)),
  );
  return {
    critical_path: path.keys,
    critical_path_minutes: path.minutes,
    total_minutes: nodes.reduce((sum, node) => sum + node.minutes, 0),
    missing_capabilities: [...missing].toSorted(),
  };
}

/** As it begins, at the head of the main working tree. */
export async function createPlan(
  ctx: CallContext,
  asked: Pick<PlanSubmission, "title" | "integrate">,
): Promise<Plan> {
  if (asked.title === undefined) {
    throw new GuvnorError("input_invalid", "A new plan needs a title.", "Add `title`.");
  }
  const integrate = asked.integrate ?? false;
  const head = ctx.facts["head"];
  if (integrate && typeof head !== "string") {
    throw new GuvnorError(
      "git_unavailable",
      "A plan with `integrate` needs a git repository with at least one commit.",
      "Make a first commit, or submit the plan without `integrate`.",
    );
  }
  const id = formatId("plan", await ctx.tx.nextNumber("plan"));
  const plan: Plan = {
    id,
    title: asked.title,
    state: "open",
    createdBy: ctx.actor,
    createdAtMs: ctx.nowMs,
    endedAtMs: null,
    integrate,
    branch: integrate ? `refs/heads/guvnor/${id}` : null,
    // Without integrating, too: protected files are compared with where main stood when the plan came.
    baseCommit: typeof head === "string" ? head : null,
    headCommit: null,
    nextHead: null,
  };
  await ctx.tx.plans.save(plan);
  return plan;
}

async function insertTasks(
  ctx: CallContext,
  plan: Plan,
  { tasks, known }: { tasks: readonly PlanTask[]; known: ReadonlyMap<string, string> },
): Promise<Map<string, string>> {
  await reopenPlan(ctx, plan.id);
  const ids = new Map<string, string>();
  for (const { key } of tasks) ids.set(key, formatId("task", await ctx.tx.nextNumber("task")));
  const own = new Set(ids.values());
  for (const task of tasks) {
    const id = ids.get(task.key) ?? "";
    // A key and an id may mean the same task.
    const after = new Set((task.after ?? []).map((key) => ids.get(key) ?? known.get(key) ?? key));
    let open = 0;
    for (const dependency of after) {
      // What is made just now is open; only others need to be looked at.
      const found = own.has(dependency) ? undefined : await ctx.tx.tasks.get(dependency);
      if (found === undefined || !satisfies(found)) open += 1;
    }
    await ctx.tx.tasks.insert(
      newTask(task, { id, planId: plan.id, open, createdBy: ctx.actor, nowMs: ctx.nowMs }),
    );
    for (const dependency of after) await ctx.tx.tasks.addDependency(id, dependency);
  }
  return ids;
}

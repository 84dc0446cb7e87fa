import { z } from "zod";

import { GuvnorError } from "../../core/errors.ts";
import { ESCALATION_TASK } from "../../core/escalation.ts";
import { reopen, satisfies } from "../../core/task-decisions.ts";
import { OPEN_STATES, TASK_STATES, type Task } from "../../core/task.ts";
import { callingPerson, type CallContext } from "../call-context.ts";
import { closeEscalationsOf } from "../close-escalations.ts";
import { requirePlan, requireTask } from "../find-rows.ts";
import {
  cancelTask,
  changeOpenDependencies,
  countOpenDependencies,
  reopenPlan,
  saveMoved,
} from "../move-task.ts";
import type { Operation, Outcome } from "../operation.ts";
import { acceptReview, returnWork } from "../review.ts";
import { describeTask, taskRow } from "../task-view.ts";
import { definePersonOperation } from "./define-person-operation.ts";

const taskId = z.string().regex(/^T[1-9][0-9]*$/, "a task id such as T12");
const reason = z.string().trim().min(1).max(2000);
const decisionInput = z.strictObject({ task_id: taskId, reason });

/** The most rows a person's list shows at once. */
const MAX_ROWS = 1000;

const listTasks = definePersonOperation({
  name: "tasks_list",
  input: z.strictObject({
    states: z.array(z.enum(TASK_STATES)).optional(),
    plan_id: z.string().optional(),
    limit: z.int().min(1).max(MAX_ROWS).optional(),
    cursor: z.string().optional(),
  }),
  handle: async ({ tx }, { states, plan_id: planId, limit = 100, cursor }): Promise<Outcome> => {
    const tasks = await tx.tasks.list({
      limit: limit + 1,
      ...(states === undefined ? {} : { states }),
      ...(planId === undefined ? {} : { planId }),
      ...(cursor === undefined ? {} : { afterId: cursor }),
    });
    const shown = tasks.slice(0, limit);
    return {
      answer: {
        tasks: shown.map(taskRow),
        ...(tasks.length > limit ? { cursor: shown.at(-1)?.id } : {}),
      },
    };
  },
});

const showTask = definePersonOperation({
  name: "tasks_show",
  input: z.strictObject({ task_id: taskId }),
  handle: async (ctx, { task_id: id }): Promise<Outcome> => {
    const task = await requireTask(ctx, id);
    return { answer: { task: await describeTask(ctx, task) }, target: task.id };
  },
});

const acceptTask = definePersonOperation({
  name: "tasks_accept",
  input: decisionInput,
  handle: async (ctx, { task_id: id, reason: why }): Promise<Outcome> => {
    const person = callingPerson(ctx);
    const task = await requireReview(ctx, id);
    const accepted = await acceptReview(ctx, task);
    await closeEscalationsOf(ctx, task.id, `Accepted by ${person}: ${why}`);
    return { answer: { task: taskRow(accepted), reason: why }, target: task.id };
  },
});

const sendBackTask = definePersonOperation({
  name: "tasks_send_back",
  input: decisionInput,
  handle: async (ctx, { task_id: id, reason: why }): Promise<Outcome> => {
    const person = callingPerson(ctx);
    const task = await requireReview(ctx, id);
    await closeEscalationsOf(ctx, task.id, `Sent back by ${person}: ${why}`);
    await returnWork(ctx, task, [{ gate: "person", evidence: `${person}: ${why}` }], "person");
    return { answer: { task: taskRow(await requireTask(ctx, id)), reason: why }, target: task.id };
  },
});

const cancelOperation = definePersonOperation({
  name: "tasks_cancel",
  input: decisionInput,
  handle: async (ctx, { task_id: id, reason: why }): Promise<Outcome> => {
    const person = callingPerson(ctx);
    const task = await requireTask(ctx, id);
    if (!OPEN_STATES.has(task.state)) {
      throw new GuvnorError(
        "state_conflict",
        `${id} is ${task.state} and cannot be cancelled.`,
        `Reopen it first: guvnor tasks reopen ${id} --reason "…"`,
      );
    }
    const cancelled = await cancelTask(ctx, task, { why, by: person });
    return { answer: { task: taskRow(cancelled), reason: why }, target: id };
  },
});

const reopenOperation = definePersonOperation({
  name: "tasks_reopen",
  input: decisionInput,
  handle: async (ctx, { task_id: id, reason: why }): Promise<Outcome> => {
    const person = callingPerson(ctx);
    const task = await requireTask(ctx, id);
    requireNoQuestion(task);
    const wasSatisfied = satisfies(task);
    const open = await countOpenDependencies(ctx, id);
    const moved = reopen(task, open, ctx.nowMs);
    const noted = { ...moved, task: { ...moved.task, note: `Reopened by ${person}: ${why}` } };
    const saved = await saveMoved(ctx, task, noted, { why });
    // Who waited for its result and has not begun must wait again.
    for (const dependentId of wasSatisfied ? await ctx.tx.tasks.dependentsOf(id) : []) {
      const dependent = await ctx.tx.tasks.get(dependentId);
      if (dependent !== undefined) await changeOpenDependencies(ctx, dependent, 1);
    }
    if (saved.planId !== null) await reopenPlan(ctx, saved.planId);
    await closeEscalationsOf(ctx, id, `Reopened by ${person}: ${why}`);
    return { answer: { task: taskRow(saved), reason: why }, target: id };
  },
});

/** A question goes on without the task in which it was put. */
function requireNoQuestion({ id, spec }: Task): void {
  if (spec.kind !== ESCALATION_TASK || spec.serves === undefined) return;
  throw new GuvnorError(
    "state_conflict",
    `${id} was made to put ${spec.serves} to agents, which has gone on since.`,
    `See where it is: guvnor escalations show ${spec.serves}`,
  );
}

const showPlan = definePersonOperation({
  name: "plan_show",
  input: z.strictObject({ plan_id: z.string() }),
  handle: async (ctx, { plan_id: id }): Promise<Outcome> => {
    const plan = await requirePlan(ctx, id);
    const tasks = await ctx.tx.tasks.list({ planId: id, limit: MAX_ROWS });
    const rows = [];
    for (const task of tasks) {
      const after = await ctx.tx.tasks.dependenciesOf(task.id);
      rows.push({ ...taskRow(task), key: task.spec.key, ...(after.length === 0 ? {} : { after }) });
    }
    const counts = await ctx.tx.tasks.counts(id);
    const { title, state, branch, headCommit } = plan;
    return {
      answer: {
        plan: {
          id,
          title,
          state,
          ...(branch === null ? {} : { branch }),
          ...(headCommit === null ? {} : { head_commit: headCommit }),
        },
        counts,
        tasks: rows,
      },
      target: id,
    };
  },
});

async function requireReview(ctx: CallContext, id: string): Promise<Task> {
  const task = await requireTask(ctx, id);
  if (task.state === "review") {
    const runs = await ctx.tx.gateRuns.ofTask(id, task.fence);
    const busy = runs.filter((run) => run.state === "queued" || run.state === "running");
    if (busy.length === 0) return task;
    throw new GuvnorError(
      "state_conflict",
      `${id} is still being measured (${busy.map((run) => run.gate).join(", ")}).`,
      "Wait for the gates to end, then decide.",
    );
  }
  throw new GuvnorError(
    "state_conflict",
    `${id} is ${task.state}; only a task in review waits for a person's decision.`,
    `Look at it with: guvnor tasks show ${id}`,
  );
}

export const taskOperations: readonly Operation[] = [
  listTasks,
  showTask,
  acceptTask,
  sendBackTask,
  cancelOperation,
  reopenOperation,
  showPlan,
];

import { GuvnorError } from "./errors.ts";
import type { Task, TaskState } from "./task.ts";

/**
 * Every way in which a task changes its state; docs/tasks.md shows this table. What is not in it
 * cannot happen.
 */
export const TASK_TRANSITIONS = {
  dependencies_done: {
    from: ["pending"],
    to: "ready",
    by: "the last dependency is done or skipped",
  },
  dependency_reopened: { from: ["ready"], to: "pending", by: "a person reopened a dependency" },
  claimed: { from: ["ready"], to: "running", by: "request_task" },
  blocked: { from: ["running"], to: "blocked", by: "report_progress blocked" },
  unblocked: { from: ["blocked"], to: "running", by: "report_progress working by its holder" },
  freed: { from: ["blocked"], to: "ready", by: "the blocker is resolved and the holder is gone" },
  submitted: { from: ["running"], to: "review", by: "report_progress done" },
  verified: { from: ["review"], to: "done", by: "all gates passed, or a person accepted it" },
  sent_back: { from: ["review"], to: "running", by: "a gate failed; the holder goes on" },
  returned: {
    from: ["review"],
    to: "ready",
    by: "a gate failed; the holder is gone or on another task",
  },
  held_up: { from: ["review"], to: "blocked", by: "sent back more than 3 times: a person looks" },
  retried: { from: ["running", "blocked"], to: "ready", by: "report_progress failed, with a wait" },
  released: {
    from: ["running", "blocked"],
    to: "ready",
    by: "report_progress released, not counted",
  },
  lease_lost: { from: ["running"], to: "ready", by: "the holder's process is gone, or it stalled" },
  taken_away: {
    from: ["running", "blocked"],
    to: "ready",
    by: "its holder was revoked, not counted",
  },
  undelivered: { from: ["running"], to: "ready", by: "the claim's answer could not be delivered" },
  failed: {
    from: ["running", "blocked"],
    to: "failed",
    by: "the third failure, retryable: false, or the fifth lost lease",
  },
  cancelled: {
    from: ["pending", "ready", "running", "blocked", "review"],
    to: "cancelled",
    by: "a person, the plan's owner, or a dependency with on_failure: cancel",
  },
  reopened: { from: ["done", "failed", "cancelled"], to: "ready", by: "a person" },
  reopened_waiting: {
    from: ["done", "failed", "cancelled"],
    to: "pending",
    by: "a person, while dependencies are open",
  },
} as const satisfies Record<string, { from: readonly TaskState[]; to: TaskState; by: string }>;

export type TaskEvent = keyof typeof TASK_TRANSITIONS;

/** The task after `event`, with `patch` applied. @throws {GuvnorError} `state_conflict`. */
export function moveTask(
  task: Task,
  event: TaskEvent,
  nowMs: number,
  patch: Partial<Task> = {},
): Task {
  const { from, to } = TASK_TRANSITIONS[event];
  if (!(from as readonly TaskState[]).includes(task.state)) {
    throw new GuvnorError(
      "state_conflict",
      `${task.id} is ${task.state}; "${event}" needs ${from.join(" or ")}.`,
      `Read it with get_status {"scope":"task","id":"${task.id}"} and go on from there.`,
    );
  }
  const ended = to === "done" || to === "failed" || to === "cancelled";
  return { ...task, endedAtMs: ended ? nowMs : null, ...patch, state: to, updatedAtMs: nowMs };
}

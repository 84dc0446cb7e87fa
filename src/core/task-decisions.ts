import { GuvnorError } from "./errors.ts";
import { moveTask, type TaskEvent } from "./task-machine.ts";
import type { Artifact, Blocker, MissingItem, Task } from "./task.ts";

/** Reported failures after which a task is poison. */
export const MAX_FAILURES = 3;
/** Lost leases after which a task is poison: it may be what kills its agents. */
export const MAX_LOST_LEASES = 5;
/** Rounds of review after which a person looks. */
const MAX_REVIEW_ROUNDS = 3;

/** Kind of the blocker of a task that review held up for a person. */
export const HELD_UP = "review";

const FIRST_RETRY_MS = 30_000;
/** Keeps tasks that failed together from coming back together. */
const RETRY_JITTER = 0.2;

const WITHOUT_HOLDER = { holder: null, progressAtMs: null, blocker: null } as const;

/** What a decision about a task makes of it, and the event that the ledger names. */
export interface Moved {
  readonly task: Task;
  readonly event: TaskEvent;
}

export function claim(task: Task, agent: string, nowMs: number): Moved {
  return {
    event: "claimed",
    task: moveTask(task, "claimed", nowMs, {
      holder: agent,
      fence: task.fence + 1,
      attemptNo: task.attemptNo + 1,
      progressAtMs: nowMs,
      notBeforeMs: null,
      percent: null,
      commit: null,
      blocker: null,
      preferredAgent: null,
      // Uncommitted changes were in another worktree.
      missing: task.missing.filter(({ gate }) => gate !== "commit"),
    }),
  };
}

/**
 * A report counts only under the task's current fence, from its holder.
 * @throws {GuvnorError} `task_cancelled`, `stale_lease` or `not_holder`.
 */
export function requireLease(
  task: Task,
  agent: string,
  fence: number | undefined,
  heldBefore: boolean,
): void {
  const next = "Stop working on it and call request_task.";
  if (task.state === "cancelled") {
    throw new GuvnorError("task_cancelled", `${task.id} was cancelled.`, next);
  }
  if (task.holder === agent && (fence === undefined || fence === task.fence)) return;
  if (task.holder === agent || heldBefore) {
    const now = task.holder === null ? `it is ${task.state}` : `${task.holder} holds it`;
    throw new GuvnorError(
      "stale_lease",
      `Your lease on ${task.id} (fence ${fence ?? "unknown"}) is over: ${now} under fence ${task.fence}.`,
      next,
      { details: { task_id: task.id, fence: task.fence, state: task.state } },
    );
  }
  throw new GuvnorError(
    "not_holder",
    `${task.id} is not yours: it is ${task.state}${task.holder === null ? "" : `, held by ${task.holder}`}.`,
    "Report only on tasks that request_task gave you.",
  );
}

export interface ProgressPatch {
  readonly percent?: number;
  readonly note?: string;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly artifacts?: readonly Artifact[];
}

/** What a report changes besides the state. */
export function withProgress(task: Task, report: ProgressPatch, nowMs: number): Task {
  return {
    ...task,
    progressAtMs: nowMs,
    updatedAtMs: nowMs,
    ...(report.percent === undefined ? {} : { percent: report.percent }),
    ...(report.note === undefined ? {} : { note: report.note }),
    ...(report.outputs === undefined ? {} : { outputs: { ...task.outputs, ...report.outputs } }),
    ...(report.artifacts === undefined ? {} : { artifacts: report.artifacts }),
  };
}

export function block(task: Task, reason: Omit<Blocker, "sinceMs">, nowMs: number): Moved {
  const blocker = { ...reason, sinceMs: nowMs };
  return { event: "blocked", task: moveTask(task, "blocked", nowMs, { blocker }) };
}

/** The blocker is gone: the holder goes on, or the task is free where the holder has left. */
export function unblock(task: Task, holderPresent: boolean, nowMs: number): Moved {
  if (holderPresent) {
    const patch = { blocker: null, progressAtMs: nowMs };
    return { event: "unblocked", task: moveTask(task, "unblocked", nowMs, patch) };
  }
  const patch = { ...WITHOUT_HOLDER, preferredAgent: task.holder, readyAtMs: nowMs };
  return { event: "freed", task: moveTask(task, "freed", nowMs, patch) };
}

/** "done" was said; now it is measured. */
export function submit(task: Task, commit: string | null, nowMs: number): Moved {
  const patch = { commit, missing: [], percent: 100 };
  return { event: "submitted", task: moveTask(task, "submitted", nowMs, patch) };
}

export function verify(task: Task, by: Task["verifiedBy"], nowMs: number): Moved {
  const patch = { ...WITHOUT_HOLDER, verifiedBy: by, missing: [] };
  return { event: "verified", task: moveTask(task, "verified", nowMs, patch) };
}

/**
 * Review found something missing. The holder goes on under the same attempt and fence; a holder who
 * is gone or busy leaves it ready, to be offered to the same agent first.
 */
export function sendBack(
  task: Task,
  {
    missing,
    holderFree,
    by,
  }: {
    readonly missing: readonly MissingItem[];
    readonly holderFree: boolean;
    readonly by: "gates" | "person";
  },
  nowMs: number,
): Moved {
  const reviewRounds = task.reviewRounds + 1;
  // Each fourth time; a person who sends it back has just looked.
  if (by === "gates" && reviewRounds % (MAX_REVIEW_ROUNDS + 1) === 0) {
    const text = "Sent back too often.";
    const blocker = { kind: HELD_UP, text, blockedBy: null, sinceMs: nowMs };
    const patch = { missing, reviewRounds, blocker };
    return { event: "held_up", task: moveTask(task, "held_up", nowMs, patch) };
  }
  if (holderFree) {
    const patch = { missing, reviewRounds, progressAtMs: nowMs };
    return { event: "sent_back", task: moveTask(task, "sent_back", nowMs, patch) };
  }
  const patch = {
    ...WITHOUT_HOLDER,
    missing,
    reviewRounds,
    preferredAgent: task.holder,
    readyAtMs: nowMs,
  };
  return { event: "returned", task: moveTask(task, "returned", nowMs, patch) };
}

/**
 * Waits of 30 s, 60 s, … before the next try, each ± 20 %. @param random - 0 to 1.
 * @internal Exported for its tests.
 */
export function retryAtMs(failures: number, nowMs: number, random: number): number {
  const spread = 1 + RETRY_JITTER * (2 * random - 1);
  return nowMs + Math.round(FIRST_RETRY_MS * 2 ** (failures - 1) * spread);
}

export function fail(
  task: Task,
  report: { readonly retryable: boolean; readonly note: string | null; readonly random: number },
  nowMs: number,
): Moved {
  const failures = task.failures + 1;
  const patch = {
    ...WITHOUT_HOLDER,
    failures,
    failedBy: task.holder,
    note: report.note ?? task.note,
  };
  if (!report.retryable || failures >= MAX_FAILURES) {
    return { event: "failed", task: moveTask(task, "failed", nowMs, patch) };
  }
  const notBeforeMs = retryAtMs(failures, nowMs, report.random);
  const waiting = { ...patch, notBeforeMs, readyAtMs: nowMs };
  return { event: "retried", task: moveTask(task, "retried", nowMs, waiting) };
}

export function release(task: Task, nowMs: number): Moved {
  const patch = { ...WITHOUT_HOLDER, readyAtMs: task.readyAtMs ?? nowMs };
  return { event: "released", task: moveTask(task, "released", nowMs, patch) };
}

export function loseLease(task: Task, nowMs: number): Moved {
  const lostLeases = task.lostLeases + 1;
  const patch = { ...WITHOUT_HOLDER, lostLeases };
  if (lostLeases >= MAX_LOST_LEASES) {
    return { event: "failed", task: moveTask(task, "failed", nowMs, patch) };
  }
  return { event: "lease_lost", task: moveTask(task, "lease_lost", nowMs, patch) };
}

/** Its holder may not work any more; that says nothing of the task. */
export function takeAway(task: Task, nowMs: number): Moved {
  const patch = { ...WITHOUT_HOLDER, readyAtMs: task.readyAtMs ?? nowMs };
  return { event: "taken_away", task: moveTask(task, "taken_away", nowMs, patch) };
}

/** The claim never reached its agent: as if it had not been, but for the fence. */
export function takeBack(task: Task, nowMs: number): Moved {
  return { event: "undelivered", task: moveTask(task, "undelivered", nowMs, WITHOUT_HOLDER) };
}

export function cancel(task: Task, nowMs: number): Moved {
  return { event: "cancelled", task: moveTask(task, "cancelled", nowMs, WITHOUT_HOLDER) };
}

export function reopen(task: Task, openDependencies: number, nowMs: number): Moved {
  const event = openDependencies === 0 ? "reopened" : "reopened_waiting";
  const patch = {
    openDependencies,
    readyAtMs: openDependencies === 0 ? nowMs : null,
    failures: 0,
    lostLeases: 0,
    reviewRounds: 0,
    notBeforeMs: null,
    verifiedBy: null,
    missing: [],
  };
  return { event, task: moveTask(task, event, nowMs, patch) };
}

/** Whether a dependency in this state lets its dependents start. */
export function satisfies(task: Pick<Task, "state" | "spec">): boolean {
  if (task.state === "done") return true;
  const ended = task.state === "failed" || task.state === "cancelled";
  return ended && task.spec.onFailure === "skip";
}

/** The number of open dependencies changed; at 0 a pending task is ready, above it a ready one waits. */
export function withOpenDependencies(task: Task, open: number, nowMs: number): Moved | undefined {
  if (task.state === "pending" && open === 0) {
    const patch = { openDependencies: 0, readyAtMs: nowMs };
    return { event: "dependencies_done", task: moveTask(task, "dependencies_done", nowMs, patch) };
  }
  if (task.state === "ready" && open > 0) {
    const patch = { openDependencies: open, readyAtMs: null };
    const event = "dependency_reopened";
    return { event, task: moveTask(task, event, nowMs, patch) };
  }
  return undefined;
}

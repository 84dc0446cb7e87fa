/** Every state a task can be in; src/core/task-machine.ts says how it moves between them. */
export const TASK_STATES = [
  "pending",
  "ready",
  "running",
  "blocked",
  "review",
  "done",
  "failed",
  "cancelled",
] as const;

export type TaskState = (typeof TASK_STATES)[number];

/** What happens to the dependents of a task that failed or was cancelled. */
export type OnFailure = "block" | "cancel" | "skip";

/** Agents by name; only guvnor itself says who may take a task. */
export interface Takers {
  /** Nobody else. */
  readonly only?: readonly string[];
  readonly not?: readonly string[];
}

/** What was asked for; never changes after submission. */
export interface TaskSpec {
  readonly key: string;
  readonly title: string;
  readonly body: string;
  readonly kind: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Capabilities that an agent must have, sorted. */
  readonly needs: readonly string[];
  /** Globs of the files it will write. */
  readonly paths: readonly string[];
  readonly resources: readonly string[];
  /** 0 to 100, higher first. */
  readonly priority: number;
  readonly estimateMinutes: number | null;
  readonly deadlineMs: number | null;
  readonly budgetUsd: number | null;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputsWanted: readonly string[];
  /** Names of gates; null means all gates in force. */
  readonly gates: readonly string[] | null;
  readonly parentId: string | null;
  readonly onFailure: OnFailure;
  /** Absent where it is for every agent that has what it needs. */
  readonly takers?: Takers;
  /** What guvnor made it for, e.g. "E2", which goes on when the task ends. */
  readonly serves?: string;
}

/** Whether guvnor offers it to this agent, whatever the agent can do. */
export function isFor({ takers }: Pick<TaskSpec, "takers">, agent: string): boolean {
  const { only, not = [] } = takers ?? {};
  return (only === undefined || only.includes(agent)) && !not.includes(agent);
}

export interface Blocker {
  readonly kind: string;
  readonly text: string;
  readonly blockedBy: string | null;
}

/** One reason why "done" was not accepted; goes back to the holder. */
export interface MissingItem {
  /** Gate name, "merge", "commit", "topic" or "person". */
  readonly gate: string;
  readonly evidence: string;
}

export interface Artifact {
  readonly name: string;
  readonly path: string;
  readonly sha256?: string | undefined;
}

export interface Task {
  readonly id: string;
  readonly planId: string | null;
  readonly spec: TaskSpec;
  readonly state: TaskState;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly endedAtMs: number | null;
  /** Dependencies that are neither done nor skipped. */
  readonly openDependencies: number;
  /** Since when it is ready; age counts from here. */
  readonly readyAtMs: number | null;
  readonly notBeforeMs: number | null;
  /** Raised by each claim; a write under an older one is refused. */
  readonly fence: number;
  readonly holder: string | null;
  readonly attemptNo: number;
  readonly progressAtMs: number | null;
  readonly percent: number | null;
  readonly note: string | null;
  readonly blocker: Blocker | null;
  readonly missing: readonly MissingItem[];
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly artifacts: readonly Artifact[];
  readonly commit: string | null;
  readonly failures: number;
  readonly lostLeases: number;
  /** Rounds in which review sent it back. */
  readonly reviewRounds: number;
  /** The agent that had it last and is offered it first. */
  readonly preferredAgent: string | null;
  /** The agent that failed it last and is offered it last. */
  readonly failedBy: string | null;
  /** What verified it: "gates", "person" or nothing yet. */
  readonly verifiedBy: "gates" | "person" | null;
}

export type AttemptOutcome =
  | "done"
  | "failed"
  | "released"
  | "lost"
  | "cancelled"
  | "undelivered"
  | "sent_back";

/** One lease's life. */
export interface Attempt {
  readonly taskId: string;
  readonly no: number;
  readonly agent: string;
  readonly fence: number;
  readonly worktree: string | null;
  /** The plan's branch, or the head of the main working tree, when it was claimed. */
  readonly baseCommit: string | null;
  readonly headCommit: string | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly outcome: AttemptOutcome | null;
  readonly neededPerson: boolean;
}

export const OPEN_STATES: ReadonlySet<TaskState> = new Set([
  "pending",
  "ready",
  "running",
  "blocked",
  "review",
]);

export function attemptId(task: Pick<Task, "id" | "attemptNo">): string {
  return `${task.id}/${task.attemptNo}`;
}

type GateRunState = "queued" | "running" | "pass" | "fail" | "indeterminate";

/**
 * `attempt` measures the attempt's own commit; `merge` merges it into the plan's branch and measures the
 * result; `check` measures the commit of a topic's solution.
 */
type GateRunKind = "attempt" | "merge" | "check";

export interface GateEvidence {
  readonly summary: string;
  readonly exitCode: number | null;
  readonly durationMs: number;
  readonly outputTail: string;
  readonly outputCut: boolean;
  readonly inPlace: boolean;
  /** Protected files that the attempt changed. */
  readonly protectedChanged: readonly string[];
}

/** One measuring of one gate on one commit. Counts only for its (task, fence, commit, round), or its solution. */
export interface GateRun {
  readonly id: string;
  /** Null of a check. */
  readonly taskId: string | null;
  /** Of a check. */
  readonly solutionId: string | null;
  readonly fence: number;
  readonly attemptNo: number;
  /** The task's review round that it belongs to. */
  readonly round: number;
  /** Gate name; "merge" for the run that integrates. */
  readonly gate: string;
  readonly kind: GateRunKind;
  readonly planId: string | null;
  /** What is measured; null outside git. */
  readonly commit: string | null;
  readonly state: GateRunState;
  /** The process that measures; another takes over when it ends. */
  readonly processId: string | null;
  /** The kept workspace it is, or was last, measured in. */
  readonly slot: number | null;
  /** Times it was begun; a run that kills its measurer again and again becomes indeterminate. */
  readonly tries: number;
  readonly queuedAtMs: number;
  readonly endedAtMs: number | null;
  readonly evidence: GateEvidence | null;
}

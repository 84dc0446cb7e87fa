type PlanState = "open" | "done" | "cancelled";

export interface Plan {
  readonly id: string;
  readonly title: string;
  readonly state: PlanState;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
  /** Done commits are merged into `branch`, and the merge result is measured too. */
  readonly integrate: boolean;
  /** e.g. "refs/heads/guvnor/P3"; null without `integrate`. */
  readonly branch: string | null;
  readonly baseCommit: string | null;
  /** Where the branch stands; only guvnor moves it. */
  readonly headCommit: string | null;
  /** A measured commit that guvnor was about to move the branch to: after a crash it may stand there. */
  readonly nextHead: string | null;
}

import type { GateEvidence, GateRun } from "../core/gate-run.ts";
import type { ProjectSettings } from "../core/settings.ts";
import type { Attempt, Task } from "../core/task.ts";
import type { Measurement } from "./ports.ts";

/** What a gate run needs to know, read once when it begins. */
export interface RunFacts {
  readonly run: GateRun;
  readonly task: Task;
  readonly attempt: Attempt;
  readonly settings: ProjectSettings;
  /** Gates of the merge result: those in force, without what could not be measured and a person accepted. */
  readonly mergeGates: readonly string[];
  /**
   * What protected files are compared with: the plan's branch, or main as it was when the plan came.
   * Never what an agent had committed before its claim.
   */
  readonly baseCommit: string | null;
  /** Where the project lies; what is measured outside git, wherever the agent says that it works. */
  readonly root: string | null;
}

export interface Verdict {
  readonly verdict: Measurement["verdict"];
  readonly evidence: GateEvidence;
  /** Where the plan's branch stands now; only after a merge. */
  readonly branchHead?: string;
}

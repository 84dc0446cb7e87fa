import type { GateEvidence, GateRun } from "../core/gate-run.ts";
import type { ProjectSettings } from "../core/settings.ts";
import type { Attempt, Task } from "../core/task.ts";
import type { Measurement } from "./ports.ts";

/** What measuring a gate needs to know, read once when it begins. */
export interface GateFacts {
  readonly run: GateRun;
  readonly settings: ProjectSettings;
  /**
   * What protected files are compared with: the plan's branch, or main as it was when the plan came.
   * Never what an agent had committed before its claim.
   */
  readonly baseCommit: string | null;
  /** Where the project lies; what is measured outside git, wherever the agent says that it works. */
  readonly directory: string;
}

/** Of a run for a task. */
export interface RunFacts extends GateFacts {
  readonly task: Task;
  readonly attempt: Attempt;
  /** Gates of the merge result: those in force, without what could not be measured and a person accepted. */
  readonly mergeGates: readonly string[];
}

export interface Verdict {
  readonly verdict: Measurement["verdict"];
  readonly evidence: GateEvidence;
  /** Where the plan's branch stands now; only after a merge. */
  readonly branchHead?: string;
}

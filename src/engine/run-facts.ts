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
}

export interface Verdict {
  readonly verdict: Measurement["verdict"];
  readonly evidence: GateEvidence;
  /** Where the plan's branch stands now; only after a merge. */
  readonly branchHead?: string;
}

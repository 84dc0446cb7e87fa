/** What a person lets a pipeline do by itself where it ends without a consensus. */
export const RERUNS = ["rerun_same", "rerun_gamma"] as const;

export type Rerun = (typeof RERUNS)[number];

/** What one of the two is asked for. */
export interface RoleTemplate {
  readonly title: string;
  readonly body: string;
  /** Capabilities that its agent must have. */
  readonly needs: readonly string[];
  /** Names of gates; null means all gates in force. */
  readonly gates: readonly string[] | null;
}

/** How pipelines of one kind run; guvnor.yaml may have some of its own, each on top of the built-in one. */
export interface PipelineTemplate {
  readonly alpha: RoleTemplate;
  readonly beta: RoleTemplate;
  /** How long a ballot is open. */
  readonly voteMs: number;
  /** GAMMA is asked when it was stuck for longer. */
  readonly stuckAfterMs: number;
  /** GAMMA is asked from the start above so many conflicts. */
  readonly maxConflicts: number;
  /** GAMMA is asked from the start above this complexity, 0 to 1. */
  readonly maxComplexity: number;
  /** Silence that costs an agent its part in the pipeline. */
  readonly stallAfterMs: number;
  /** From its start until both must have reported. */
  readonly deadlineMs: number;
  /** What is done without a person where there is no consensus; null leaves it to people. */
  readonly onNoConsensus: Rerun | null;
  /** So often at most. */
  readonly reruns: number;
}

/** The built-in one: two find their own way to the objective, apart from one another. */
export const DEFAULT_TEMPLATE: PipelineTemplate = {
  alpha: {
    title: "ALPHA: research",
    body: "Find out what the objective needs: read what is there, try what is uncertain, weigh the ways to do it. Then carry out the way that you hold for best. Work from the facts up; another agent works from the whole down, and neither sees the other's work before both are done.",
    needs: [],
    gates: null,
  },
  beta: {
    title: "BETA: synthesis",
    body: "Bring the objective to one coherent result: begin with the shape of the whole and make every part fit. Then carry it out. Work from the whole down; another agent works from the facts up, and neither sees the other's work before both are done.",
    needs: [],
    gates: null,
  },
  voteMs: 300_000,
  stuckAfterMs: 30_000,
  maxConflicts: 3,
  maxComplexity: 0.8,
  stallAfterMs: 60_000,
  deadlineMs: 7_200_000,
  onNoConsensus: null,
  reruns: 1,
};

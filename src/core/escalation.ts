export type EscalationState = "open" | "acknowledged" | "resolved" | "withdrawn";

export const ESCALATION_KINDS = [
  "blocked",
  "conflict",
  "policy",
  "security",
  "question",
  "other",
] as const;

export const SEVERITIES = ["low", "medium", "high", "critical"] as const;

export type Severity = (typeof SEVERITIES)[number];

/** Whose turn it is: a peer's, a lead's or a person's. L0 is the agent itself. */
export type EscalationLevel = "L1" | "L2" | "L3";

/** Kind of the tasks in which guvnor puts a question to peers or leads. */
export const ESCALATION_TASK = "escalation";

export const RESOLUTIONS = ["answer", "decision", "exception"] as const;

/** What ended it; an exception holds until a time. */
export interface Resolution {
  readonly how: (typeof RESOLUTIONS)[number];
  readonly text: string;
  readonly untilMs: number | null;
}

/** One step of its way up; the first one is where it began. */
export interface Climb {
  readonly level: EscalationLevel;
  readonly atMs: number;
  readonly why: string;
  /** In which peers or leads were asked; null at L3. */
  readonly taskId: string | null;
}

export interface Escalation {
  readonly id: string;
  readonly kind: (typeof ESCALATION_KINDS)[number];
  readonly severity: Severity;
  readonly summary: string;
  readonly detail: string | null;
  readonly taskId: string | null;
  readonly topicId: string | null;
  /** An agent's name, or "guvnor" for what the engine itself escalates. */
  readonly raisedBy: string;
  /** Asks for what only people may decide: neither peers nor leads are asked. */
  readonly forPeople: boolean;
  readonly level: EscalationLevel;
  readonly climbs: readonly Climb[];
  readonly state: EscalationState;
  readonly createdAtMs: number;
  /** Thresholds count from here: as raised, later by the time in which everything was stopped. */
  readonly countedFromMs: number;
  /** Below L3 it climbs then; at L3 a person should have looked by then. */
  readonly dueAtMs: number;
  readonly acknowledgedBy: string | null;
  readonly resolvedBy: string | null;
  readonly resolution: Resolution | null;
  readonly endedAtMs: number | null;
}

export function isUnended({ state }: Pick<Escalation, "state">): boolean {
  return state === "open" || state === "acknowledged";
}

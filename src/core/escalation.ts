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
  /** L3 is a person; the climb through L1 and L2 comes with the escalation matrix. */
  readonly level: "L3";
  readonly state: EscalationState;
  readonly createdAtMs: number;
  readonly dueAtMs: number;
  readonly acknowledgedBy: string | null;
  readonly resolvedBy: string | null;
  readonly resolution: string | null;
  readonly endedAtMs: number | null;
}

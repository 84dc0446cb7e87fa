import type { Tier } from "./agent.ts";
import type { Approval } from "./approval.ts";
import type { ProgressReport } from "./progress-report.ts";

/** Found outside the store before the call, e.g. the commit that was resolved; JSON. */
type Facts = Readonly<Record<string, unknown>>;

/** An action that waits for a person's yes. What is stored is what runs, whatever is sent later. */
export interface HeldAction {
  readonly approval: Approval;
  /** The parsed arguments. */
  readonly input: unknown;
  readonly facts: Facts;
  /** Why a person is asked, as the rule says it. */
  readonly reason: string;
}

/** A report that came while everything was stopped; it is replayed when work is resumed. */
export interface HeldReport {
  readonly number: number;
  readonly agent: string;
  readonly callId: string;
  /** The request_id that it came under, and what that is bound to; null without one. */
  readonly request: { readonly id: string; readonly digest: string } | null;
  readonly tool: string;
  readonly report: ProgressReport;
  /** The most that its credential gave it then. */
  readonly tier: Tier;
  readonly facts: Facts;
  readonly atMs: number;
  /** Null until it was replayed: "accepted", or the code it was refused with. */
  readonly outcome: string | null;
}

import type { Task, TaskState } from "./task.ts";

/** idle → analyzing → executing ⇄ blocked → handoff → idle; offline, quarantined, revoked. */
export type AgentState =
  | "idle"
  | "analyzing"
  | "executing"
  | "blocked"
  | "handoff"
  | "offline"
  | "quarantined"
  | "revoked";

/**
 * What an agent that is there is at, by what it holds. Whether it has begun with what it runs its state
 * knows already; of what does not run, what holds it up comes before what is being measured.
 */
export function stateFor(current: AgentState, held: readonly Pick<Task, "state">[]): AgentState {
  const has = (state: TaskState): boolean => held.some((task) => task.state === state);
  if (has("running")) return current === "analyzing" ? "analyzing" : "executing";
  if (has("blocked")) return "blocked";
  return has("review") ? "handoff" : "idle";
}

/** How far an agent is trusted, the least first. */
export const TIERS = ["T0", "T1", "T2"] as const;

export type Tier = (typeof TIERS)[number];

export interface Agent {
  readonly name: string;
  readonly role: string | null;
  /** Self-declared, sorted. */
  readonly capabilities: readonly string[];
  readonly model: string | null;
  readonly tier: Tier;
  /** Who answers for it: the operating system's user in local mode. */
  readonly principal: string;
  readonly state: AgentState;
  /** SHA-256 of the session, which only the agent knows. */
  readonly sessionHash: string;
  /** The process that beats for it, or did; a suspended one that comes back finds its agents again. */
  readonly processId: string;
  readonly worktree: string | null;
  /** SHA-256 of the token that it calls with; null until its next call gives it one. */
  readonly tokenHash: string | null;
  readonly registeredAtMs: number;
  readonly lastSeenMs: number;
}

/** A guvnor process that serves agents (or a person's command that measures gates). */
export interface ProcessRow {
  readonly id: string;
  readonly host: string;
  readonly bootId: string;
  readonly pidNamespace: string;
  readonly pid: number;
  readonly startTime: string;
  readonly parentPid: number;
  readonly parentStartTime: string;
  /** Rises with each heartbeat; observers compare it, so that no clock is trusted. */
  readonly beat: number;
  readonly startedAtMs: number;
  readonly beatAtMs: number;
  readonly endedAtMs: number | null;
  /** The newest schema this program knows. */
  readonly schema: number;
}

import type { TaskEvent } from "../../src/core/task-machine.ts";
import type { OnFailure, Takers, TaskState } from "../../src/core/task.ts";

/** What the ledger alone says of a task. */
export interface TaskModel {
  readonly id: string;
  readonly planId: string | null;
  readonly createdBy: string;
  readonly kind: string;
  /** The topic or escalation that guvnor made it for. */
  readonly serves: string | undefined;
  readonly priority: number;
  readonly needs: readonly string[];
  /** Null: all gates in force. */
  readonly gates: readonly string[] | null;
  readonly onFailure: OnFailure;
  readonly after: Set<string>;
  readonly takers: Required<Pick<Takers, "not">> & Pick<Takers, "only">;
  state: TaskState;
  holder: string | null;
  fence: number;
  claims: number;
  /** Simulated time of its last move. */
  movedAtMs: number;
  /** Since it was opened last: what counts towards poison. */
  failures: number;
  lostLeases: number;
  isVerified: boolean;
  commit: string | null;
  /** Commits that were verified, all openings together. */
  readonly doneCommits: string[];
  /** At its claim: the commits of its dependencies that its work may rely on. */
  basedOn: readonly string[];
  /** Gates that must pass before it is done, as they were in force when it was submitted. */
  wantedGates: readonly string[];
  /** Gate runs since it was submitted. */
  reviewRuns: string[];
  isAccepted: boolean;
  isPersonInformed: boolean;
}

export interface RunModel {
  readonly task: string;
  readonly gate: string;
  readonly commit: string | null;
  state: string;
  /** Who took it last. */
  processId: string;
}

export interface TopicModel {
  readonly id: string;
  readonly electorate: readonly string[];
  readonly openedBy: string;
  /** What each solution must pass. */
  readonly gates: readonly string[];
  readonly isChecked: boolean;
  state: string;
  movedAtMs: number;
  /** The task of the mediator that is asked, or was. */
  mediation: string | undefined;
  /** Votes too, once it has spoken. */
  mediator: string | undefined;
  /** The vote has chosen and a person must confirm it. */
  awaitsPerson: boolean;
  /** Nothing more can be cast; what was is open. */
  isClosed: boolean;
  readonly vetoers: readonly string[];
  /** By the id of their effect. */
  readonly ballots: Map<string, CastModel>;
}

export interface CastModel {
  readonly ranking: readonly string[];
  readonly abstain: boolean;
  readonly veto: readonly string[];
}

/** What was found out about a solution before the vote. */
export interface SolutionModel {
  isOff: boolean;
  readonly passed: Set<string>;
}

/** An effect as the ledger has it. */
export interface Effect {
  readonly type: string;
  readonly id: string;
  readonly event?: string;
  readonly from?: string | null;
  readonly to?: string;
  readonly [fact: string]: unknown;
}

export interface Entry {
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly channel: string;
  readonly decision: "allow" | "deny" | "refuse" | "error" | "replayed" | "system";
  readonly rule: string | null;
  readonly reason: string | null;
  readonly target: string | null;
  readonly call_id: string;
  readonly effects: readonly Effect[];
}

export interface TaskEffect extends Effect {
  readonly event: TaskEvent;
  readonly from: TaskState;
  readonly to: TaskState;
  readonly fence: number;
  readonly holder?: string;
}

/** What the model may ask of the world outside the ledger. */
export interface Outside {
  /** Whether a gate was seen to pass on this commit. */
  readonly isMeasured: (commit: string, gate: string) => boolean;
  /** Running tasks that an agent may have when it names them. */
  readonly parallel: number;
  /** Dead, or asleep until a moment ago: others may take it for gone. */
  readonly wasAway: (processId: string) => boolean;
  readonly isDead: (processId: string) => boolean;
  /** Time as the clock showed it go by; what it was set back by does not count. */
  readonly forwardMs: () => number;
}

/** A move of its state; reports of progress are task effects too, but move nothing. */
export function isMove(effect: Effect): effect is TaskEffect {
  return effect.type === "task" && effect.from !== undefined && effect.to !== undefined;
}

export function isSatisfied(task: Pick<TaskModel, "state" | "onFailure">): boolean {
  if (task.state === "done") return true;
  return (task.state === "failed" || task.state === "cancelled") && task.onFailure === "skip";
}

export function isOpen({ state }: Pick<TaskModel, "state">): boolean {
  return state !== "done" && state !== "failed" && state !== "cancelled";
}

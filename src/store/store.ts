import type { Agent, ProcessRow } from "../core/agent.ts";
import type { Ballot, Solution, Topic, TopicState } from "../core/board.ts";
import type { Escalation, EscalationState } from "../core/escalation.ts";
import type { GateRun } from "../core/gate-run.ts";
import type { Guard, GuardKind, GuardOf } from "../core/guard.ts";
import type { HeldAction, HeldReport } from "../core/held-action.ts";
import type { IdKind } from "../core/ids.ts";
import type { Pipeline } from "../core/pipeline.ts";
import type { Plan } from "../core/plan.ts";
import type { PolicySet } from "../core/settings.ts";
import type { Attempt, Task, TaskState } from "../core/task.ts";
import type { Token } from "../core/token.ts";
import type { Violation } from "../core/violation.ts";
import type { MemberTable, MessageTable, PostTable } from "./message-tables.ts";

/** Whose rows a transaction sees; leads every key. */
export interface Scope {
  readonly tenant: string;
  readonly project: string;
}

/**
 * Port every store implements. The suite in test/store-contract says what each method promises;
 * read it before adding a method.
 */
export interface Store {
  /**
   * Runs `work` in one transaction, alone among writers: what it reads stays true until it ends.
   * A throw undoes all of it. Nothing but `tx` may be awaited inside.
   * @throws {GuvnorError} `busy` after 5 s, `schema_newer`, `storage_failed` (disk full, read-only, corrupt).
   */
  write<T>(scope: Scope, work: (tx: StoreTx) => Promise<T>): Promise<T>;
  /** A consistent snapshot; never waits for writers of other processes. */
  read<T>(scope: Scope, work: (tx: ReadTx) => Promise<T>): Promise<T>;
  /** Starts to listen; to lose no wake-up: watch, then query, then wait. */
  watch(): ChangeWatch;
  /** Moves committed pages into the main file, off the path of calls. */
  checkpoint(): Promise<void>;
  close(): Promise<void>;
}

export interface ChangeWatch {
  /** Resolves when something was committed since the last call (hints may be early, or late by 1 s at most), or after `timeoutMs`, or on abort. */
  next(timeoutMs: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface ReadTx {
  readonly scope: Scope;
  readonly projects: Pick<ProjectTable, "get">;
  readonly processes: Pick<ProcessTable, "get" | "listPresent">;
  readonly agents: Pick<AgentTable, "get" | "bySession" | "list" | "byProcess">;
  readonly plans: Pick<PlanTable, "get" | "list" | "openCount">;
  readonly tasks: Omit<TaskTable, "insert" | "save" | "addDependency">;
  readonly attempts: Omit<AttemptTable, "save">;
  readonly gateRuns: Omit<GateRunTable, "save">;
  readonly topics: Pick<TopicTable, "get" | "list" | "due">;
  readonly solutions: Pick<SolutionTable, "get" | "ofTopic">;
  readonly ballots: Pick<BallotTable, "ofTopic">;
  readonly escalations: Omit<EscalationTable, "save">;
  readonly messages: Pick<MessageTable, "waiting" | "waitingPosts" | "ofPost">;
  readonly posts: Pick<PostTable, "get" | "list">;
  readonly requests: Pick<RequestTable, "get">;
  readonly policies: Pick<PolicyTable, "get" | "list">;
  readonly audit: Pick<AuditTable, "head" | "get" | "list" | "search" | "payload">;
  readonly guards: Pick<GuardTable, "of" | "list">;
  readonly violations: Pick<ViolationTable, "list" | "countSince">;
  readonly approvals: Omit<ApprovalTable, "save">;
  readonly heldReports: Pick<HeldReportTable, "open">;
  readonly tokens: Omit<TokenTable, "save">;
  readonly outbox: Pick<OutboxTable, "list">;
  readonly pipelines: Omit<PipelineTable, "save">;
}

export interface StoreTx extends ReadTx {
  readonly projects: ProjectTable;
  readonly processes: ProcessTable;
  readonly agents: AgentTable;
  readonly plans: PlanTable;
  readonly tasks: TaskTable;
  readonly attempts: AttemptTable;
  readonly gateRuns: GateRunTable;
  readonly topics: TopicTable;
  readonly solutions: SolutionTable;
  readonly ballots: BallotTable;
  readonly escalations: EscalationTable;
  readonly messages: MessageTable;
  readonly posts: PostTable;
  readonly members: MemberTable;
  readonly requests: RequestTable;
  readonly policies: PolicyTable;
  readonly audit: AuditTable;
  readonly guards: GuardTable;
  readonly violations: ViolationTable;
  readonly approvals: ApprovalTable;
  readonly heldReports: HeldReportTable;
  readonly tokens: TokenTable;
  readonly outbox: OutboxTable;
  readonly pipelines: PipelineTable;
  /** The next number of this noun in this project, from 1. */
  nextNumber(kind: IdKind | "event" | "heldReport" | "reading"): Promise<number>;
  /** Undoes `work`'s writes alone when it throws or answers `keep: false`. */
  savepoint<T>(work: () => Promise<{ keep: boolean; value: T }>): Promise<T>;
  /** Wakes waiting calls of all processes after the commit. */
  wake(): void;
}

export interface Project {
  readonly id: string;
  readonly name: string;
  /** Main working tree or plain directory; null for a bare repository. */
  readonly root: string | null;
  readonly policyHash: string | null;
  /** SHA-256 of the operator's key; null until one was made. */
  readonly operatorKeyHash: string | null;
  readonly createdAtMs: number;
}

export interface ProjectTable {
  get(): Promise<Project | undefined>;
  save(project: Project): Promise<void>;
}

export interface ProcessTable {
  get(id: string): Promise<ProcessRow | undefined>;
  /** Not ended, in order of id. */
  listPresent(): Promise<ProcessRow[]>;
  save(process: ProcessRow): Promise<void>;
  beat(id: string, atMs: number): Promise<void>;
}

export interface AgentTable {
  get(name: string): Promise<Agent | undefined>;
  bySession(sessionHash: string): Promise<Agent | undefined>;
  /** In order of name. */
  list(): Promise<Agent[]>;
  byProcess(processId: string): Promise<Agent[]>;
  save(agent: Agent): Promise<void>;
  /** The call's own note that the agent was there; one narrow write. */
  touch(name: string, atMs: number): Promise<void>;
}

export interface PlanTable {
  get(id: string): Promise<Plan | undefined>;
  /** Newest first. */
  list(limit: number): Promise<Plan[]>;
  openCount(): Promise<number>;
  save(plan: Plan): Promise<void>;
}

export interface TaskFilter {
  readonly states?: readonly TaskState[];
  readonly planId?: string;
  readonly holder?: string;
  /** Only ids with a greater number. */
  readonly afterId?: string;
  readonly limit: number;
}

export interface TaskTable {
  get(id: string): Promise<Task | undefined>;
  /** In order of id. */
  list(filter: TaskFilter): Promise<Task[]>;
  /** Counts every task: for a person's picture, not for each call. */
  counts(planId?: string): Promise<Partial<Record<TaskState, number>>>;
  /** Whether a task, of this plan if one is named, is in one of these states; however many there are. */
  hasAny(states: Iterable<TaskState>, planId?: string): Promise<boolean>;
  /** Tasks in state running, blocked or review that this agent holds. */
  heldBy(agent: string): Promise<Task[]>;
  /** Distinct `needs` among ready tasks: the buckets that candidates are taken from. */
  readyNeeds(): Promise<string[][]>;
  /** The best ready tasks of one bucket whose `not_before` is past, best first (priority with age, then id). */
  bestReady(needs: readonly string[], nowMs: number, limit: number): Promise<Task[]>;
  /** When the next waiting retry becomes ready; undefined when none waits. */
  nextNotBefore(nowMs: number): Promise<number | undefined>;
  dependenciesOf(id: string): Promise<string[]>;
  dependentsOf(id: string): Promise<string[]>;
  insert(task: Task): Promise<void>;
  save(task: Task): Promise<void>;
  addDependency(taskId: string, afterId: string): Promise<void>;
}

export interface AttemptTable {
  get(taskId: string, no: number): Promise<Attempt | undefined>;
  list(taskId: string): Promise<Attempt[]>;
  /** Attempts without an end. */
  listRunning(): Promise<Attempt[]>;
  /** Of an agent, those that ended, the last one first. */
  listEnded(agent: string, limit: number): Promise<Attempt[]>;
  save(attempt: Attempt): Promise<void>;
}

export interface GateRunTable {
  get(id: string): Promise<GateRun | undefined>;
  ofTask(taskId: string, fence: number): Promise<GateRun[]>;
  /** In order of id. */
  ofSolution(solutionId: string): Promise<GateRun[]>;
  /** Oldest queued run that may begin: of merges only one a plan at a time. */
  nextQueued(): Promise<GateRun | undefined>;
  /** Those being measured now, by whatever process. */
  running(): Promise<GateRun[]>;
  save(run: GateRun): Promise<void>;
}

export interface TopicTable {
  get(id: string): Promise<Topic | undefined>;
  /** Newest first. */
  list(state: TopicState | undefined, limit: number): Promise<Topic[]>;
  /** Proposing or voting with a deadline in the past. */
  due(nowMs: number): Promise<Topic[]>;
  save(topic: Topic): Promise<void>;
}

export interface SolutionTable {
  get(id: string): Promise<Solution | undefined>;
  ofTopic(topicId: string): Promise<Solution[]>;
  save(solution: Solution): Promise<void>;
}

export interface BallotTable {
  ofTopic(topicId: string, round: number): Promise<Ballot[]>;
  /** False when this voter has cast in this round. */
  insert(ballot: Ballot): Promise<boolean>;
}

export interface EscalationTable {
  get(id: string): Promise<Escalation | undefined>;
  /** Oldest first. */
  list(states: readonly EscalationState[], limit: number): Promise<Escalation[]>;
  ofTask(taskId: string): Promise<Escalation[]>;
  /** Unended ones below L3, oldest first: few. */
  climbing(): Promise<Escalation[]>;
  save(escalation: Escalation): Promise<void>;
}

interface StoredRequest {
  readonly agent: string;
  readonly requestId: string;
  /** SHA-256 of operation and canonical arguments. */
  readonly digest: string;
  /** JSON of the committed answer. */
  readonly answer: string;
  readonly callId: string;
  readonly atMs: number;
}

export interface RequestTable {
  get(agent: string, requestId: string): Promise<StoredRequest | undefined>;
  insert(request: StoredRequest): Promise<void>;
  /** Forgets what was answered in this call. */
  remove(agent: string, callId: string): Promise<void>;
}

export interface PolicyTable {
  get(hash: string): Promise<PolicySet | undefined>;
  list(): Promise<PolicySet[]>;
  insert(set: PolicySet): Promise<void>;
}

export interface AuditRow {
  readonly seq: number;
  readonly prevHash: string;
  readonly hash: string;
  readonly body: string;
}

export interface AuditFilter {
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly decision?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly afterSeq?: number;
  /** Newest first, for a tail. */
  readonly newestFirst?: boolean;
  readonly limit: number;
}

export interface AuditTable {
  /** Where the chain stands; undefined in an empty ledger. */
  head(): Promise<{ readonly seq: number; readonly hash: string } | undefined>;
  get(seq: number): Promise<AuditRow | undefined>;
  /** From `fromSeq` on, in order. */
  list(fromSeq: number, limit: number): Promise<AuditRow[]>;
  search(filter: AuditFilter): Promise<AuditRow[]>;
  payload(seq: number): Promise<{ nonce: string; payload: string } | undefined>;
  /** Chains and stores it; the last statement of a transaction. */
  append(body: string, payload: { nonce: string; payload: string } | undefined): Promise<AuditRow>;
}

/** One to four of them; a call needs no more. */
export type GuardSubjects = readonly [string, ...string[]];

export interface GuardTable {
  of(subjects: GuardSubjects): Promise<GuardOf<GuardKind>[]>;
  /** All of a kind, in order of subject. */
  list<Kind extends GuardKind>(kind: Kind): Promise<GuardOf<Kind>[]>;
  save(guard: Guard): Promise<void>;
}

export interface ViolationTable {
  insert(violation: Violation): Promise<void>;
  /** Newest first; of all agents where none is named. */
  list(agent: string | undefined, limit: number): Promise<Violation[]>;
  countSince(agent: string, sinceMs: number): Promise<number>;
}

export interface ApprovalTable {
  get(id: string): Promise<HeldAction | undefined>;
  /** Requested or granted for this very subject, oldest first. */
  openFor(subjectHash: string): Promise<HeldAction[]>;
  /** Newest first. */
  list(state: HeldAction["approval"]["state"] | undefined, limit: number): Promise<HeldAction[]>;
  ofTask(taskId: string): Promise<HeldAction[]>;
  /** Granted ones that nobody used in time. */
  due(nowMs: number): Promise<HeldAction[]>;
  save(action: HeldAction): Promise<void>;
}

export interface HeldReportTable {
  /** Not settled yet, in the order in which they came. */
  open(): Promise<HeldReport[]>;
  save(report: HeldReport): Promise<void>;
}

export interface NamedToken {
  readonly token: Token;
  /** Of an enrolment; null for the tokens it mints. */
  readonly name: string | null;
  /** Who answers for the agents that use it. */
  readonly principal: string;
}

export interface TokenTable {
  get(hash: string): Promise<NamedToken | undefined>;
  named(name: string): Promise<NamedToken | undefined>;
  ofAgent(agent: string): Promise<NamedToken[]>;
  list(filter: {
    readonly kind?: Token["kind"];
    readonly withRevoked: boolean;
    readonly limit: number;
  }): Promise<NamedToken[]>;
  save(token: NamedToken): Promise<void>;
}

/** Something that happened and is to be told outside; delivered at least once, in order. */
export interface OutboxEvent {
  /** Rises with each event of the project. */
  readonly number: number;
  /** "violation", "revoked", "stopped", "approval_requested", "alert" … */
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

export interface OutboxTable {
  insert(event: OutboxEvent): Promise<void>;
  list(afterNumber: number, limit: number): Promise<OutboxEvent[]>;
}

export interface PipelineTable {
  get(id: string): Promise<Pipeline | undefined>;
  /** The one whose present run has this topic. */
  ofTopic(topicId: string): Promise<Pipeline | undefined>;
  /** Running or orchestrating, in order of id. */
  open(): Promise<Pipeline[]>;
  /** Newest first. */
  list(limit: number): Promise<Pipeline[]>;
  save(pipeline: Pipeline): Promise<void>;
}

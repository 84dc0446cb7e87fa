import type { Task } from "../../src/core/task.ts";
import type { JsonObject } from "../../src/engine/call.ts";
import type { Chronicle } from "./chronicle.ts";
import { EscalationsModel } from "./escalation-model.ts";
import {
  checkClaim,
  checkMove,
  checkReport,
  checkStanding,
  checkVerified,
} from "./ledger-rules.ts";
import { MessageModel } from "./message-model.ts";
import type { RuleBook } from "./rule-book.ts";
import { RulesModel } from "./rules-model.ts";
import { Secrets } from "./secrets.ts";
import {
  isMove,
  isOpen,
  isSatisfied,
  type Effect,
  type Entry,
  type Outside,
  type RunModel,
  type SolutionModel,
  type TaskEffect,
  type TaskModel,
  type TopicModel,
} from "./task-model.ts";
import { castBallot, checkSolution, moveTopic } from "./topic-model.ts";
import { checkTopics } from "./topic-rules.ts";

/** What one committed transaction wrote, as far as the model wants to know. */
export interface Written {
  readonly tasks: Task[];
  readonly dependencies: (readonly [task: string, after: string])[];
  readonly entries: { readonly body: string; readonly payload: string | undefined }[];
}

interface Step {
  readonly entry: Entry;
  readonly processId: string;
  readonly args: JsonObject;
}

/**
 * The state of a project as its ledger tells it, kept beside the store and checked with each entry:
 * what the ledger does not say, or says wrongly, shows at once.
 */
export class LedgerModel {
  readonly tasks = new Map<string, TaskModel>();
  readonly runs = new Map<string, RunModel>();
  readonly topics = new Map<string, TopicModel>();
  readonly questions: EscalationsModel;
  readonly solutions = new Map<string, SolutionModel>();
  readonly plans = new Map<string, { readonly branch: string | null }>();
  /** The process that each agent is at; absent while it is offline. */
  readonly places = new Map<string, string>();
  readonly capabilities = new Map<string, readonly string[]>();
  readonly present = new Set<string>();
  /** Entries in their order. */
  readonly entries: Entry[] = [];
  readonly bodies: string[] = [];
  gatesInForce: readonly string[] = [];
  readonly chronicle: Chronicle;
  readonly outside: Outside;
  readonly rules: RulesModel;
  readonly messages: MessageModel;
  readonly secrets: Secrets;

  constructor(chronicle: Chronicle, outside: Outside, book: RuleBook) {
    this.chronicle = chronicle;
    this.outside = outside;
    this.messages = new MessageModel(this, chronicle);
    this.secrets = new Secrets(this.topics, chronicle);
    this.questions = new EscalationsModel(this, book);
    this.rules = new RulesModel(this, { book, chronicle, forwardMs: outside.forwardMs });
  }

  isPresent(processId: string): boolean {
    return this.present.has(processId);
  }

  /** Whether this process has the gate run, as the ledger sees it. */
  isRunningAt(runId: string, processId: string): boolean {
    const run = this.runs.get(runId);
    return run?.state === "running" && run.processId === processId;
  }

  running(agent: string): TaskModel[] {
    return [...this.tasks.values()].filter(
      ({ holder, state }) => holder === agent && state === "running",
    );
  }

  /** The topic that this task was made for. */
  servedBy(taskId: string): string | undefined {
    return this.tasks.get(taskId)?.serves;
  }

  requireTask(id: string): TaskModel | undefined {
    const task = this.tasks.get(id);
    if (task === undefined) this.chronicle.violate("task_unknown", `the ledger names ${id}`);
    return task;
  }

  /** Takes in what a process committed. */
  commit(processId: string, written: Written): void {
    for (const task of written.tasks) {
      const model = newTask(task);
      this.tasks.set(task.id, model);
      this.questions.ask(model);
    }
    for (const [task, after] of written.dependencies) this.tasks.get(task)?.after.add(after);
    for (const { body, payload } of written.entries) {
      const entry = JSON.parse(body) as Entry;
      this.entries.push(entry);
      this.bodies.push(body);
      const args = payload === undefined ? {} : ((JSON.parse(payload) ?? {}) as JsonObject);
      this.#apply({ entry, processId, args });
      this.secrets.look("ledger", () => body);
    }
  }

  /** Tasks, measurings and topics that have not come to a proper end. */
  unsettled(): string[] {
    const left: string[] = [];
    for (const task of this.tasks.values()) {
      if (isOpen(task) && !this.#waitsForPerson(task, new Set())) {
        left.push(`${task.id} is ${task.state} (${task.holder ?? "nobody"})`);
      }
      // A question whose task fails climbs; what else fails is put before a person.
      if (task.state === "failed" && !task.isPersonInformed && task.serves === undefined) {
        left.push(`${task.id} failed and no person knows`);
      }
    }
    for (const [id, run] of this.runs) {
      if (run.state === "queued" || run.state === "running") left.push(`${id} is ${run.state}`);
    }
    for (const topic of this.topics.values()) {
      if (topic.state === "proposing" || topic.state === "voting") {
        left.push(`${topic.id} is ${topic.state}`);
      }
    }
    for (const { task, agent } of this.rules.held) left.push(`a report of ${agent} on ${task}`);
    for (const stop of this.rules.stops) left.push(`the stop of ${stop}`);
    return left;
  }

  /** Pending behind something that failed for good, and it is a person's turn. */
  #waitsForPerson(task: TaskModel, seen: Set<string>): boolean {
    if (task.state !== "pending" || seen.has(task.id)) return false;
    seen.add(task.id);
    return [...task.after].some((id) => {
      const before = this.tasks.get(id);
      if (before === undefined || isSatisfied(before)) return false;
      return !isOpen(before) || this.#waitsForPerson(before, seen);
    });
  }

  #apply(step: Step): void {
    const { entry, args } = step;
    if (entry.action === "report_progress" && entry.decision === "allow") {
      checkReport(this, entry, args);
    }
    if (entry.action === "tasks_accept" && entry.decision === "allow") {
      const task = this.tasks.get(String(args["task_id"]));
      if (task !== undefined) task.isAccepted = true;
    }
    const rule = this.rules.begin(entry, args);
    for (const effect of entry.effects) {
      rule(effect);
      this.#applyEffect(step, effect);
    }
    this.rules.end(entry);
    checkStanding(this, entry);
    checkTopics(this, entry);
    this.questions.checkStanding(entry);
  }

  #applyEffect(step: Step, effect: Effect): void {
    if (isMove(effect)) return this.#moveTask(step, effect);
    switch (effect.type) {
      case "process":
        return this.#moveProcess(effect);
      case "agent":
        return this.#moveAgent(step, effect);
      case "gate_run":
        return this.#moveRun(step, effect);
      case "policy":
        if (effect.event === "applied") this.gatesInForce = effect["gates"] as readonly string[];
        return;
      case "plan":
        if (effect.event === "submitted") {
          this.plans.set(effect.id, { branch: (effect["branch"] as string | undefined) ?? null });
        }
        return;
      case "escalation":
        return this.questions.apply(step.entry, effect);
      case "topic":
        return moveTopic(this, effect, step.entry.actor);
      case "solution":
        return checkSolution(this, effect);
      case "ballot":
        return castBallot(this, effect, step.args);
      case "message":
      case "channel":
        return this.messages.apply(step, effect);
      default:
    }
  }

  #moveTask({ entry, args }: Step, effect: TaskEffect): void {
    const task = this.requireTask(effect.id);
    if (task === undefined) return;
    this.chronicle.count(`task ${effect.event}`);
    if (effect["why"] === "stalled") this.chronicle.count("stalled task taken");
    checkMove(this, task, effect);
    if (effect.event === "claimed") {
      checkClaim(this, task, { entry, args, effect });
      this.questions.checkClaim(entry.actor, task);
      task.claims += 1;
      task.basedOn = this.#mergedBefore(task);
    }
    if (effect.event === "submitted") {
      task.commit = (effect["commit"] as string | null | undefined) ?? null;
      task.reviewRuns = [];
      task.isAccepted = false;
      task.wantedGates = task.gates ?? this.gatesInForce;
    }
    if (effect.event === "verified") {
      checkVerified(this, task, effect);
      task.isVerified = true;
      if (task.commit !== null) task.doneCommits.push(task.commit);
    }
    if (effect.event === "reopened" || effect.event === "reopened_waiting") {
      task.isVerified = false;
      task.isPersonInformed = false;
      task.failures = 0;
      task.lostLeases = 0;
    }
    if (effect["failures"] !== undefined) task.failures += 1;
    // Whose holder was revoked, that says nothing of the task.
    if (effect["lost_by"] !== undefined && effect.event !== "taken_away") task.lostLeases += 1;
    task.state = effect.to;
    task.fence = effect.fence;
    task.holder = effect.holder ?? null;
    task.movedAtMs = this.chronicle.nowMs();
  }

  /** Of its dependencies in the same plan: what must be on the branch before it. */
  #mergedBefore({ after, planId }: TaskModel): string[] {
    return [...after].flatMap((id) => {
      const before = this.tasks.get(id);
      const commit = before?.planId === planId ? before.doneCommits.at(-1) : undefined;
      return commit === undefined ? [] : [commit];
    });
  }

  #moveProcess(effect: Effect): void {
    if (effect.event === "started" || effect.event === "revived") this.present.add(effect.id);
    else this.present.delete(effect.id);
    const { isDead, wasAway } = this.outside;
    if (effect.event === "gone" && !isDead(effect.id)) {
      this.chronicle.violate("alive_called_gone", effect.id);
    }
    if (effect.event === "silent" && !wasAway(effect.id)) {
      this.chronicle.violate("alive_called_silent", effect.id);
    }
    this.chronicle.count(`process ${effect.event ?? ""}`);
  }

  #moveAgent({ processId }: Step, effect: Effect): void {
    if (effect.event === "offline" || effect.event === "restored") this.places.delete(effect.id);
    if (effect.event === "registered" || effect.event === "resumed") {
      this.places.set(effect.id, processId);
    }
    if (Array.isArray(effect["capabilities"])) {
      this.capabilities.set(effect.id, effect["capabilities"] as readonly string[]);
    }
  }

  #moveRun({ processId }: Step, effect: Effect): void {
    const run = this.runs.get(effect.id);
    const state = effect.to ?? "";
    if ((run?.state ?? null) !== effect.from) {
      this.chronicle.violate(
        "effect_mismatch",
        `${effect.id} was ${run?.state ?? "not there"}, the ledger says ${String(effect.from)}`,
      );
    }
    if (effect.from === "running" && state === "queued") this.chronicle.count("gate run requeued");
    if (run !== undefined) {
      run.state = state;
      if (state === "running") run.processId = processId;
      return;
    }
    const task = String(effect["task"] ?? effect["solution"]);
    this.runs.set(effect.id, {
      task,
      gate: String(effect["gate"]),
      commit: effect["commit"] as string | null,
      state,
      processId: "",
    });
    this.tasks.get(task)?.reviewRuns.push(effect.id);
  }
}

function newTask({ id, planId, createdBy, spec, state, fence }: Task): TaskModel {
  return {
    id,
    planId,
    createdBy,
    kind: spec.kind,
    serves: spec.serves,
    priority: spec.priority,
    needs: spec.needs,
    gates: spec.gates,
    onFailure: spec.onFailure,
    after: new Set(),
    takers: { not: [], ...spec.takers },
    state,
    holder: null,
    fence,
    claims: 0,
    movedAtMs: 0,
    failures: 0,
    lostLeases: 0,
    isVerified: false,
    commit: null,
    doneCommits: [],
    basedOn: [],
    wantedGates: [],
    reviewRuns: [],
    isAccepted: false,
    isPersonInformed: false,
  };
}

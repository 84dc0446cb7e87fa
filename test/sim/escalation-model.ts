import type { Chronicle } from "./chronicle.ts";
import type { RuleBook } from "./rule-book.ts";
import { isOpen, type Effect, type Entry, type TaskModel } from "./task-model.ts";

/** What the ledger alone says of an escalation that has not ended. */
export interface EscalationModel {
  readonly id: string;
  readonly task: string | undefined;
  readonly raisedBy: string;
  readonly raisedAtMs: number;
  level: string;
  state: string;
  /** Simulated time since when it should have stood before a person. */
  lateSinceMs: number | undefined;
  /** Its clock stood still for a while: how long, only guvnor knows. */
  wasStopped: boolean;
}

interface Ledger {
  readonly tasks: ReadonlyMap<string, TaskModel>;
  readonly chronicle: Chronicle;
  readonly rules: { readonly stops: ReadonlySet<string> };
}

/** So long nobody may have looked: processes sleep, die, and find the store locked. */
const SLACK_MS = 90_000;
const LEVELS = ["L1", "L2", "L3"];

/** Questions as the ledger tells of them, and what must hold of each. */
export class EscalationsModel {
  readonly open = new Map<string, EscalationModel>();
  /** Of each question, the one at the highest level. */
  readonly #lastTask = new Map<string, string>();
  readonly #ended = new Map<string, string>();
  readonly #ledger: Ledger;
  readonly #book: RuleBook;

  constructor(ledger: Ledger, book: RuleBook) {
    this.#ledger = ledger;
    this.#book = book;
  }

  apply(entry: Entry, effect: Effect): void {
    const { chronicle, tasks } = this.#ledger;
    const { id, event = "" } = effect;
    const level = String(effect["level"]);
    chronicle.count(`escalation ${event}`);
    if (event === "raised") {
      if (level === "L3") chronicle.count("escalation raised for a person");
      const task = effect["task"] as string | undefined;
      const model: EscalationModel = {
        id,
        task,
        raisedBy: String(effect["raised_by"]),
        raisedAtMs: Date.parse(entry.at),
        level,
        state: "open",
        lateSinceMs: undefined,
        wasStopped: false,
      };
      this.open.set(id, model);
      const about = tasks.get(task ?? "");
      if (about !== undefined && level === "L3") about.isPersonInformed = true;
      return;
    }
    const model = this.open.get(id);
    if (model === undefined) {
      const was = this.#ended.get(id) ?? "not there";
      return chronicle.violate("escalation_after_end", `${id} ${event}: it is ${was}`);
    }
    if (effect.from !== model.state) {
      const told = `${id} ${event}: from ${effect.from ?? "nothing"}, it is ${model.state}`;
      chronicle.violate("effect_mismatch", told);
    }
    this.#checkLevel(model, event, level);
    model.level = level;
    model.state = effect.to ?? "";
    if (event === "prolonged") model.wasStopped = true;
    if (event !== "resolved" && event !== "withdrawn") return;
    this.open.delete(id);
    this.#ended.set(id, model.state);
    this.#checkEnd(model, effect);
  }

  #checkLevel(model: EscalationModel, event: string, level: string): void {
    const rise = LEVELS.indexOf(level) - LEVELS.indexOf(model.level);
    if (event === "climbed" ? rise > 0 : rise === 0) return;
    const climb = `${model.id} ${event}: ${model.level} to ${level}`;
    this.#ledger.chronicle.violate("level_not_rising", climb);
  }

  #checkEnd(model: EscalationModel, effect: Effect): void {
    const { chronicle } = this.#ledger;
    const by = effect["resolved_by"];
    if (typeof by !== "string" || effect.event !== "resolved") return;
    const isPerson = by.includes(":");
    chronicle.count(isPerson ? "question answered by a person" : "question answered by an agent");
    if (by === model.raisedBy) chronicle.violate("answered_by_requester", model.id);
    const how = String(effect["resolved_how"]);
    if (isPerson || how === "answer" || this.#book.leads.includes(by)) return;
    chronicle.violate("peer_decided", `${model.id}: ${by} ${how}`);
  }

  /** A task in which a question is put, at a new level. */
  ask({ id, serves }: TaskModel): void {
    if (serves !== undefined) this.#lastTask.set(serves, id);
  }

  /** Whoever takes a task that guvnor made for others, or puts a lead's question to itself. */
  checkClaim(agent: string, { id, takers, serves }: TaskModel): void {
    const { chronicle } = this.#ledger;
    if (takers.not.includes(agent)) chronicle.violate("question_to_requester", `${agent} ${id}`);
    if (takers.only !== undefined) {
      chronicle.count("lead's question taken");
      if (!this.#book.leads.includes(agent)) chronicle.violate("not_a_lead", `${agent} ${id}`);
    }
    if (serves !== undefined) chronicle.count("question taken");
  }

  /** What must hold after every entry. */
  checkStanding(entry: Entry): void {
    const { chronicle, tasks, rules } = this.#ledger;
    if (entry.effects.length > 0) {
      for (const task of tasks.values()) {
        if (task.serves?.startsWith("E") !== true || !isOpen(task)) continue;
        const isLast = this.#lastTask.get(task.serves) === task.id;
        if (this.open.has(task.serves) && (isLast || task.state === "running")) continue;
        chronicle.violate("question_left_open", `${task.id} for ${task.serves} is ${task.state}`);
      }
      for (const effect of entry.effects) this.#checkFreed(effect);
    }
    const nowMs = Date.parse(entry.at);
    const isStopped = [...rules.stops].some((stop) => !stop.startsWith("agent:"));
    for (const model of this.open.values()) {
      if (isStopped) model.wasStopped = true;
      const isLate = nowMs - model.raisedAtMs > this.#book.personByMs;
      if (model.level === "L3" || model.wasStopped || !isLate) {
        model.lateSinceMs = undefined;
        continue;
      }
      model.lateSinceMs ??= chronicle.nowMs();
      if (chronicle.nowMs() - model.lateSinceMs < SLACK_MS) continue;
      chronicle.violate("climb_late", `${model.id} is at ${model.level}`);
      model.wasStopped = true;
    }
  }

  /** An answer frees what waited for it, unless more was asked about it. */
  #checkFreed(effect: Effect): void {
    if (effect.type !== "escalation" || effect.event !== "resolved") return;
    const task = this.#ledger.tasks.get(String(effect["task"]));
    if (task?.state !== "blocked" || effect["resolved_by"] === undefined) return;
    if ([...this.open.values()].some((other) => other.task === task.id)) return;
    this.#ledger.chronicle.violate("blocked_after_answer", `${task.id} after ${effect.id}`);
  }
}

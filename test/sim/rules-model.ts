import { subjectHash, subjectOf, type Fields } from "../../src/core/approval-subject.ts";
import type { JsonObject } from "../../src/engine/call.ts";
import type { Chronicle } from "./chronicle.ts";
import { ruledCall, type RuleBook } from "./rule-book.ts";
import { isMove, type Effect, type Entry, type TaskEffect, type TaskModel } from "./task-model.ts";

export interface ApprovalModel {
  readonly id: string;
  readonly agent: string;
  readonly rule: string;
  readonly subject: string;
  /** Of the call that asked: what must be the same in the call that uses it. */
  readonly asked: string;
  state: string;
}

/** A report that came while its agent was stopped. */
interface HeldModel {
  readonly task: string;
  readonly agent: string;
  readonly callId: string;
  readonly args: JsonObject;
}

interface Ledger {
  readonly tasks: ReadonlyMap<string, TaskModel>;
  readonly runs: ReadonlyMap<string, { readonly state: string }>;
}

const RULES_OF_ALL = new Set(["stop", "default:deny", "tier:T0", "tier:T1"]);
/** Limits of the profile that the project's file does not replace. */
const LIMITS = ["calls", "errors", "denials", "parallel", "running", "minutes", "messages"];

/** What keeps agents in bounds, as the ledger tells it, and what must hold of it. */
export class RulesModel {
  /** "all", "project" and "agent:a1", as long as they hold. */
  readonly stops = new Set<string>();
  readonly revoked = new Set<string>();
  /** Of agents that are not at T2. */
  readonly lowered = new Set<string>();
  readonly approvals = new Map<string, ApprovalModel>();
  /** Not replayed yet, in their order. */
  readonly held: HeldModel[] = [];
  /** Reports that were kept at all, by their calls. */
  readonly kept = new Set<string>();
  /** Tasks of which something was kept. */
  readonly keptTasks = new Set<string>();
  /** Counted refusals that have no entry. */
  flooded = 0;
  /** Stops that the entry itself has raised. */
  readonly #raised = new Set<string>();
  readonly #book: RuleBook;
  readonly #ledger: Ledger;
  readonly #chronicle: Chronicle;
  /** Time that passed as the clock showed it, its steps back left out. */
  readonly #forwardMs: () => number;
  /** By limit and whose it is: when calls were let through. */
  readonly #admitted = new Map<string, number[]>();

  constructor(
    ledger: Ledger,
    given: {
      readonly book: RuleBook;
      readonly chronicle: Chronicle;
      readonly forwardMs: () => number;
    },
  ) {
    this.#ledger = ledger;
    this.#book = given.book;
    this.#chronicle = given.chronicle;
    this.#forwardMs = given.forwardMs;
  }

  /** Whether a stop holds for this agent. */
  isStopped(agent: string): boolean {
    return [...this.stops].some((stop) => covers(stop, agent));
  }

  /** Looks at an entry before its effects are applied. @returns what is to be called with each of them. */
  begin(entry: Entry, args: JsonObject): (effect: Effect) => void {
    this.#raised.clear();
    if (entry.channel !== "stdio") return (effect) => this.#apply(effect, { entry, args });
    const { actor } = entry;
    const wasStopped = this.isStopped(actor);
    this.#checkRevoked(entry);
    this.#checkDenials(entry, args);
    this.#countCall(entry, args);
    return (effect) => {
      if (isMove(effect)) this.#checkMove(effect, { entry, wasStopped });
      this.#apply(effect, { entry, args });
    };
  }

  /** What must hold after the effects. */
  end(entry: Entry): void {
    const { actor, rule, effects } = entry;
    if (entry.decision === "deny" && rule === "stop") {
      const wasResumed = effects.some(({ event }) => event === "resumed");
      if (!this.isStopped(actor) && !wasResumed) this.#violate("denied_for_nothing", entry.action);
    }
    for (const effect of effects) {
      if (isMove(effect) && effect.event === "submitted") this.#checkApproved(entry, effect.id);
    }
    if (entry.channel !== "stdio" || entry.decision !== "allow") return;
    if (effects.some(({ type, event }) => type === "plan" && event === "submitted")) {
      this.#checkApproved(entry, undefined);
    }
  }

  #apply(effect: Effect, { entry, args }: { entry: Entry; args: JsonObject }): void {
    switch (effect.type) {
      case "stop":
        return this.#moveStop(effect);
      case "agent":
        return this.#moveAgent(effect);
      case "approval":
        return this.#moveApproval(effect, entry, args);
      case "limit":
        this.#chronicle.count("flood of refusals");
        this.flooded += Number(effect["refused"]);
        return;
      case "violation":
        this.#chronicle.count(`violation ${String(effect["action"])}`);
        return;
      case "breaker":
        this.#chronicle.count(`breaker ${String(effect.to)}`);
        return;
      case "policy":
        if (effect.event === "shadow") this.#chronicle.count("shadow rule spoke");
        return;
      case "task":
        if (effect.event === "report_held") this.#hold(effect, entry, args);
        if (effect.event === "report_replayed") this.#replay(effect);
        return;
      default:
    }
  }

  #moveStop({ id, event }: Effect): void {
    const [scope = ""] = id.split(":");
    this.#chronicle.count(`${event} ${scope}`);
    if (event === "resumed") {
      if (!this.stops.delete(id)) this.#violate("effect_mismatch", `${id} was not stopped`);
      return;
    }
    if (this.stops.has(id)) this.#violate("effect_mismatch", `${id} was stopped already`);
    this.stops.add(id);
    this.#raised.add(id);
    const runs = [...this.#ledger.runs.values()];
    if (runs.some(({ state }) => state === "running")) {
      this.#chronicle.count("stopped while a gate runs");
    }
  }

  #moveAgent({ id, event, to }: Effect): void {
    if (event === "revoked") this.revoked.add(id);
    if (event === "restored") {
      this.revoked.delete(id);
      // It starts with nothing: what it did before is forgotten.
      for (const key of this.#admitted.keys())
        if (key.endsWith(` ${id}`)) this.#admitted.delete(key);
    }
    if (event === "revoked" || event === "restored") this.#chronicle.count(`agent ${event}`);
    if (event !== "tier") return;
    if (to === "T2") this.lowered.delete(id);
    else this.lowered.add(id);
    this.#chronicle.count("tier changed");
  }

  #hold({ id }: Effect, { actor, call_id: callId }: Entry, args: JsonObject): void {
    this.#chronicle.count("report held");
    this.held.push({ task: id, agent: actor, callId, args });
    this.kept.add(callId);
    this.keptTasks.add(id);
  }

  /** Each once, and an agent's own in the order in which they came. */
  #replay({ id, by, outcome }: Effect): void {
    const at = this.held.findIndex(({ agent }) => agent === by);
    const [report] = at < 0 ? [] : this.held.splice(at, 1);
    const accepted = outcome === "accepted";
    this.#chronicle.count(accepted ? "held report accepted" : `held report ${String(outcome)}`);
    if (report?.task !== id) {
      return this.#violate("report_replayed_wrongly", `${id} by ${String(by)}`);
    }
    // A report that is replayed may itself be what stops the rest.
    const isOld = [...this.stops].some(
      (stop) => !this.#raised.has(stop) && covers(stop, report.agent),
    );
    if (isOld) this.#violate("replayed_while_stopped", id);
    if (!accepted) return;
    if (this.revoked.has(report.agent) && report.args["status"] !== "failed") {
      this.#violate("revoked_changed", `a held report of ${report.agent} on ${id} was accepted`);
    }
    this.#checkNotDenied({ actor: report.agent, action: "report_progress" }, report.args);
  }

  #moveApproval(effect: Effect, entry: Entry, args: JsonObject): void {
    const { id, from, to = "" } = effect;
    const { action, actor } = entry;
    this.#chronicle.count(`approval ${to}`);
    const known = this.approvals.get(id);
    if (known === undefined) {
      // Asked for by a held report: the next one to be replayed.
      const asking = this.held.find(({ agent }) => !this.isStopped(agent));
      this.approvals.set(id, {
        id,
        agent: isReplayed(effect, entry) ? (asking?.agent ?? "") : actor,
        rule: String(effect["rule"]),
        subject: String(effect["subject"]),
        asked: whatCounts(args),
        state: to,
      });
      return;
    }
    // More than one yes may be needed: the first one changes nothing.
    if (known.state !== from) {
      const name = to === "used" ? "grant_used_twice" : "effect_mismatch";
      this.#violate(name, `${id} was ${known.state}, now ${to}`);
    }
    known.state = to;
    if (to !== "used" || isReplayed(effect, entry)) return;
    // A yes hangs on its task: whoever holds that now may use it.
    const isOfItsTask = effect["task"] !== undefined && effect["task"] === args["task_id"];
    if (known.agent !== actor && !isOfItsTask) {
      this.#violate("grant_of_another", `${actor} used ${id}`);
    }
    if (action === "submit_plan" && whatCounts(args) !== known.asked) {
      this.#violate("not_what_was_approved", `${id}: ${whatCounts(args)}`);
    }
  }

  /** While an agent is stopped nothing moves by its calls; whoever is found gone in one loses its lease. */
  #checkMove(
    effect: TaskEffect,
    { entry, wasStopped }: { entry: Entry; wasStopped: boolean },
  ): void {
    const { actor, action, effects } = entry;
    const isStopped = this.isStopped(actor);
    if (effect.event === "claimed" && isStopped) {
      this.#violate("granted_while_stopped", `${effect.id} to ${actor}`);
    }
    // Others were found gone in this call, or another stop than its own was over with it.
    const isOthers = effects.some(
      ({ type, event }) =>
        (type === "process" && event === "gone") || (type === "stop" && event === "resumed"),
    );
    // Looking is still allowed; who does it too often may lose its token, and what it holds.
    const isRevoked = followsTakenAway(effect, entry);
    if (wasStopped && isStopped && !isOthers && !isRevoked) {
      this.#violate("moved_while_stopped", `${effect.id} ${effect.event} by ${actor}'s ${action}`);
    }
    if (effect.event === "claimed") this.#checkRunning(effect, actor);
    if (effect.to === "running" && this.revoked.has(effect.holder ?? "")) {
      this.#violate("revoked_changed", `${effect.id} ${effect.event} for ${effect.holder}`);
    }
  }

  #checkRevoked({ actor, action, decision, effects }: Entry): void {
    if (!this.revoked.has(actor)) return;
    this.#chronicle.count("call of a revoked agent");
    if (decision === "allow" || decision === "replayed") {
      this.#violate("revoked_changed", `${actor}'s ${action} was answered`);
    }
    if (effects.some(({ type, event }) => type === "task" && event === "report_held")) {
      this.#violate("revoked_changed", `${actor}'s report was kept`);
    }
  }

  #checkDenials({ actor, action, decision, rule }: Entry, args: JsonObject): void {
    if (decision === "allow") this.#checkNotDenied({ actor, action }, args);
    if (decision !== "deny") return;
    const isOfFile = this.#book.rules.some(({ id }) => id === rule);
    this.#chronicle.count(`denied by ${isOfFile ? "a rule" : (rule ?? "nothing")}`);
    const isKnown =
      rule !== null &&
      (RULES_OF_ALL.has(rule) || LIMITS.some((id) => rule === `limit:${id}`) || isOfFile);
    if (!isKnown && rule?.startsWith("breaker:") !== true)
      this.#violate("denial_without_rule", `${action} of ${actor}: ${rule}`);
  }

  #checkNotDenied(call: { actor: string; action: string }, args: JsonObject): void {
    const task = this.#ledger.tasks.get(String(args["task_id"]));
    const ruled = ruledCall(call, args, task);
    const denying = this.#book.rules.find(({ effect, holds }) => effect === "deny" && holds(ruled));
    if (denying !== undefined) {
      this.#violate("denied_and_done", `${call.action} of ${call.actor} against ${denying.id}`);
    }
  }

  /** What needs a yes had one for each rule that asks, for the very commit that was submitted. */
  #checkApproved(entry: Entry, taskId: string | undefined): void {
    const { effects, actor } = entry;
    const task = this.#ledger.tasks.get(taskId ?? "");
    // A mediator's word ends its task: nothing was reported.
    if (entry.action === "propose_solution" && task?.serves !== undefined) return;
    const isReport = task !== undefined;
    const call = { actor, action: isReport ? "report_progress" : "submit_plan" };
    const ruled = ruledCall(call, { status: "done" }, task);
    for (const { id, effect, holds } of this.#book.rules) {
      if (effect !== "require_approval" || !holds(ruled)) continue;
      const used = effects.find(
        ({ type, to, rule, task: about }) =>
          type === "approval" && to === "used" && rule === id && (!isReport || about === task.id),
      );
      const what = task?.id ?? "a plan";
      if (used === undefined) {
        this.#violate("not_approved", `${what} against ${id}`);
      } else if (isReport && used["subject"] !== subjectOfDone(task)) {
        this.#violate("not_what_was_approved", `${used.id}: ${what} ${task.commit}`);
      }
    }
  }

  /** A window never lets through more than it promises; waiting calls are counted when they begin. */
  #countCall({ actor, action, rule, decision }: Entry, args: JsonObject): void {
    // What a call of a flood did beside (it came back, it got a token) has an entry; the call has none.
    const isCountedOnly = decision === "system";
    const isRefused = isCountedOnly || rule === "stop" || rule?.startsWith("limit:") === true;
    if (isRefused || args["wait_seconds"] !== undefined) return;
    for (const { id, of, metric, max, perMs } of this.#book.limits) {
      if (metric !== "calls" || perMs === null) continue;
      // Who registers is not known before; it counts for its process.
      if (of === "agent" && (action === "register_agent" || actor === "unknown")) continue;
      const key = of === "agent" ? `${id} ${actor}` : id;
      const nowMs = this.#forwardMs();
      const before = this.#admitted.get(key) ?? [];
      const inWindow = [...before.filter((atMs) => nowMs - atMs < perMs), nowMs];
      this.#admitted.set(key, inWindow);
      if (inWindow.length > max) {
        this.#violate("limit_exceeded", `${key}: ${inWindow.length} of ${max} in ${perMs} ms`);
      }
    }
  }

  #checkRunning({ id, holder }: TaskEffect, actor: string): void {
    for (const { of, metric, max } of this.#book.limits) {
      if (metric !== "running_tasks") continue;
      const running = [...this.#ledger.tasks.values()].filter(
        (task) => task.state === "running" && (of === "project" || task.holder === holder),
      );
      if (running.length + 1 > max) {
        this.#violate("limit_exceeded", `${actor} claimed ${id} beside ${running.length} running`);
      }
    }
  }

  #violate(name: string, detail: string): void {
    this.#chronicle.violate(name, detail);
  }
}

function covers(stop: string, agent: string): boolean {
  return stop === "all" || stop === "project" || stop === `agent:${agent}`;
}

/** What a held report did when work was resumed, by whoever's call that was. */
function isReplayed(effect: Effect, { effects }: Entry): boolean {
  return (
    effects.indexOf(effect) < effects.findLastIndex(({ event }) => event === "report_replayed")
  );
}

const HOW_IT_IS_CALLED = new Set(["request_id", "wait_seconds", "session"]);

function whatCounts(args: JsonObject): string {
  const entries = Object.entries(args).filter(([name]) => !HOW_IT_IS_CALLED.has(name));
  return JSON.stringify(Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

function subjectOfDone({ id, commit }: TaskModel): string {
  const facts: Fields = commit === null ? {} : { commit };
  return subjectHash(subjectOf("report_progress", { task_id: id, status: "done" }, facts));
}

/** What becomes of a task that was taken away, and of a question about it that nobody asks any more. */
function followsTakenAway({ id, event, serves }: TaskEffect, { effects }: Entry): boolean {
  const taken = new Set(
    effects.filter((each) => each.event === "taken_away").map((each) => each.id),
  );
  const question = effects.find((each) => each.type === "escalation" && each.id === serves);
  const isOfTaken = event === "cancelled" && taken.has(String(question?.["task"]));
  return taken.has(id) || isOfTaken;
}

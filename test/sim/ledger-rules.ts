import { TASK_TRANSITIONS } from "../../src/core/task-machine.ts";
import type { JsonObject } from "../../src/engine/call.ts";
import type { Chronicle } from "./chronicle.ts";
import {
  isMove,
  isOpen,
  isSatisfied,
  type Entry,
  type Outside,
  type RunModel,
  type TaskEffect,
  type TaskModel,
} from "./task-model.ts";

/** What the rules look at. */
interface Ledger {
  readonly tasks: ReadonlyMap<string, TaskModel>;
  readonly runs: ReadonlyMap<string, RunModel>;
  readonly plans: ReadonlyMap<string, { readonly branch: string | null }>;
  readonly places: ReadonlyMap<string, string>;
  readonly capabilities: ReadonlyMap<string, readonly string[]>;
  readonly present: ReadonlySet<string>;
  readonly chronicle: Chronicle;
  readonly outside: Outside;
  readonly rules: { isStopped(agent: string): boolean };
  running(agent: string): TaskModel[];
}

/** A report counts only from the holder, under the fence that the task has now. */
export function checkReport({ tasks, chronicle }: Ledger, entry: Entry, args: JsonObject): void {
  const task = tasks.get(String(args["task_id"]));
  if (task === undefined) return;
  const { fence } = args;
  const said = `${entry.actor} reported ${String(args["status"])} on ${task.id}`;
  if (fence !== undefined && fence !== task.fence) {
    chronicle.violate(
      "stale_write",
      `${said} under fence ${JSON.stringify(fence)}, it is ${task.fence}`,
    );
  }
  if (task.holder !== entry.actor) {
    chronicle.violate("stale_write", `${said}, which ${task.holder ?? "nobody"} holds`);
  }
}

/** States move only along the table, and from where the ledger left them. */
export function checkMove({ chronicle }: Ledger, task: TaskModel, effect: TaskEffect): void {
  const { event, from, to } = effect;
  if (from !== task.state) {
    const where = `${task.id} is ${task.state}, ${event} says it was ${from}`;
    chronicle.violate(event === "claimed" ? "double_claim" : "effect_mismatch", where);
  }
  const allowed: readonly string[] = TASK_TRANSITIONS[event]?.from ?? [];
  if (!allowed.includes(from) || TASK_TRANSITIONS[event]?.to !== to) {
    chronicle.violate("bad_transition", `${task.id} ${event}: ${from} to ${to}`);
  }
  if (event !== "claimed" && effect.fence !== task.fence) {
    const change = `${task.fence} to ${effect.fence}`;
    chronicle.violate("fence_changed", `${task.id} ${event}: fence ${change} without a claim`);
  }
}

/** One holder at a time, in the order of dependencies, under a new fence. */
export function checkClaim(
  ledger: Ledger,
  task: TaskModel,
  { entry, args, effect }: { entry: Entry; args: JsonObject; effect: TaskEffect },
): void {
  const { chronicle, tasks, outside } = ledger;
  const claim = `${entry.actor} claimed ${task.id}`;
  if (effect.fence <= task.fence) {
    chronicle.violate("fence_not_rising", `${claim} under ${effect.fence} after ${task.fence}`);
  }
  if (task.holder !== null) {
    chronicle.violate("double_claim", `${claim}, which ${task.holder} holds`);
  }
  if (effect.holder !== entry.actor) {
    chronicle.violate("wrong_holder", `${claim} for ${effect.holder ?? "nobody"}`);
  }
  for (const id of task.after) {
    const before = tasks.get(id);
    if (before !== undefined && isSatisfied(before)) continue;
    chronicle.violate("dependency_order", `${claim} before ${id}, which is ${before?.state}`);
  }
  const isNamed = args["task_id"] !== undefined;
  const held = ledger.running(entry.actor).length;
  if (held >= (isNamed ? outside.parallel : 1)) {
    chronicle.violate("too_many_running", `${claim} while running ${held}`);
  }
  const own = ledger.capabilities.get(entry.actor) ?? [];
  const asked = isNamed ? undefined : (args["capabilities"] as readonly string[] | undefined);
  const lacking = task.needs.filter((need) => !(asked ?? own).includes(need));
  if (lacking.length > 0)
    chronicle.violate("not_capable", `${claim} without ${lacking.join(", ")}`);
}

/** Done once an opening, and only with what was measured or a person has seen. */
export function checkVerified(ledger: Ledger, task: TaskModel, effect: TaskEffect): void {
  const { chronicle, outside } = ledger;
  if (task.isVerified) chronicle.violate("done_twice", `${task.id} is verified again`);
  const by = effect["verified_by"] as "gates" | "person" | null;
  const runs = task.reviewRuns.flatMap((id) => ledger.runs.get(id) ?? []);
  const passed = (gate: string): boolean =>
    runs.some((run) => run.gate === gate && run.state === "pass" && run.commit === task.commit);
  if (by === null && task.wantedGates.length > 0) {
    chronicle.violate("done_unmeasured", `${task.id} without ${task.wantedGates.join(", ")}`);
  }
  if (by === "gates") {
    for (const gate of task.wantedGates) {
      const wasSeen = task.commit !== null && outside.isMeasured(task.commit, gate);
      if (!passed(gate) || !wasSeen) chronicle.violate("done_unmeasured", `${task.id}: ${gate}`);
    }
  }
  if (by === "person" && !task.isAccepted) {
    chronicle.violate("done_unmeasured", `${task.id} by a person who did not accept it`);
  }
  const branch = ledger.plans.get(task.planId ?? "")?.branch ?? null;
  if (branch !== null && task.commit !== null && !passed("merge")) {
    chronicle.violate("done_unmerged", `${task.id} is not in ${branch}`);
  }
}

/** What must hold after every entry. */
export function checkStanding(ledger: Ledger, entry: Entry): void {
  if (entry.effects.length === 0) return;
  for (const task of ledger.tasks.values()) {
    if (task.state === "running") checkHolder(ledger, task, entry);
    if (task.state === "pending" || task.state === "ready") checkDependencies(ledger, task);
    if ((task.holder !== null) !== (task.state === "running" || isParked(task))) {
      const holder = task.holder ?? "nobody";
      ledger.chronicle.violate("wrong_holder", `${task.id} is ${task.state}, held by ${holder}`);
    }
  }
  for (const effect of entry.effects) {
    if (!isMove(effect)) continue;
    if (effect.to === "failed" || effect.to === "cancelled") checkCascade(ledger, effect.id);
    if (effect.event !== "sent_back" || effect.holder === undefined) continue;
    if (ledger.running(effect.holder).length > 1) {
      ledger.chronicle.violate("too_many_running", `${effect.id} was sent back to a busy agent`);
    }
  }
}

function isParked({ state }: TaskModel): boolean {
  return state === "blocked" || state === "review";
}

/** Agents of ended processes hold nothing running, but that nothing is taken from who is stopped. */
function checkHolder(
  { places, present, chronicle, rules }: Ledger,
  task: TaskModel,
  entry: Entry,
): void {
  const place = places.get(task.holder ?? "");
  if (place !== undefined && present.has(place)) return;
  if (rules.isStopped(task.holder ?? "")) return chronicle.count("lease kept while stopped");
  const where = place === undefined ? "offline" : `at ${place}, which has ended`;
  chronicle.violate(
    "held_by_ended",
    `${task.id} runs, ${task.holder} is ${where} (${entry.action})`,
  );
}

function checkDependencies({ tasks, chronicle }: Ledger, task: TaskModel): void {
  const isFree = [...task.after].every((id) => {
    const before = tasks.get(id);
    return before !== undefined && isSatisfied(before);
  });
  if (isFree === (task.state === "ready")) return;
  chronicle.violate(
    isFree ? "left_pending" : "dependency_order",
    `${task.id} is ${task.state} after ${[...task.after].map((id) => `${id}:${tasks.get(id)?.state}`).join(", ")}`,
  );
}

function checkCascade({ tasks, chronicle }: Ledger, id: string): void {
  const ended = tasks.get(id);
  if (ended?.onFailure !== "cancel" || isOpen(ended)) return;
  for (const task of tasks.values()) {
    if (task.after.has(id) && isOpen(task)) {
      chronicle.violate("cascade_missing", `${id} ${ended.state}, ${task.id} is ${task.state}`);
    }
  }
}

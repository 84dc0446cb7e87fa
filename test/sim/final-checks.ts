import { checkChain } from "../../src/core/audit-chain.ts";
import { OPEN_STATES, type Attempt, type Task } from "../../src/core/task.ts";
import { recomputeTopic } from "../../src/engine/board/recompute-topic.ts";
import type { CallAnswer } from "../../src/engine/call.ts";
import { nameOfScope, readStops } from "../../src/engine/rules/stops.ts";
import type { ReadTx } from "../../src/store/store.ts";
import { field } from "./agent.ts";
import type { CallRecord, Machine } from "./machine.ts";
import { isOpen, type Entry, type TaskModel } from "./task-model.ts";

const ALL = 100_000;

/** What can be said only when all is over. @returns the hash of the ledger's last entry. */
export async function checkEnd(machine: Machine): Promise<string> {
  checkCalls(machine);
  checkReplays(machine);
  return await machine.store.read(machine.scope, async (tx) => {
    const head = await checkLedger(machine, tx);
    for (const task of await tx.tasks.list({ limit: ALL })) await checkTask(machine, tx, task);
    await checkPlans(machine, tx);
    await checkTopics(machine, tx);
    await checkRules(machine, tx);
    await checkQuestions(machine, tx);
    await checkPresence(machine, tx);
    await machine.ledger.messages.check(tx);
    return head;
  });
}

async function checkLedger({ ledger, chronicle }: Machine, tx: ReadTx): Promise<string> {
  const rows = await tx.audit.list(1, ALL);
  const chain = checkChain(rows);
  if (!chain.ok) chronicle.violate("chain_broken", chain.broken.message);
  const bodies = rows.map(({ body }) => body);
  if (
    bodies.length !== ledger.bodies.length ||
    bodies.some((body, i) => body !== ledger.bodies[i])
  ) {
    chronicle.violate(
      "entry_lost",
      `${ledger.bodies.length} were written, ${bodies.length} are there`,
    );
  }
  return rows.at(-1)?.hash ?? "";
}

/** Every call has exactly one entry, and no entry is without its call. */
function checkCalls({ calls, ledger, chronicle, processes }: Machine): void {
  const written = new Map<string, number>();
  for (const { call_id: id, decision } of ledger.entries) {
    if (decision !== "system") written.set(id, (written.get(id) ?? 0) + 1);
  }
  for (const [id, count] of written) {
    if (!calls.has(id)) chronicle.violate("entry_without_call", id);
    if (count > 1) chronicle.violate("entry_twice", calls.get(id)?.operation ?? id);
  }
  for (const [id, { answer, operation, processId }] of calls) {
    const hasEntry = written.has(id);
    if (answer === undefined) {
      const process = processes.find((each) => each.id === processId);
      if (process?.state !== "dead")
        chronicle.violate("wait_never_ended", `${operation} of ${processId}`);
    } else if (hasEntry ? isUnrecorded(answer.body["code"]) : !isCountedOnly(answer)) {
      chronicle.violate("entry_missing", `${operation}: ${JSON.stringify(answer.body)}`);
    }
  }
}

/** Of a flood of refusals each window has one entry, and a count of the others. */
function isCountedOnly(answer: CallAnswer): boolean {
  // Who floods while it is stopped is told that it is stopped.
  const { code, reason } = answer.body;
  const isStopped = code === "stopped" || reason === "stopped";
  return isUnrecorded(code) || isLimited(answer) || isStopped;
}

/** Nothing was done, and the caller knows: there was no way to write the entry. */
function isUnrecorded(code: unknown): boolean {
  return code === "busy" || code === "storage_failed";
}

/** The same request under the same id is answered the same and does nothing twice. */
function checkReplays({ calls, ledger, chronicle }: Machine): void {
  const kept = new Map<string, { readonly call: CallRecord; readonly entry: Entry }>();
  /** Reports that came while everything was stopped. */
  const held = new Set<string>();
  for (const entry of ledger.entries) {
    // What was granted and taken back may be asked for again.
    for (const { undelivered_call: undelivered } of entry.effects) {
      for (const [key, { call }] of kept) if (call.callId === undelivered) kept.delete(key);
    }
    const call = calls.get(entry.call_id);
    const requestId = call?.args["request_id"];
    if (call === undefined || typeof requestId !== "string") continue;
    const key = `${entry.actor} ${requestId}`;
    const first = kept.get(key);
    if (entry.decision === "allow") {
      // That there is no task is not kept.
      if (entry.action === "request_task" && entry.target === null) continue;
      // Says who calls; whoever says it again is answered anew.
      if (entry.action === "register_agent") continue;
      if (first !== undefined) chronicle.violate("request_done_twice", `${key}: ${entry.action}`);
      kept.set(key, { call, entry });
    } else if (entry.effects.some(({ event }) => event === "report_held")) {
      held.add(key);
    } else if (entry.decision === "replayed") {
      chronicle.count("replay");
      if (first === undefined && held.has(key)) {
        // Nobody was answered when it was taken, after the stop; it may have missed something.
        const accepted = call.answer?.body["accepted"];
        if (typeof accepted !== "boolean") chronicle.violate("replay_differs", key);
      } else if (first === undefined) chronicle.violate("replay_of_nothing", key);
      else if (!isSameAnswer(first.call, call)) {
        chronicle.violate("replay_differs", `${key}: ${JSON.stringify(call.answer?.body)}`);
      }
    }
  }
}

function isSameAnswer(first: CallRecord, second: CallRecord): boolean {
  // A waiting call may have got a later answer than the one that was committed.
  if (first.answer === undefined || second.answer === undefined) return true;
  if (first.args["wait_seconds"] !== undefined && first.operation !== "request_task") return true;
  return JSON.stringify(first.answer.body) === JSON.stringify(second.answer.body);
}

async function checkTask(machine: Machine, tx: ReadTx, task: Task): Promise<void> {
  const { ledger, chronicle } = machine;
  const model = ledger.tasks.get(task.id);
  if (model === undefined)
    return chronicle.violate("effect_mismatch", `${task.id} is not in the ledger`);
  const facts = [
    ["state", task.state, model.state],
    ["holder", task.holder, model.holder],
    ["fence", task.fence, model.fence],
    // Taken-back and released claims count for nothing.
    ["failures", task.failures, model.failures],
    ["lost leases", task.lostLeases, model.lostLeases],
  ] as const;
  for (const [name, stored, told] of facts) {
    if (stored === told) continue;
    const isCount = name === "failures" || name === "lost leases";
    chronicle.violate(
      isCount ? "counted_wrongly" : "effect_mismatch",
      `${task.id} ${name}: ${stored} stored, the ledger says ${told}`,
    );
  }
  let open = 0;
  for (const id of model.after) {
    const before = await tx.tasks.get(id);
    if (before === undefined || !isSatisfiedRow(before)) open += 1;
  }
  // Of an ended task the count means nothing: who reopens it counts anew.
  if (isOpen(model) && open !== task.openDependencies) {
    const found = `${task.openDependencies} stored, ${open} are open`;
    chronicle.violate("dependencies_miscounted", `${task.id}: ${found}`);
  }
  checkAttempts(machine, { task, model, attempts: await tx.attempts.list(task.id) });
}

function isSatisfiedRow({ state, spec }: Task): boolean {
  if (state === "done") return true;
  return (state === "failed" || state === "cancelled") && spec.onFailure === "skip";
}

/** One attempt a claim, under rising fences, and none left open. */
function checkAttempts(
  { chronicle }: Machine,
  { task, model, attempts }: { task: Task; model: TaskModel; attempts: readonly Attempt[] },
): void {
  if (attempts.length !== model.claims) {
    const found = `${model.claims} claims, ${attempts.length} attempts`;
    chronicle.violate("attempts_miscounted", `${task.id}: ${found}`);
  }
  let fence = 0;
  for (const attempt of attempts) {
    if (attempt.fence <= fence) chronicle.violate("fence_not_rising", `${task.id}/${attempt.no}`);
    fence = attempt.fence;
    const isLast = attempt.no === task.attemptNo;
    const isHeld = isLast && task.holder !== null;
    if ((attempt.endedAtMs === null) !== isHeld) {
      const how = attempt.outcome ?? "open";
      chronicle.violate("attempt_left_open", `${task.id}/${attempt.no} is ${how}, ${task.state}`);
    }
  }
}

async function checkPlans({ ledger, chronicle }: Machine, tx: ReadTx): Promise<void> {
  for (const plan of await tx.plans.list(ALL)) {
    const tasks = [...ledger.tasks.values()].filter(({ planId }) => planId === plan.id);
    const isOver = tasks.every((task) => !isOpen(task) && task.state !== "failed");
    const ended = tasks.some((task) => task.state === "done") ? "done" : "cancelled";
    if (plan.state === (isOver ? ended : "open")) continue;
    const states = tasks.map(({ id, state }) => `${id} ${state}`).join(", ");
    chronicle.violate("plan_state", `${plan.id} is ${plan.state}: ${states}`);
  }
}

/** Every decision comes out the same when it is counted again from the ledger. */
async function checkTopics({ ledger, chronicle }: Machine, tx: ReadTx): Promise<void> {
  for (const { id, isClosed } of ledger.topics.values()) {
    if (!isClosed) continue;
    const answer = await recomputeTopic(tx, id);
    if (answer["same"] === true) chronicle.count("topic recomputed");
    else
      chronicle.violate("recomputed_otherwise", `${id}: ${JSON.stringify(answer["differences"])}`);
  }
}

async function checkQuestions({ ledger, chronicle }: Machine, tx: ReadTx): Promise<void> {
  const stored = await tx.escalations.list(["open", "acknowledged"], ALL);
  const told = [...ledger.questions.open.values()];
  const [here, there] = [stored, told].map((list) =>
    list.map(({ id, level, state }) => `${id} ${level} ${state}`).join(),
  );
  if (here !== there) chronicle.violate("effect_mismatch", `questions: ${here} and not ${there}`);
  // Below L3 somebody can answer it; one that was raised late, by who slept until now, is still there.
  for (const { id, level, climbs } of stored) {
    const taskId = climbs.at(-1)?.taskId ?? null;
    const task = taskId === null ? undefined : await tx.tasks.get(taskId);
    const isAsked = task !== undefined && OPEN_STATES.has(task.state);
    if (isAsked !== (level !== "L3")) chronicle.violate("question_forgotten", `${id} at ${level}`);
  }
}

/** What the store keeps of the rules is what the ledger says of them. */
async function checkRules({ ledger, chronicle, calls }: Machine, tx: ReadTx): Promise<void> {
  const { rules } = ledger;
  const report = (what: string, stored: readonly string[], told: readonly string[]): void => {
    const [here, there] = [stored.toSorted().join(), told.toSorted().join()];
    if (here !== there) chronicle.violate("effect_mismatch", `${what}: ${here} and not ${there}`);
  };
  const stops = (await readStops(tx)).filter(({ endedAtMs }) => endedAtMs === null);
  report(
    "stops",
    stops.map(({ scope }) => nameOfScope(scope)),
    [...rules.stops],
  );
  const open = await tx.heldReports.open();
  report(
    "held reports",
    open.map(({ callId }) => callId),
    rules.held.map(({ callId }) => callId),
  );
  const approvals = await tx.approvals.list(undefined, ALL);
  report(
    "approvals",
    approvals.map(({ approval: { id, state } }) => `${id} ${state}`),
    [...rules.approvals.values()].map(({ id, state }) => `${id} ${state}`),
  );
  const agents = await tx.agents.list();
  report(
    "revoked agents",
    agents.filter(({ state }) => state === "revoked").map(({ name }) => name),
    [...rules.revoked],
  );
  report(
    "agents below T2",
    agents.filter(({ tier }) => tier !== "T2").map(({ name }) => name),
    [...rules.lowered],
  );
  for (const [id, { answer, args }] of calls) {
    const isStored = field(answer?.body["details"], "stored") === true;
    // What an agent says again and again is kept once.
    const isKept = rules.kept.has(id) || rules.keptTasks.has(String(args["task_id"]));
    if (isStored && !isKept) chronicle.violate("report_lost", id);
  }
  const floods = await tx.guards.list("limit");
  const uncounted = floods.reduce((sum, { state }) => sum + (state.flood?.refused ?? 0), 0);
  const refused = [...calls.values()].filter(({ answer }) => isLimited(answer)).length;
  const entries = ledger.entries.filter(({ rule }) => rule?.startsWith("limit:")).length;
  if (refused > entries + rules.flooded + uncounted) {
    const told = `${entries} entries, ${rules.flooded} and ${uncounted} counted`;
    chronicle.violate("refusal_uncounted", `${refused} calls were refused: ${told}`);
  }
}

/** Refused by a limit. */
function isLimited(answer: CallAnswer | undefined): boolean {
  const { code, reason, details } = answer?.body ?? {};
  return code === "limited" || reason === "limit" || field(details, "limit") !== undefined;
}

/** Everybody has gone home. */
async function checkPresence({ chronicle, processes }: Machine, tx: ReadTx): Promise<void> {
  const present = await tx.processes.listPresent();
  const dead = new Set(processes.filter(({ state }) => state === "dead").map(({ id }) => id));
  // Whoever died last has nobody left to see it; what it held was given to others before.
  const lingering = present.filter(({ id }) => !dead.has(id));
  if (lingering.length > 0) chronicle.violate("process_left", lingering.map(({ id }) => id).join());
  const there = new Set(present.map(({ id }) => id));
  for (const agent of await tx.agents.list()) {
    if (agent.state === "revoked") continue;
    // Restored, and it has not called since.
    if (agent.state === "offline" && dead.has(agent.processId)) continue;
    if ((agent.state === "offline") === !there.has(agent.processId)) continue;
    chronicle.violate("agent_state", `${agent.name} is ${agent.state} at ${agent.processId}`);
  }
}

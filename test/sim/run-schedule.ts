import { GuvnorError } from "../../src/core/errors.ts";
import { createProject } from "../../src/engine/create-project.ts";
import { agentOperations } from "../../src/engine/person/agent-operations.ts";
import { approvalOperations } from "../../src/engine/person/approval-operations.ts";
import { boardOperations } from "../../src/engine/person/board-operations.ts";
import { escalationOperations } from "../../src/engine/person/escalation-operations.ts";
import { messageOperations } from "../../src/engine/person/message-operations.ts";
import { stopOperations } from "../../src/engine/person/stop-operations.ts";
import { taskOperations } from "../../src/engine/person/task-operations.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { planChaos } from "./chaos.ts";
import { Chronicle, type Violation } from "./chronicle.ts";
import { EventQueue } from "./event-queue.ts";
import { checkEnd } from "./final-checks.ts";
import { startCloser, startFleet, type Fleet } from "./fleet.ts";
import { LedgerModel } from "./ledger-model.ts";
import type { Machine } from "./machine.ts";
import { order, type Person } from "./order.ts";
import { preside } from "./person.ts";
import { makePlan, makeSettings } from "./plans.ts";
import { Random } from "./random.ts";
import { Repository } from "./repository.ts";
import { makeRuleBook } from "./rule-book.ts";
import { SimProcess } from "./sim-process.ts";
import type { WrapTx } from "./sim-store.ts";

/** So long honest agents may take for what is left. */
const CALM_MS = 45 * 60_000;
/** A process that slept has beaten again after so long. */
const WAKING_MS = 5000;
const LAST_CALLS_MS = 60_000;
const OPERATIONS = [
  ...TOOLS,
  ...agentOperations,
  ...approvalOperations,
  ...boardOperations,
  ...escalationOperations,
  ...messageOperations,
  ...stopOperations,
  ...taskOperations,
];

export interface ScheduleOptions {
  /** One database for many schedules; a fresh one in memory otherwise. */
  readonly store?: Store;
  /** Plants a bug between engine and store. */
  readonly wrapTx?: WrapTx;
}

export interface ScheduleStats {
  readonly calls: number;
  readonly entries: number;
  readonly tasks: number;
  readonly crashes: number;
  readonly simulatedMs: number;
  /** How often each kind of event happened. */
  readonly counts: ReadonlyMap<string, number>;
}

export interface ScheduleResult {
  readonly seed: number;
  readonly ok: boolean;
  /** Everything that happened, readable; built when it is asked for. */
  readonly story: () => string;
  readonly violations: readonly Violation[];
  readonly stats: ScheduleStats;
  /** Hash of the ledger's last entry. */
  readonly head: string;
}

let schedules = 0;

/** One story: ten agents, a few plans and a person, and all that can go wrong; the same for the same seed. */
export async function runSchedule(
  seed: number,
  options: ScheduleOptions = {},
): Promise<ScheduleResult> {
  const store = options.store ?? (await openSqlite({ file: ":memory:" }));
  const machine = createMachine(seed, store);
  const fleet: Fleet = {
    machine,
    agents: [],
    operations: OPERATIONS,
    gateWorkers: machine.random.int(1, 3),
    wrapTx: options.wrapTx,
  };
  const person = createPerson(fleet);
  await begin(person);
  startFleet(fleet);
  const chaosMs = machine.random.between(25_000, 80_000);
  planChaos(fleet, chaosMs);
  await runUntil(machine, () => machine.queue.nowMs >= chaosMs);
  machine.isCalm = true;
  machine.chronicle.say("---", "from here on nothing breaks and everybody is honest");
  startCloser(fleet, "closer");
  await runUntil(machine, () => machine.ledger.unsettled().length === 0, CALM_MS);
  for (const left of machine.ledger.unsettled()) machine.chronicle.violate("task_lost", left);
  await end(fleet);
  const head = await checkEnd(machine);
  if (options.store === undefined) await store.close();
  return describeResult(seed, machine, head);
}

function createMachine(seed: number, store: Store): Machine {
  const queue = new EventQueue();
  const chronicle = new Chronicle(() => queue.nowMs);
  const measured = new Map<string, Set<string>>();
  const isMeasured = (commit: string, gate: string): boolean =>
    measured.get(commit)?.has(gate) === true;
  const processes: Machine["processes"] = [];
  const isDead = (processId: string): boolean =>
    processes.some(({ id, state }) => id === processId && state === "dead");
  const wasAway = (processId: string): boolean =>
    processes.some(({ id, state, resumedAtMs }) => {
      const wokeNow = resumedAtMs > 0 && queue.nowMs - resumedAtMs < WAKING_MS;
      return id === processId && (state !== "running" || wokeNow);
    });
  schedules += 1;
  const random = new Random(seed);
  const book = makeRuleBook(random);
  const repository = new Repository(new Map([["README", "hello"]]));
  repository.heads.set("/main", repository.root);
  const forwardMs = (): number => queue.nowMs + machine.clockForwardMs;
  const outside = { isMeasured, parallel: book.parallel, isDead, wasAway, forwardMs };
  const machine: Machine = {
    random,
    queue,
    chronicle,
    ledger: new LedgerModel(chronicle, outside, book),
    book,
    repository,
    store,
    // The ledger names the project but not the tenant: the same seed tells the same story.
    scope: { tenant: `schedule-${schedules}`, project: "sim" },
    processes,
    calls: new Map(),
    measured,
    measuring: new Set(),
    merges: new Map(),
    clockOffsetMs: 0,
    clockForwardMs: 0,
    globalStop: undefined,
    isCalm: false,
    isOver: false,
    nextPid: 0,
  };
  return machine;
}

function createPerson({ machine, operations, gateWorkers, wrapTx }: Fleet): Person {
  const process = new SimProcess(machine, {
    name: "ann",
    agentName: undefined,
    directory: "/main",
    isContained: false,
    isServing: false,
    isMeasuring: false,
    operations,
    gateWorkers,
    wrapTx,
    onDeath: () => {},
  });
  return { machine, process, name: "ann" };
}

/** The project with its settings and first plan, before the fleet comes. */
async function begin(person: Person): Promise<void> {
  const { machine, process } = person;
  const { random, ledger } = machine;
  let isBegun = false;
  const source = `${makeSettings(random)}${machine.book.yaml}`;
  const start = async (): Promise<void> => {
    const settings = { source, file: "guvnor.yaml" };
    const project = { name: "sim", root: "/main", settings, operatorKeyHash: null, by: "ann" };
    while (!ledger.bodies.some((body) => body.includes('"create_project"'))) {
      await createProject(process.deps, project).catch((error: unknown) => {
        if (!(error instanceof GuvnorError) || error.code !== "busy") throw error;
      });
    }
    while (ledger.plans.size === 0) {
      const plan = makePlan(random, ledger.gatesInForce, { isPerson: true, number: 1 });
      await order(person, "submit_plan", plan);
    }
    isBegun = true;
    await preside(person);
  };
  void start().catch((error: unknown) => {
    machine.chronicle.violate("simulation_error", String(error));
    isBegun = true;
  });
  await runUntil(machine, () => isBegun);
}

async function runUntil(
  machine: Machine,
  isThere: () => boolean,
  limitMs = Infinity,
): Promise<void> {
  const { queue } = machine;
  const lastMs = queue.nowMs + limitMs;
  while (!isThere() && queue.nowMs < lastMs) {
    if (!(await queue.step())) return;
  }
}

/** Agents and the person go home, calls in flight end, processes close in order. */
async function end(fleet: Fleet): Promise<void> {
  const { machine, agents } = fleet;
  machine.isOver = true;
  machine.chronicle.say("---", "all is done");
  const isCalling = (): boolean =>
    [...machine.calls.values()].some(
      ({ answer, processId }) =>
        answer === undefined &&
        machine.processes.some(({ id, state }) => id === processId && state !== "dead"),
    );
  await runUntil(machine, () => !isCalling(), LAST_CALLS_MS + CALM_MS / 10);
  let open = 0;
  for (const process of new Set(agents.map((agent) => agent.process))) {
    if (process.state === "dead") continue;
    open += 1;
    void process.close().finally(() => {
      open -= 1;
    });
  }
  await runUntil(machine, () => open === 0, LAST_CALLS_MS + CALM_MS / 10);
  // The person may just have begun one more.
  await runUntil(machine, () => !isCalling(), LAST_CALLS_MS);
  if (open > 0) machine.chronicle.violate("wait_never_ended", `${open} processes do not close`);
}

function describeResult(seed: number, machine: Machine, head: string): ScheduleResult {
  const { chronicle, ledger, calls, queue } = machine;
  const { violations, counts } = chronicle;
  return {
    seed,
    ok: violations.length === 0,
    story: () => chronicle.text(),
    violations,
    stats: {
      calls: calls.size,
      entries: ledger.entries.length,
      tasks: ledger.tasks.size,
      crashes: counts.get("crash") ?? 0,
      simulatedMs: queue.nowMs,
      counts,
    },
    head,
  };
}

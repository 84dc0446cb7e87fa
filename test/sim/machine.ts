import type { CallAnswer, Caller, JsonObject } from "../../src/engine/call.ts";
import type { GlobalStop, ProcessIdentity } from "../../src/engine/ports.ts";
import type { Store } from "../../src/store/store.ts";
import type { Chronicle } from "./chronicle.ts";
import type { EventQueue } from "./event-queue.ts";
import type { LedgerModel } from "./ledger-model.ts";
import type { Random } from "./random.ts";
import type { Repository } from "./repository.ts";
import type { RuleBook } from "./rule-book.ts";

/** One call as the outside saw it. */
export interface CallRecord {
  readonly callId: string;
  readonly processId: string;
  readonly who: string;
  readonly caller: Caller["kind"];
  readonly operation: string;
  readonly args: JsonObject;
  readonly startedMs: number;
  /** Undefined while it runs, and for ever where its process died. */
  answer?: CallAnswer;
}

/** What others need to know of a process. */
export interface ProcessHandle {
  readonly id: string;
  readonly identity: ProcessIdentity;
  readonly state: "running" | "suspended" | "dead";
  readonly agents: readonly string[];
  /** Simulated time at which it last went on after a suspension. */
  readonly resumedAtMs: number;
  /** Something was committed; its waiting calls and gate workers look again. */
  hear(): void;
  /** There may be something to see for those who watch the others. */
  watchClosely(): void;
}

/** A measuring that goes on in a workspace. */
export interface Measuring {
  readonly processId: string;
  readonly runId: string;
  readonly slot: string;
  /** The next user of the workspace has killed what it found running there. */
  isKilled: boolean;
}

/** What all processes of one schedule share. */
export interface Machine {
  readonly random: Random;
  readonly queue: EventQueue;
  readonly chronicle: Chronicle;
  readonly ledger: LedgerModel;
  readonly repository: Repository;
  readonly store: Store;
  readonly book: RuleBook;
  readonly scope: { readonly tenant: string; readonly project: string };
  readonly processes: ProcessHandle[];
  readonly calls: Map<string, CallRecord>;
  /** Commits with the gates that passed on them. */
  readonly measured: Map<string, Set<string>>;
  readonly measuring: Set<Measuring>;
  /** Merge results, with the task whose commit went in. */
  readonly merges: Map<string, { readonly task: string; readonly theirs: string }>;
  /** What people set the clock to, relative to the true one. */
  clockOffsetMs: number;
  /** All its steps forward together. */
  clockForwardMs: number;
  /** What a person said for all projects. */
  globalStop: GlobalStop | undefined;
  /** Nothing breaks any more, everybody is honest. */
  isCalm: boolean;
  /** Everything has come to its end. */
  isOver: boolean;
  nextPid: number;
}

const START_OF_TIME_MS = Date.UTC(2030, 0, 1);

/** What clocks show; people set them, and one clock serves the whole machine. */
export function wallClock({ clockOffsetMs }: Machine, atMs: number): number {
  return Math.floor(START_OF_TIME_MS + atMs + clockOffsetMs);
}

/** Whether somebody who should beat does not: only then are the others' looks worth simulating closely. */
export function hasSilentProcess(machine: Machine): boolean {
  return machine.processes.some(
    ({ id, state }) => state !== "running" && machine.ledger.isPresent(id),
  );
}

/** No breaker of the simulation is open for longer: a profile's second opening. */
const LONGEST_OPEN_S = 120;
/** A call answers this long after its time at the latest, suspensions not counted. */
const SLACK_MS = 4000;

/** Tells the story and checks how long it took. @returns how long the call was ready to wait. */
export function noteAnswer(
  { chronicle, ledger }: Machine,
  { callId, who, caller, operation, args, answer }: CallRecord,
  tookMs: number,
): number {
  const { body = {}, isError } = answer ?? {};
  chronicle.say(who, `${operation} ${JSON.stringify(args)} →`, body);
  chronicle.count(isError === true ? `refused ${String(body["code"])}` : "answered");
  if (body["code"] === "breaker_open") checkBreaker({ chronicle, ledger }, { callId, args }, body);
  const reader = caller === "person" ? undefined : who.replace(/@.*$/, "");
  ledger.secrets.look(reader, () => JSON.stringify(body));
  if (body["code"] === "internal") chronicle.violate("internal_error", operation);
  const waitMs = Number(args["wait_seconds"] ?? 0) * 1000;
  if (waitMs > 0 && answer?.takeBack !== undefined) chronicle.count("wait granted");
  if (tookMs > waitMs + SLACK_MS) {
    chronicle.violate("wait_too_long", `${who} ${operation} took ${tookMs} ms`);
  }
  return waitMs;
}

/** Only an agent's own task, with which it shows that it is well again, may take longer. */
function checkBreaker(
  { chronicle, ledger }: Pick<Machine, "chronicle" | "ledger">,
  { callId, args }: Pick<CallRecord, "callId" | "args">,
  body: JsonObject,
): void {
  const details = body["details"] as JsonObject | undefined;
  const seconds = Number(details?.["retry_after_seconds"]);
  const actor = ledger.entries.findLast((entry) => entry.call_id === callId)?.actor;
  // What it runs it is given again, breaker or not.
  const isTrying = [...ledger.tasks.values()].some(
    ({ holder, state }) =>
      holder === actor && (state !== "running" || args["task_id"] !== undefined),
  );
  if (seconds <= LONGEST_OPEN_S || isTrying) return;
  chronicle.violate("breaker_stuck", `${actor} is told to wait ${seconds} s`);
}

export function wakeAll(machine: Machine): void {
  for (const process of machine.processes) if (process.state !== "dead") process.hear();
}

import { createHash } from "node:crypto";

import type { CallAnswer, Caller, Governor, JsonObject } from "../../src/engine/call.ts";
import type { EngineDeps } from "../../src/engine/deps.ts";
import { createGovernor } from "../../src/engine/governed-call.ts";
import type { Operation } from "../../src/engine/operation.ts";
import type { ProcessIdentity } from "../../src/engine/ports.ts";
import { createProcessLoop, type ProcessLoop } from "../../src/engine/process-loop.ts";
import { createEmbeddedIssuer } from "../../src/engine/rules/embedded-issuer.ts";
import { createToolTypes } from "../../src/engine/tool-types.ts";
import { POLICY_ENGINE } from "../../src/policy/policy-engine.ts";
import type { ChangeWatch } from "../../src/store/store.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { measureNext } from "../support/measure-next.ts";
import {
  hasSilentProcess,
  noteAnswer,
  wallClock,
  type Machine,
  type ProcessHandle,
} from "./machine.ts";
import { createGates, createGit, createProcesses, type Measurer } from "./sim-ports.ts";
import { createSimStore, type WrapTx } from "./sim-store.ts";

const toolTypes = createToolTypes(TOOLS);

const LATENCY_MS = { read: 2, write: 8, git: 40 } as const;
/** Share of the hints of commits that never arrives. */
const LOST_HINTS = 0.05;
const DIES_MEASURING = 0.06;
/** Processes that watch the others closely: all would, but that costs more than it shows. */
const OBSERVERS = 0.5;

export interface ProcessPlan {
  /** Said in the story. */
  readonly name: string;
  readonly agentName: string | undefined;
  readonly directory: string;
  /** In a pid namespace of its own: nobody sees it die. */
  readonly isContained: boolean;
  /** Serves agents: beats and watches. A person's command does not. */
  readonly isServing: boolean;
  readonly isMeasuring: boolean;
  readonly operations: readonly Operation[];
  readonly gateWorkers: number;
  readonly wrapTx: WrapTx | undefined;
  readonly onDeath: (process: SimProcess) => void;
}

export interface CallRequest {
  readonly who: string;
  readonly operation: string;
  readonly args: JsonObject;
  readonly caller?: Caller;
  /** The client cancels after so long. */
  readonly cancelAfterMs?: number;
  /** The answer is written to a pipe that nobody reads any more. */
  readonly isUndelivered?: boolean;
}

function quiet(): void {}

type Moment = "before commit" | "after commit";
type Fate = { readonly at: Moment; readonly suspendMs: number | undefined };

/** One guvnor process: the real engine over ports that lie in simulated time, and may die or sleep at any. */
export class SimProcess implements ProcessHandle, Measurer {
  readonly id: string;
  readonly identity: ProcessIdentity;
  readonly plan: ProcessPlan;
  readonly machine: Machine;
  readonly agents: string[] = [];
  state: ProcessHandle["state"] = "running";
  resumedAtMs = 0;
  readonly #deps: EngineDeps;
  readonly #governor: Governor;
  readonly #loop: ProcessLoop;
  readonly #stopping = new AbortController();
  readonly #watches = new Set<() => void>();
  /** What goes on when the process does. */
  #parked: (() => void)[] = [];
  #fate: Fate | undefined;
  #nextSecret: string;
  #heard = 0;
  #isHearing = false;
  #tick = 0;
  #nextTickMs = Infinity;
  #isTicking = false;
  /** The others' rounds would find what a few of them find; they look at longer intervals. */
  readonly #isObserver: boolean;
  #suspendedMs = 0;
  #measurer: Promise<void> | undefined;
  #settler: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(machine: Machine, plan: ProcessPlan) {
    this.machine = machine;
    this.plan = plan;
    const { random, processes } = machine;
    this.#nextSecret = random.hex(8);
    this.identity = this.#newIdentity();
    this.id = `${plan.name}.${processes.length + 1}`;
    this.#deps = this.#createDeps();
    this.#isObserver = plan.isServing && random.chance(OBSERVERS);
    this.#governor = createGovernor(this.#deps, plan.operations);
    this.#loop = createProcessLoop(this.#deps);
    processes.push(this);
    if (!plan.isServing) return;
    this.#tickAfter(random.between(100, 2000));
    this.#settler = this.#settleForever();
    if (plan.isMeasuring) this.#measurer = this.#measureForever();
  }

  get deps(): EngineDeps {
    return this.#deps;
  }

  /** One call of a client; undefined when the client did not get to know the answer. */
  async call(request: CallRequest): Promise<CallAnswer | undefined> {
    const { machine } = this;
    const { who, operation, args, caller } = request;
    const callId = this.#nextSecret.slice(0, 32);
    const startedMs = machine.queue.nowMs;
    const asleepMs = this.#suspendedMs;
    const kind = caller?.kind ?? "agent";
    const record = { callId, processId: this.id, who, caller: kind, operation, args, startedMs };
    machine.calls.set(callId, record);
    const cancelled = this.#cancelAfter(request.cancelAfterMs);
    const stopped = this.#stopping.signal;
    const signal = cancelled === undefined ? stopped : AbortSignal.any([cancelled, stopped]);
    const answer = await this.#governor.call({
      operation,
      args,
      caller: caller ?? { kind: "agent", channel: "stdio", clientName: this.plan.name },
      signal,
    });
    machine.calls.set(callId, { ...record, answer });
    const tookMs = machine.queue.nowMs - startedMs - (this.#suspendedMs - asleepMs);
    const waitMs = noteAnswer(machine, { ...record, answer }, tookMs);
    const isLost = request.isUndelivered === true || (cancelled?.aborted === true && waitMs > 0);
    if (!isLost) return answer;
    machine.chronicle.count("answer lost");
    if (answer.takeBack === undefined) return undefined;
    machine.chronicle.say(who, "the answer did not arrive; its grant is taken back");
    await answer.takeBack().catch(() => machine.chronicle.count("take-back failed"));
    return undefined;
  }

  #cancelAfter(ms: number | undefined): AbortSignal | undefined {
    if (ms === undefined) return undefined;
    const controller = new AbortController();
    this.machine.queue.after(ms, () => controller.abort());
    return controller.signal;
  }

  /** Goes through in simulated time; never comes back where the process died before. */
  async operate<T>(kind: keyof typeof LATENCY_MS, run: () => Promise<T>): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const attempt = async (): Promise<void> => {
        if (kind === "write") this.#meet("before commit");
        if (this.#isHeld(() => void attempt())) return;
        const deliver = await run().then(
          (value) => () => resolve(value),
          (error: unknown) => () => reject(error instanceof Error ? error : new Error("?")),
        );
        if (kind === "write") this.#meet("after commit");
        if (!this.#isHeld(deliver)) deliver();
      };
      const { queue, random } = this.machine;
      queue.after(random.next() * LATENCY_MS[kind], attempt);
    });
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        if (!this.#isHeld(finish)) resolve();
      };
      this.machine.queue.after(ms, finish);
      signal?.addEventListener("abort", finish, { once: true });
    });
  }

  watch(): ChangeWatch {
    let seen = this.#heard;
    let notify: (() => void) | undefined;
    const listener = (): void => notify?.();
    this.#watches.add(listener);
    return {
      next: async (timeoutMs, signal) => {
        if (this.#heard === seen && !signal.aborted) {
          await new Promise<void>((resolve) => {
            notify = resolve;
            void this.sleep(timeoutMs, signal).then(resolve);
          });
          notify = undefined;
        }
        seen = this.#heard;
      },
      close: () => void this.#watches.delete(listener),
    };
  }

  hear(): void {
    const { queue, random } = this.machine;
    if (this.#watches.size === 0 || this.#isHearing || random.chance(LOST_HINTS)) return;
    this.#isHearing = true;
    const heard = (): void => {
      if (this.#isHeld(heard)) return;
      this.#isHearing = false;
      this.#heard += 1;
      for (const listener of this.#watches) listener();
    };
    queue.after(random.between(1, 600), heard);
  }

  watchClosely(): void {
    if (!this.plan.isServing || this.state !== "running" || this.#isTicking) return;
    const { random, queue } = this.machine;
    const ms = random.between(100, this.#isObserver ? 2000 : 8000);
    if (queue.nowMs + ms < this.#nextTickMs) this.#tickAfter(ms);
  }

  measures(durationMs: number): void {
    const { isCalm, random, queue } = this.machine;
    if (isCalm || !random.chance(DIES_MEASURING)) return;
    queue.after(random.next() * durationMs, () => {
      if (this.machine.isCalm || this.state === "dead") return;
      this.machine.chronicle.count("gate process died");
      this.kill("while it measures");
    });
  }

  /** Something happens to it in the middle of its next transaction. */
  doom(fate: Fate): void {
    this.#fate = fate;
  }

  kill(how: string): void {
    if (this.state === "dead") return;
    const { chronicle, ledger } = this.machine;
    this.state = "dead";
    this.#parked = [];
    this.#watches.clear();
    chronicle.say(this.id, `is killed ${how}`);
    chronicle.count("crash");
    chronicle.count(`crash ${how}`);
    if (this.plan.isContained) chronicle.count("crash unseen");
    if (this.agents.some((agent) => ledger.running(agent).length > 0)) {
      chronicle.count("crash while holding");
    }
    this.#beWatched();
    this.plan.onDeath(this);
  }

  suspend(ms: number, how: string): void {
    if (this.state !== "running") return;
    const { machine } = this;
    this.state = "suspended";
    machine.chronicle.say(this.id, `is suspended for ${Math.round(ms / 1000)} s ${how}`);
    machine.chronicle.count("suspended");
    const sinceMs = machine.queue.nowMs;
    machine.queue.after(ms, () => {
      if (this.state !== "suspended") return;
      this.#suspendedMs += machine.queue.nowMs - sinceMs;
      this.state = "running";
      this.resumedAtMs = machine.queue.nowMs;
      machine.chronicle.say(this.id, "goes on");
      machine.chronicle.count("suspended process resumed");
      if (!machine.ledger.isPresent(this.id)) machine.chronicle.count("ended process resumed");
      const parked = this.#parked;
      this.#parked = [];
      for (const go of parked) machine.queue.after(machine.random.next() * 20, go);
      if (this.plan.isServing && !this.#isTicking)
        this.#tickAfter(machine.random.between(20, 1500));
    });
    this.#beWatched();
  }

  /** The client closes the pipe: calls in flight end, then the process says good-bye. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    if (this.state === "dead") return;
    this.machine.chronicle.say(this.id, "is closed");
    this.machine.chronicle.count("closed");
    this.#stopping.abort();
    this.#tick += 1;
    await this.#measurer;
    await this.#settler;
    await this.#loop.end().catch(() => this.machine.chronicle.count("end failed"));
    if (this.#isHeld(() => {})) return;
    this.state = "dead";
    this.#watches.clear();
    // One whose good-bye failed is silent from now on.
    if (hasSilentProcess(this.machine)) this.#beWatched();
  }

  #beWatched(): void {
    for (const process of this.machine.processes) process.watchClosely();
  }

  /** @returns whether `go` must wait, or will never be. */
  #isHeld(go: () => void): boolean {
    if (this.state === "suspended") this.#parked.push(go);
    return this.state !== "running";
  }

  #meet(moment: Moment): void {
    const fate = this.#fate;
    if (fate?.at !== moment || this.state !== "running") return;
    this.#fate = undefined;
    if (this.machine.isCalm) return;
    if (fate.suspendMs === undefined) this.kill(moment);
    else this.suspend(fate.suspendMs, moment);
  }

  #tickAfter(ms: number): void {
    this.#tick += 1;
    this.#nextTickMs = this.machine.queue.nowMs + ms;
    const mine = this.#tick;
    const run = (): void => {
      if (mine !== this.#tick || this.#isHeld(run)) return;
      void this.#tickOnce();
    };
    this.machine.queue.after(ms, run);
  }

  /** Rounds in which there is nothing to see are left out; a long gap counts as two ticks only. */
  async #tickOnce(): Promise<void> {
    const { machine } = this;
    const startedMs = machine.queue.nowMs;
    this.#isTicking = true;
    const hasFailed = await this.#loop.tick().then(
      () => false,
      () => true,
    );
    if (hasFailed) machine.chronicle.count("tick failed");
    this.#isTicking = false;
    if (this.#stopping.signal.aborted) return;
    // One that failed is done again soon, and so is the first one after a sleep.
    const isUrgent = hasFailed || this.resumedAtMs > startedMs;
    const [shortest, longest] = isUrgent ? [20, 1500] : this.#tickGap(hasSilentProcess(machine));
    this.#tickAfter(machine.random.between(shortest, longest));
  }

  /** Where somebody is silent everybody beats in time, and the observers look as often as they would. */
  #tickGap(isSilent: boolean): readonly [number, number] {
    if (!isSilent) return [10_000, 18_000];
    return this.#isObserver ? [1500, 3500] : [5000, 8000];
  }

  /** Beside the beats, which do not wait for it. */
  async #settleForever(): Promise<void> {
    const { signal } = this.#stopping;
    const { machine } = this;
    while (!signal.aborted) {
      await this.sleep(machine.random.between(8000, 20_000), signal);
      if (signal.aborted) return;
      await this.#loop.settle().catch(() => machine.chronicle.count("settling failed"));
    }
  }

  async #measureForever(): Promise<void> {
    const { signal } = this.#stopping;
    const watch = this.watch();
    while (!signal.aborted) {
      try {
        if (await measureNext(this.#deps, signal)) continue;
      } catch {
        this.machine.chronicle.count("gate worker failed");
      }
      await watch.next(10_000, signal);
    }
    watch.close();
  }

  #newIdentity(): ProcessIdentity {
    const { machine, plan } = this;
    const { random, processes } = machine;
    const dead = processes.filter(({ state }) => state === "dead");
    const isReused = dead.length > 0 && random.chance(0.3);
    machine.nextPid += 1;
    const number = machine.nextPid;
    return {
      host: "box",
      bootId: "boot",
      pidNamespace: plan.isContained ? `container-${number}` : "box",
      pid: isReused ? random.pick(dead).identity.pid : 1000 + number,
      startTime: String(number),
      parentPid: 100 + number,
      parentStartTime: String(number),
    };
  }

  #createDeps(): EngineDeps {
    const { machine, plan } = this;
    return {
      store: createSimStore(machine, this, plan.wrapTx),
      scope: machine.scope,
      now: () => wallClock(machine, machine.queue.nowMs),
      monotonic: () => machine.queue.nowMs,
      random: () => machine.random.next(),
      newSecret: () => {
        const secret = this.#nextSecret;
        this.#nextSecret = machine.random.hex(8);
        return secret;
      },
      sha256: (text) => createHash("sha256").update(text).digest("hex"),
      processes: createProcesses(machine, this.identity),
      processId: this.id,
      git: createGit(machine, this),
      gates: createGates(machine, this),
      issuer: createEmbeddedIssuer(undefined),
      globalStop: () => machine.globalStop,
      settingsFile: () => undefined,
      policy: POLICY_ENGINE,
      toolTypes,
      settings: {
        agentName: plan.agentName,
        directory: plan.directory,
        principal: "sim",
        gateWorkers: plan.gateWorkers,
        refreshMs: 30_000,
      },
      log: { info: quiet, warn: quiet, error: quiet },
    };
  }
}

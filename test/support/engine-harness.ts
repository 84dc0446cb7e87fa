import { createHash } from "node:crypto";

import { canonicalJson, toJson } from "../../src/core/canonical-json.ts";
import type { WriteContext } from "../../src/engine/call-context.ts";
import type { CallAnswer, Caller, Governor, JsonObject } from "../../src/engine/call.ts";
import { createProject } from "../../src/engine/create-project.ts";
import type { EngineDeps, EngineSettings } from "../../src/engine/deps.ts";
import { createGovernor } from "../../src/engine/governed-call.ts";
import type { Operation } from "../../src/engine/operation.ts";
import type {
  GateRunner,
  GitPort,
  GlobalStop,
  MeasureRequest,
  Measurement,
  TokenIssuer,
} from "../../src/engine/ports.ts";
import { createProcessLoop, type ProcessLoop } from "../../src/engine/process-loop.ts";
import { createEmbeddedIssuer } from "../../src/engine/rules/embedded-issuer.ts";
import { systemAct } from "../../src/engine/system-act.ts";
import { createToolTypes } from "../../src/engine/tool-types.ts";
import { POLICY_ENGINE } from "../../src/policy/policy-engine.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { AuditRow, ReadTx, Scope, Store } from "../../src/store/store.ts";
import type { ToolDefinition } from "../../src/tools/define-tool.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { measureNext } from "./measure-next.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

const toolTypes = createToolTypes(TOOLS);

const SCOPE: Scope = { tenant: "local", project: "test" };
/** Longer than any test; the virtual clock decides when a wait is over. */
const NEVER_MS = 2 ** 31 - 1;

export interface FleetOptions {
  /** What can be called, as app.ts would put it together. */
  readonly operations: readonly Operation[];
  readonly seed?: number;
  readonly settings?: Partial<EngineSettings>;
  /** What differs from process to process. */
  readonly settingsOf?: (process: string) => Partial<EngineSettings>;
  /** What vouches for the agents of a process; undefined: itself. */
  readonly issuerOf?: (process: string) => TokenIssuer | undefined;
  readonly git?: GitPort;
  /** The text of guvnor.yaml, applied when the project is made. */
  readonly guvnorYaml?: string;
  /** What a person says for all projects of the user. */
  readonly globalStop?: EngineDeps["globalStop"];
  readonly operatorKeyHash?: string;
  /** Default: in memory. */
  readonly store?: Store;
  /** Default: silent but for errors. */
  readonly log?: EngineDeps["log"];
}

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onWaiting?: (waitedMs: number) => void;
}

/** One entry of the ledger: its body, and where it stands. */
interface LedgerEntry {
  readonly seq: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string | null;
  readonly decision: string;
  readonly reason: string | null;
  readonly rule: string | null;
  readonly approval: string | null;
  readonly principal: string;
  readonly effects: readonly JsonObject[];
}

/**
 * Several processes with their agents over one store and one clock, in this process. Processes come
 * to be when they are first named, each with one agent of that name.
 */
export interface Fleet {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly gates: GateDouble;
  deps(process: string): EngineDeps;
  /** What the client of this process gets; answers are checked against the tool's output schema. */
  call(
    process: string,
    operation: string,
    args?: object,
    options?: CallOptions,
  ): Promise<CallAnswer>;
  /** The answer of a call that must succeed. */
  ok(process: string, operation: string, args?: object): Promise<JsonObject>;
  /** The code of a call that must be refused. */
  refusal(process: string, operation: string, args?: object): Promise<unknown>;
  asPerson(operation: string, args?: object, name?: string): Promise<CallAnswer>;
  /** One round of what every living process does beside its calls. */
  tick(): Promise<void>;
  /** Says something to all projects of the user, or takes the file away that says it. */
  sayGlobally(said: GlobalStop | undefined): void;
  /** Measures queued gate runs until none is left; answers how many. */
  measureAll(process: string): Promise<number>;
  /** Lets time pass; waiting calls look again as they would. */
  advance(ms: number): Promise<void>;
  /** The process is gone without a word; the next call under its name starts a new one. */
  kill(process: string): void;
  read<T>(work: (tx: ReadTx) => Promise<T>): Promise<T>;
  /** Writes past all operations, for what a test finds in place. */
  write<T>(work: (ctx: WriteContext) => Promise<T>): Promise<T>;
  /** Unread subjects and texts of an agent. */
  inbox(agent: string): Promise<readonly { subject: string | null; text: string }[]>;
  ledger(): Promise<readonly LedgerEntry[]>;
  close(): Promise<void>;
}

interface SimulatedProcess {
  readonly pid: number;
  readonly deps: EngineDeps;
  readonly governor: Governor;
  readonly loop: ProcessLoop;
}

interface World {
  readonly options: FleetOptions;
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly gates: GateDouble;
  readonly random: () => number;
  readonly gonePids: Set<number>;
  said: GlobalStop | undefined;
}

export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const clock = createVirtualClock();
  const store = onClock(options.store ?? (await openSqlite({ file: ":memory:" })), clock);
  const random = seededRandom(options.seed ?? 1);
  const world: World = {
    options,
    store,
    clock,
    gates: gateDouble(),
    random,
    gonePids: new Set(),
    said: undefined,
  };
  const living = new Map<string, SimulatedProcess>();
  let started = 0;
  const process = (name: string): SimulatedProcess => {
    const found = living.get(name);
    if (found !== undefined) return found;
    started += 1;
    const made = startProcess(world, name, started);
    living.set(name, made);
    return made;
  };
  await createProject(process("cli").deps, {
    name: "test",
    root: null,
    settings:
      options.guvnorYaml === undefined
        ? undefined
        : { source: options.guvnorYaml, file: "guvnor.yaml" },
    operatorKeyHash: options.operatorKeyHash ?? null,
    by: "tester",
  });

  const call: Fleet["call"] = async (name, operation, args = {}, callOptions = {}) => {
    const caller: Caller = { kind: "agent", channel: "stdio", clientName: "test-client" };
    const answer = await process(name).governor.call({
      operation,
      args,
      caller,
      signal: callOptions.signal ?? new AbortController().signal,
      ...(callOptions.onWaiting === undefined ? {} : { onWaiting: callOptions.onWaiting }),
    });
    return asSent(answer, toolNamed(options.operations, operation));
  };
  const read: Fleet["read"] = async (work) => await store.read(SCOPE, work);

  return {
    store,
    clock,
    gates: world.gates,
    deps: (name) => process(name).deps,
    call,
    ok: async (...args) => bodyOf(await call(...args)),
    refusal: async (...args) => codeOf(await call(...args)),
    asPerson: async (operation, args = {}, name = "pat") => {
      const caller: Caller = { kind: "person", channel: "cli", name, verified: true };
      const { signal } = new AbortController();
      const answer = await process("cli").governor.call({ operation, args, caller, signal });
      return asSent(answer, toolNamed(options.operations, operation));
    },
    tick: async () => {
      for (const each of living.values()) {
        await each.loop.tick();
        await each.loop.settle();
        await each.loop.attend(new AbortController().signal);
      }
    },
    sayGlobally: (said) => {
      world.said = said;
    },
    measureAll: async (name) => {
      const { signal } = new AbortController();
      let measured = 0;
      while (await measureNext(process(name).deps, signal)) measured += 1;
      return measured;
    },
    advance: clock.advance,
    kill: (name) => {
      const found = living.get(name);
      if (found === undefined) throw new Error(`there is no process ${name}`);
      world.gonePids.add(found.pid);
      living.delete(name);
    },
    read,
    write: async (work) => await systemAct(process("cli").deps, "test", work),
    inbox: async (agent) =>
      await read(async (tx) =>
        (await tx.messages.waiting(agent, 100)).map(({ subject, text }) => ({ subject, text })),
      ),
    ledger: async () => await read(async (tx) => (await tx.audit.list(1, 100_000)).map(toEntry)),
    close: async () => {
      await store.close();
    },
  };
}

function startProcess(world: World, name: string, number: number): SimulatedProcess {
  const pid = 1000 + number;
  const processId = `process-${number}`;
  let secrets = 0;
  const deps: EngineDeps = {
    store: world.store,
    scope: SCOPE,
    now: world.clock.now,
    monotonic: world.clock.monotonic,
    random: world.random,
    newSecret: () => {
      secrets += 1;
      return sha256(`${processId}:${secrets}`);
    },
    sha256,
    processes: {
      self: {
        host: "host",
        bootId: "boot",
        pidNamespace: "pid:[1]",
        pid,
        startTime: String(pid),
        parentPid: 100_000 + number,
        parentStartTime: String(number),
      },
      isGone: (other) => world.gonePids.has(other.pid),
    },
    processId,
    git: world.options.git,
    gates: world.gates,
    settingsFile: () => undefined,
    policy: POLICY_ENGINE,
    issuer: world.options.issuerOf?.(name) ?? createEmbeddedIssuer(undefined),
    globalStop: world.options.globalStop ?? (() => world.said),
    toolTypes,
    settings: {
      agentName: name,
      directory: `/work/${name}`,
      principal: "tester",
      gateWorkers: 2,
      refreshMs: 30_000,
      ...world.options.settings,
      ...world.options.settingsOf?.(name),
    },
    log: world.options.log ?? SILENT,
  };
  return {
    pid,
    deps,
    governor: createGovernor(deps, world.options.operations),
    loop: createProcessLoop(deps),
  };
}

const SILENT: EngineDeps["log"] = {
  info: () => undefined,
  warn: () => undefined,
  // What the engine did not expect, a test must not overlook.
  error: (fields, message) => {
    console.error(message, fields);
  },
};

/** Measures nothing: says what the test wants said, `pass` by default. */
interface GateDouble extends GateRunner {
  /** By the gate's name. */
  readonly verdicts: Map<string, Measurement["verdict"]>;
  readonly measured: MeasureRequest[];
}

function gateDouble(): GateDouble {
  const verdicts: GateDouble["verdicts"] = new Map();
  const measured: MeasureRequest[] = [];
  return {
    verdicts,
    measured,
    measure: async (request) => {
      measured.push(request);
      const verdict = verdicts.get(request.gate.name) ?? "pass";
      return await Promise.resolve({
        verdict,
        summary: `${request.gate.name}: ${verdict}`,
        exitCode: verdict === "pass" ? 0 : 1,
        durationMs: 1,
        outputTail: "",
        outputCut: false,
        inPlace: request.commit === null,
      });
    },
  };
}

/** Waiting on this store takes virtual time only. */
function onClock(store: Store, clock: VirtualClock): Store {
  return {
    ...store,
    watch: () => {
      const watch = store.watch();
      return {
        next: async (timeoutMs, signal) => {
          const over = new AbortController();
          const either = AbortSignal.any([signal, over.signal]);
          await Promise.race([watch.next(NEVER_MS, either), clock.sleep(timeoutMs, either)]);
          over.abort();
        },
        close: () => {
          watch.close();
        },
      };
    },
  };
}

/** As the client reads it: JSON that fits the published schema. */
function asSent(answer: CallAnswer, tool: ToolDefinition | undefined): CallAnswer {
  // Throws for what JSON has no word for, such as undefined in a list.
  const body: JsonObject = JSON.parse(canonicalJson(toJson(answer.body)));
  if (!answer.isError && tool !== undefined) tool.output.parse(body);
  return { ...answer, body };
}

function toolNamed(operations: readonly Operation[], name: string): ToolDefinition | undefined {
  return operations.find(
    (operation): operation is ToolDefinition => operation.name === name && "output" in operation,
  );
}

function toEntry({ seq, body }: AuditRow): LedgerEntry {
  const entry: Omit<LedgerEntry, "seq"> = JSON.parse(body);
  return { ...entry, seq };
}

/** The answer of a call that must have succeeded. */
export function bodyOf(answer: CallAnswer): JsonObject {
  if (answer.isError) throw new Error(`refused: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** The code of a call that must have been refused. */
export function codeOf(answer: CallAnswer): unknown {
  if (!answer.isError) throw new Error(`not refused: ${JSON.stringify(answer.body)}`);
  return answer.body["code"];
}

/** As GUVNOR_TOKEN does for a process. */
export function issuerFor(secret: string | undefined): TokenIssuer | undefined {
  return secret === undefined ? undefined : createEmbeddedIssuer(sha256(secret));
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** Mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

import { createHash } from "node:crypto";
import { join } from "node:path";

import type { CallAnswer, JsonObject } from "../../src/engine/call.ts";
import { createProject } from "../../src/engine/create-project.ts";
import type { EngineDeps } from "../../src/engine/deps.ts";
import { createGovernor } from "../../src/engine/governed-call.ts";
import type { GateRunner, ProcessIdentity } from "../../src/engine/ports.ts";
import { createProcessLoop } from "../../src/engine/process-loop.ts";
import { createEmbeddedIssuer } from "../../src/engine/rules/embedded-issuer.ts";
import { createToolTypes } from "../../src/engine/tool-types.ts";
import { POLICY_ENGINE } from "../../src/policy/policy-engine.ts";
import type { StatementListener } from "../../src/store/sqlite/connection.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { measureNext } from "../support/measure-next.ts";
import { openFileGit } from "./file-git.ts";

const START_MS = Date.UTC(2026, 0, 1);
/** Every process of these tests by name; who died is gone for all others. */
const PIDS = { lead: 11, ada: 12, bob: 13 } as const;
type ProcessName = keyof typeof PIDS;

/** One process over the files of a directory, in which nothing is left to chance or to the clock. */
export interface FaultWorld {
  readonly deps: EngineDeps;
  call(operation: string, args?: object): Promise<CallAnswer>;
  /** The answer of a call that must succeed. */
  ok(operation: string, args?: object): Promise<JsonObject>;
  /** Measures one queued gate run; answers whether there was one. */
  measure(): Promise<boolean>;
  /** Leaves as a process does that is closed in order. */
  end(): Promise<void>;
  /** Leaves without a word; the files are free. */
  abandon(): Promise<void>;
}

export interface WorldOptions {
  readonly name: ProcessName;
  readonly gone?: readonly ProcessName[];
  readonly onStatement?: StatementListener;
  /** Of every gate; `pass` unless said. */
  readonly verdict?: "pass" | "fail";
}

export function databaseIn(directory: string): string {
  return join(directory, "guvnor.db");
}

export function gitIn(directory: string): string {
  return join(directory, "git.json");
}

export async function openWorld(directory: string, options: WorldOptions): Promise<FaultWorld> {
  const { name, gone = [], onStatement, verdict = "pass" } = options;
  const store = await openSqlite({
    file: databaseIn(directory),
    durability: "normal",
    ...(onStatement === undefined ? {} : { onStatement }),
  });
  let secrets = 0;
  const deps: EngineDeps = {
    store,
    scope: { tenant: "local", project: "test" },
    now: () => START_MS,
    monotonic: () => 0,
    random: () => 0.5,
    newSecret: () => {
      secrets += 1;
      return sha256(`${name}:${secrets}`);
    },
    sha256,
    processes: {
      self: identityOf(name),
      isGone: ({ pid }) => gone.some((each) => PIDS[each] === pid),
    },
    processId: `process-of-${name}`,
    git: openFileGit(gitIn(directory)),
    gates: gatesThat(verdict),
    issuer: createEmbeddedIssuer(undefined),
    globalStop: () => undefined,
    settingsFile: () => undefined,
    policy: POLICY_ENGINE,
    toolTypes: createToolTypes(TOOLS),
    settings: {
      agentName: name,
      directory: `/work/${name}`,
      principal: "tester",
      gateWorkers: 2,
      refreshMs: 30_000,
    },
    log: { info: () => {}, warn: () => {}, error: complain },
  };
  const governor = createGovernor(deps, TOOLS);
  const { signal } = new AbortController();
  const call: FaultWorld["call"] = async (operation, args = {}) =>
    await governor.call({
      operation,
      args,
      caller: { kind: "agent", channel: "stdio", clientName: name },
      signal,
    });
  return {
    deps,
    call,
    ok: async (operation, args) => {
      const { isError, body } = await call(operation, args);
      if (isError) throw new Error(`${operation} was refused: ${JSON.stringify(body)}`);
      return body;
    },
    measure: async () => await measureNext(deps, signal),
    end: async () => {
      await createProcessLoop(deps).end();
      await store.close();
    },
    abandon: async () => await store.close(),
  };
}

/** Makes the project, with the settings that stand in guvnor.yaml. */
export async function makeProject(world: FaultWorld, guvnorYaml: string): Promise<void> {
  await createProject(world.deps, {
    name: "test",
    root: null,
    settings: { source: guvnorYaml, file: "guvnor.yaml" },
    operatorKeyHash: null,
    by: "tester",
  });
}

function identityOf(name: ProcessName): ProcessIdentity {
  return {
    host: "host",
    bootId: "boot",
    pidNamespace: "pid:[1]",
    pid: PIDS[name],
    startTime: String(PIDS[name]),
    parentPid: 1,
    parentStartTime: "1",
  };
}

function gatesThat(verdict: "pass" | "fail"): GateRunner {
  return {
    measure: async ({ gate }) =>
      await Promise.resolve({
        verdict,
        summary: `${gate.name}: ${verdict}`,
        exitCode: verdict === "pass" ? 0 : 1,
        durationMs: 1,
        outputTail: "",
        outputCut: false,
        inPlace: false,
      }),
  };
}

function complain(fields: object, message: string): void {
  console.error(message, fields);
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

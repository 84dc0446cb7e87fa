import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";

import type { Config, IssuerConfig } from "./config.ts";
import { GuvnorError } from "./core/errors.ts";
import { TICK_MS } from "./core/presence.ts";
import type { CallAnswer, Governor, IncomingCall } from "./engine/call.ts";
import { createProject } from "./engine/create-project.ts";
import type { EngineDeps, Logger } from "./engine/deps.ts";
import { claimNext, measureRun } from "./engine/gate-worker.ts";
import { createGovernor } from "./engine/governed-call.ts";
import type { Operation } from "./engine/operation.ts";
import { PERSON_OPERATIONS } from "./engine/person/index.ts";
import type { TokenIssuer } from "./engine/ports.ts";
import { createProcessLoop } from "./engine/process-loop.ts";
import { createEmbeddedIssuer } from "./engine/rules/embedded-issuer.ts";
import { createToolTypes } from "./engine/tool-types.ts";
import { POLICY_ENGINE } from "./policy/policy-engine.ts";
import {
  findProject,
  globalStopFile,
  operatorKeyFile,
  type ProjectPaths,
} from "./project-paths.ts";
import type { DatabaseInspection } from "./store/sqlite/inspect-sqlite.ts";
import { TOOLS } from "./tools/index.ts";
import type { VaultInspection } from "./vault/inspect-vault.ts";

export const LOCAL_SCOPE = { tenant: "local", project: "main" } as const;

const OPERATIONS: readonly Operation[] = [...TOOLS, ...PERSON_OPERATIONS];

/** The tools as rules see them. */
export const toolTypes = createToolTypes(TOOLS);

/** So long, about, a process waits between two looks for gates to measure. */
const GATE_LOOK_MS = 200;

/** An open project: the engine over its store, and what must be closed in the end. */
export interface Project {
  readonly paths: ProjectPaths;
  readonly deps: EngineDeps;
  readonly governor: Governor;
  /** Begins to beat, watch, settle and measure; for processes that serve agents. */
  startLoops(): void;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly config: Config;
  readonly directory: string;
  readonly log: Logger;
  /** SHA-256 of the operator's key: for a project that is made now, or has none yet. */
  readonly operatorKeyHash?: string;
}

/**
 * Opens the project of a directory.
 * @throws {GuvnorError} `no_project`, `config_invalid`, or what opening the store throws.
 */
export async function openProject(options: OpenOptions): Promise<Project> {
  const paths = await findProject(options.config, options.directory, "use");
  if (paths === undefined || (!paths.exists && options.config.home === undefined)) {
    throw noProject(options.directory);
  }
  return await openAt(paths, options);
}

/** Opens the project at `paths`, making its store where there is none: `guvnor init`, and GUVNOR_HOME. */
export async function openAt(paths: ProjectPaths, options: OpenOptions): Promise<Project> {
  const deps = await createDeps(paths, options);
  try {
    await createProject(deps, {
      name: paths.name,
      root: paths.root,
      settings: readSettingsFile(paths),
      operatorKeyHash: options.operatorKeyHash ?? null,
      by: deps.settings.principal,
    });
  } catch (error) {
    await deps.store.close();
    throw error;
  }
  const loops = createLoops(deps, options.config.gateWorkers);
  return {
    paths,
    deps,
    governor: createGovernor(deps, OPERATIONS),
    startLoops: loops.start,
    close: async () => {
      await loops.stop();
      await deps.store.close();
    },
  };
}

/** Looks at a project's database without changing it, for `guvnor doctor`. */
export async function inspectDatabase(file: string): Promise<DatabaseInspection> {
  const { inspectSqlite } = await import("./store/sqlite/inspect-sqlite.ts");
  return inspectSqlite(file);
}

/** Asks whoever vouches for agents, for `guvnor doctor`; undefined where guvnor itself does. */
export async function inspectIssuer({ issuer }: Config): Promise<VaultInspection | undefined> {
  if (issuer.kind === "embedded") return undefined;
  const { inspectVault } = await import("./vault/inspect-vault.ts");
  return await inspectVault(issuer.settings, new AbortController().signal);
}

/** The text of guvnor.yaml; undefined where there is none. */
export function readSettingsFile(
  paths: ProjectPaths,
): { source: string; file: string } | undefined {
  try {
    return { source: readFileSync(paths.settingsFile, "utf8"), file: paths.settingsFile };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Heavy parts are loaded here, not at start: a client may start the server twice and throw one away. */
async function createDeps(paths: ProjectPaths, options: OpenOptions): Promise<EngineDeps> {
  const [
    { openSqlite },
    { openGit },
    { createGateRunner },
    { createProcessPort },
    { createGlobalStop },
  ] = await Promise.all([
    import("./store/sqlite/open-sqlite.ts"),
    import("./git/open-git.ts"),
    import("./runner/gate-runner.ts"),
    import("./runner/process-identity.ts"),
    import("./runner/global-stop.ts"),
  ]);
  makeDataDirectory(paths.dataDir);
  const { config, directory, log } = options;
  const { commonDir } = paths;
  return {
    store: await openSqlite({ file: paths.databaseFile, durability: config.durability }),
    scope: LOCAL_SCOPE,
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: () => Math.random(),
    newSecret,
    sha256,
    processes: createProcessPort(),
    processId: newSecret().slice(0, 16),
    git: commonDir === null ? undefined : openGit(commonDir),
    gates: createGateRunner({
      dataDir: paths.workspaceDir,
      commonDir,
      now: () => performance.now(),
    }),
    issuer: await createIssuer(config.issuer, log),
    globalStop: createGlobalStop(globalStopFile(process.env), readOperatorSecret),
    settingsFile: () => readSettingsFile(paths),
    policy: POLICY_ENGINE,
    toolTypes,
    settings: {
      refreshMs: config.policyRefreshMs,
      agentName: config.agentName,
      directory,
      principal: userInfo().username,
      gateWorkers: config.gateWorkers,
    },
    log,
  };
}

/** Vault's part, and what it needs, is loaded only where it is used. */
async function createIssuer(config: IssuerConfig, log: Logger): Promise<TokenIssuer> {
  if (config.kind === "embedded") {
    return createEmbeddedIssuer(config.secret === undefined ? undefined : sha256(config.secret));
  }
  const [{ createVaultIssuer }, { createVaultClient }] = await Promise.all([
    import("./vault/vault-issuer.ts"),
    import("./vault/vault-client.ts"),
  ]);
  const { settings } = config;
  const client = createVaultClient(settings);
  return createVaultIssuer({
    client,
    secretId: settings.secretId,
    now: () => Date.now(),
    sha256,
    log,
  });
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new GuvnorError(
      "storage_failed",
      `The data directory ${path} cannot be made.`,
      "Make it writable for this user, free some disk space, or set GUVNOR_HOME to another place.",
      { cause: error },
    );
  }
}

/** Undefined where there is no key: then nothing said for all projects resumes this one. */
function readOperatorSecret(): string | undefined {
  try {
    return readFileSync(operatorKeyFile(process.env), "utf8").trim();
  } catch {
    return undefined;
  }
}

/** 32 random bytes in hex, from a pool: each request to the system costs more than the bytes. */
function newSecret(): string {
  if (poolAt === pool.length) {
    pool = randomBytes(4096);
    poolAt = 0;
  }
  poolAt += 32;
  return pool.toString("hex", poolAt - 32, poolAt);
}

let pool = randomBytes(0);
let poolAt = 0;

/** Repeats the ticks of a process, survives what they throw, and stops in order. */
function createLoops(
  deps: EngineDeps,
  gateWorkers: number,
): { start: () => void; stop: () => Promise<void> } {
  const loop = createProcessLoop(deps);
  const stopping = new AbortController();
  const running: Promise<void>[] = [];
  const repeat = async (name: string, round: () => Promise<void>): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await round();
      } catch (error) {
        deps.log.warn({ err: error }, `${name} failed; it goes on`);
        await pause(TICK_MS, stopping.signal);
      }
    }
  };
  const tick = async (): Promise<void> => {
    await loop.tick();
    await pause(TICK_MS, stopping.signal);
  };
  const settle = async (): Promise<void> => {
    await loop.settle();
    await pause(TICK_MS, stopping.signal);
  };
  const attend = async (): Promise<void> => {
    await loop.attend(stopping.signal);
    await pause(TICK_MS, stopping.signal);
  };
  const measuring = new Set<Promise<void>>();
  const measure = async (): Promise<void> => {
    // Watch first, then look, then wait: what is queued in between is not missed.
    const watch = deps.store.watch();
    try {
      while (!stopping.signal.aborted) {
        const run = measuring.size < gateWorkers ? await claimNext(deps) : undefined;
        if (run === undefined) {
          await watch.next(TICK_MS, stopping.signal);
          // Each change wakes every process: sixty-four must not all look at all of them.
          await pause(GATE_LOOK_MS * (0.5 + Math.random()), stopping.signal);
          continue;
        }
        const measured = measureRun(deps, run, stopping.signal)
          .catch((error: unknown) => {
            deps.log.warn({ err: error, run: run.id }, "a gate run failed; it is given back");
          })
          .finally(() => measuring.delete(measured));
        measuring.add(measured);
      }
    } finally {
      watch.close();
    }
  };
  return {
    start: () => {
      if (running.length > 0) return;
      running.push(repeat("tick", tick), repeat("settling", settle), repeat("issuer", attend));
      if (gateWorkers > 0) running.push(repeat("gate worker", measure));
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
      await Promise.all(measuring);
      await loop.end();
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
  });
}

/**
 * A governor that opens its project at the first call. Where there is none it answers so, and looks
 * again at the next call: somebody may have run `guvnor init` meanwhile.
 */
export interface LazyApp {
  readonly governor: Governor;
  open(): Promise<Project>;
  close(): Promise<void>;
}

export function createLazyApp(options: OpenOptions): LazyApp {
  let opening: Promise<Project> | undefined;
  const open = async (): Promise<Project> => {
    opening ??= openProject(options).then((project) => {
      project.startLoops();
      return project;
    });
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
  return {
    open,
    governor: {
      call: async (incoming: IncomingCall): Promise<CallAnswer> => {
        try {
          return await (await open()).governor.call(incoming);
        } catch (error) {
          return refuse(error, options.log);
        }
      },
    },
    close: async () => {
      const project = await opening?.catch(() => undefined);
      await project?.close();
    },
  };
}

/** There is no ledger to write to: the refusal is all that can be given. */
function refuse(error: unknown, log: Logger): CallAnswer {
  if (!(error instanceof GuvnorError)) log.error({ err: error }, "the project could not be opened");
  const known =
    error instanceof GuvnorError
      ? error
      : new GuvnorError(
          "internal",
          "The project could not be opened.",
          "Run `guvnor doctor` in the project's directory.",
        );
  const { code, message, fix } = known;
  return { callId: randomBytes(16).toString("hex"), isError: true, body: { code, message, fix } };
}

function noProject(directory: string): GuvnorError {
  return new GuvnorError(
    "no_project",
    `No guvnor project was initialised for ${directory}.`,
    "Ask a person to run `guvnor init` in the project's directory, then call again.",
  );
}

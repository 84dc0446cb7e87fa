import type { PolicyEngine } from "../policy/policy-engine.ts";
import type { ToolType } from "../policy/tool-types.ts";
import type { Scope, Store } from "../store/store.ts";
import type { GateRunner, GitPort, GlobalStop, ProcessPort, TokenIssuer } from "./ports.ts";

export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Everything the engine uses; put together in src/app.ts, or by a test in a few lines. */
export interface EngineDeps {
  readonly store: Store;
  readonly scope: Scope;
  /** Wall clock, ms since 1970; for what people see, never to judge who is alive. */
  readonly now: () => number;
  /** Runs evenly, in ms with fractions; for durations. */
  readonly monotonic: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  /** 32 random bytes in hex; for call ids, sessions and nonces. */
  readonly newSecret: () => string;
  readonly sha256: (text: string) => string;
  readonly processes: ProcessPort;
  /** This process in the store. */
  readonly processId: string;
  /** Undefined outside git. */
  readonly git: GitPort | undefined;
  readonly gates: GateRunner;
  /** What vouches for the agents of this process. */
  readonly issuer: TokenIssuer;
  /** What holds for all projects of this user; undefined where nothing was said. Cheap: each call asks. */
  readonly globalStop: () => GlobalStop | undefined;
  /** The project's guvnor.yaml as it lies there now; undefined where there is none. */
  readonly settingsFile: () => { readonly source: string; readonly file: string } | undefined;
  readonly policy: PolicyEngine;
  /** All tools, as rules see them; asked for when the first rules are compiled. */
  readonly toolTypes: () => readonly ToolType[];
  readonly settings: EngineSettings;
  readonly log: Logger;
}

export interface EngineSettings {
  /** The name that an agent gets which does not register (GUVNOR_AGENT). */
  readonly agentName: string | undefined;
  /** Where the process was started: the default worktree of its agents. */
  readonly directory: string;
  /** Who answers for the agents of this process. */
  readonly principal: string;
  /** Gates measured at once by all processes of the project together. */
  readonly gateWorkers: number;
  /** How often profile `open` looks whether guvnor.yaml has changed. */
  readonly refreshMs: number;
}

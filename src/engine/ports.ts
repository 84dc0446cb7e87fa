/**
 * What the engine needs from outside: git, commands, processes, an issuer of tokens. Implemented in
 * src/git, src/runner and src/vault, put together in src/app.ts, replaced by deterministic ones in the
 * simulation. None of these may be awaited inside a store transaction.
 */

import type { GuvnorError } from "../core/errors.ts";
import type { Login } from "../core/login.ts";

/** One repository, addressed by its common git directory. Commits are full hex object names. */
export interface GitPort {
  /** How the working tree that holds `directory` stands. */
  workingTree(directory: string, limit: number): Promise<WorkingTree>;
  /**
   * Full commit id of any revision, undefined when it does not name a commit here. HEAD is that of
   * the working tree at `directory`, else of the main one.
   */
  resolveCommit(revision: string, directory?: string): Promise<string | undefined>;
  /** Paths that `commit` changed since its merge base with `base`; deletions and both sides of a rename included. */
  changedFiles(base: string, commit: string): Promise<readonly string[]>;
  /** Merges without a working tree and without moving any ref. */
  merge(ours: string, theirs: string, message: string): Promise<MergeResult>;
  /** Compare-and-swap of a ref; `expected` null means that it must not exist yet. False when another was first. */
  advanceRef(ref: string, commit: string, expected: string | null): Promise<boolean>;
  readRef(ref: string): Promise<string | undefined>;
  /** Which of these paths are files in this commit; a directory is none. */
  filesIn(commit: string, paths: readonly string[]): Promise<readonly string[]>;
  /** The text of a file in a commit; undefined where there is none, or it has more bytes. */
  readFile(commit: string, path: string, maxBytes: number): Promise<string | undefined>;
  /** When something last changed in a working tree (files, index, commits), in ms since 1970; undefined when that cannot be told. */
  lastChangeMs(directory: string): Promise<number | undefined>;
}

export interface WorkingTree {
  /** Its head commit; undefined before the first one. */
  readonly head: string | undefined;
  /** The ref that it has checked out; undefined when its HEAD is detached. */
  readonly branch: string | undefined;
  /** Paths with uncommitted changes (untracked ones included), at most `limit`. */
  readonly uncommitted: readonly string[];
}

export type MergeResult =
  /** A merge commit was made. */
  | { readonly kind: "merged"; readonly commit: string }
  /** `ours` is an ancestor of `theirs`: the result is `theirs` itself. */
  | { readonly kind: "fast_forward"; readonly commit: string }
  /** `theirs` is already in `ours`. */
  | { readonly kind: "contained"; readonly commit: string }
  | { readonly kind: "conflict"; readonly paths: readonly string[] };

export interface GateCommand {
  readonly name: string;
  /** Program and arguments; no shell. */
  readonly run: readonly string[];
  readonly timeoutMs: number;
  /** Resident bytes of the whole process tree. */
  readonly maxMemoryBytes: number;
  /** Bytes of output read before the tree is killed. */
  readonly maxOutputBytes: number;
}

export interface PrepareCommand extends GateCommand {
  /** Globs of files (of the checkout) whose digests decide whether it must run again. */
  readonly key: readonly string[];
}

export interface MeasureRequest {
  /** Gate run id, e.g. G7; marks every process of the run. */
  readonly runId: string;
  readonly gate: GateCommand;
  readonly prepare: PrepareCommand | undefined;
  /** Measured on a clean checkout of this commit; null outside git, then in place in `directory`. */
  readonly commit: string | null;
  /** Where the agent worked. */
  readonly directory: string;
  /** Slot of the kept workspace, e.g. "1"; nobody else uses it at the same time. */
  readonly slot: string;
  /** Also remove ignored files between runs. */
  readonly cleanFully: boolean;
}

/** What happened, as far as it could be seen; never a judgement of the engine's. */
export interface Measurement {
  readonly verdict: "pass" | "fail" | "indeterminate";
  /** One sentence for a person: "npm test exited with 1 after 2.1 s". */
  readonly summary: string;
  readonly exitCode: number | null;
  readonly durationMs: number;
  /** The last part of stdout and stderr together, valid text, without control characters but \n and \t. */
  readonly outputTail: string;
  readonly outputCut: boolean;
  readonly inPlace: boolean;
}

/** Measures one gate. Never throws for what the command does; `signal` kills the whole tree. */
export interface GateRunner {
  measure(request: MeasureRequest, signal: AbortSignal): Promise<Measurement>;
}

/** A process as another process can recognise it. */
export interface ProcessIdentity {
  readonly host: string;
  readonly bootId: string;
  /** Pids mean something only within the same namespace. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** Start time as the kernel counts it; tells a reused pid apart. */
  readonly startTime: string;
  readonly parentPid: number;
  readonly parentStartTime: string;
}

export interface ProcessPort {
  readonly self: ProcessIdentity;
  /** True only when the process is certainly gone: same host, boot and namespace, no such pid or another start time. */
  isGone(process: ProcessIdentity): boolean;
}

/** What a person said for all projects of this user at once. */
export interface GlobalStop {
  readonly state: "stopped" | "resumed";
  readonly reason: string;
  readonly by: string;
  /** When it was said. */
  readonly atMs: number;
  /** Of "resumed": SHA-256 of the operator's key that vouches for it; null of "stopped". */
  readonly keyHash: string | null;
}

/** What vouches for the agents of a process at a moment. */
export type Voucher =
  /** The process itself: in local mode it runs as the person does. */
  | { readonly kind: "process" }
  /** An enrolment that a person made; the hash of its secret. */
  | { readonly kind: "enrolment"; readonly hash: string }
  /** A login elsewhere; the store learns of it when the first agent needs it. */
  | { readonly kind: "login"; readonly login: Login }
  | { readonly kind: "none"; readonly why: GuvnorError };

/** Where the tokens of this process's agents come from. */
export interface TokenIssuer {
  /** From memory: a transaction asks. */
  vouch(): Voucher;
  /**
   * Before a call's transaction: where nothing vouches, tries to change that. Answers at once where
   * something does, and after a bounded time in any case; never throws.
   */
  prepare(): Promise<void>;
  /** The logins of this process that the store may have to hear of, whatever became of them. */
  logins(): readonly Login[];
  /** Renews what is due, and looks whether what was given still stands. Never throws. */
  attend(signal: AbortSignal): Promise<void>;
  /** Gives everything back for good: nothing vouches for this process from then on. */
  giveBack(): Promise<void>;
}

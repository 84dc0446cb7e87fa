import type { z } from "zod";

import type { Agent } from "../core/agent.ts";
import type { HeldReport } from "../core/held-action.ts";
import type { ReadTx } from "../store/store.ts";
import type { CallContext, WriteContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import type { EngineDeps } from "./deps.ts";

/** Tiers refer to classes: T0 may read, T1 read and write, T2 all three. `person` is for people only. */
export type OperationClass = "read" | "write" | "coordinate" | "person";

/**
 * Something that can be asked of guvnor, whatever way the question came in. `handle` reads through
 * the transaction, decides purely and writes; it parses nothing, the schema did.
 */
export interface Operation<Input = unknown> {
  readonly name: string;
  readonly class: OperationClass;
  readonly input: z.ZodType<Input>;
  /** The call itself says who calls (register_agent). */
  readonly registers?: true;
  /** Looks at the outside world (git) before the transaction; what it finds is in `ctx.facts`. */
  prepare?(ctx: PrepareContext, input: Input): Promise<JsonObject>;
  /** Keeps a call that comes while everything is stopped; answers whether it did. */
  hold?(ctx: HoldContext, input: Input): Promise<boolean>;
  /**
   * Whether a call of this agent that waits might be answered now. It is asked of a snapshot before the call
   * looks again: of many that wait only those whom it concerns then take turns at writing.
   */
  concerns?(tx: ReadTx, agent: string, input: Input): Promise<boolean>;
  // Methods, so that operations of all inputs fit in one list: the governed call gives each the
  // output of its own schema.
  handle(ctx: CallContext, input: Input): Promise<Outcome>;
}

/** What `prepare` may use; it runs before the transaction and may take its time. */
export interface PrepareContext {
  readonly deps: EngineDeps;
}

/** Where a call is kept that may not happen yet. */
export interface HoldContext extends WriteContext {
  readonly agent: Agent;
  readonly callId: string;
  readonly request: HeldReport["request"];
  readonly facts: JsonObject;
}

/** What a handler decided. */
export interface Outcome {
  readonly answer: JsonObject;
  /** What the call was about, e.g. "T12"; goes to the ledger. */
  readonly target?: string;
  /**
   * Nothing was granted yet and the caller may wait: the handler's writes are undone, and it runs
   * again when something changed, until `wait_seconds` are over; then `answer` stands.
   */
  readonly retry?: true;
  /** With `retry`: what was written stands while the call waits; written again it would change nothing. */
  readonly stands?: true;
  /** The writes stand; until `wait_seconds` are over a later answer may replace this one. */
  readonly follow?: (
    tx: ReadTx,
    nowMs: number,
  ) => Promise<{ answer: JsonObject; settled: boolean }>;
  /** Ids of messages that the answer holds: its `inbox` need not show them again. */
  readonly shows?: readonly string[];
  /** The answer says what is missing before it can happen: an approval for it is not used up. */
  readonly isUndone?: true;
  /** The agent that the call registered or resumed. */
  readonly registered?: Agent;
  /** A claim, which is taken back when the answer cannot be delivered. */
  readonly grant?: { readonly taskId: string; readonly fence: number };
}

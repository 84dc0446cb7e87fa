import type { Agent } from "../core/agent.ts";
import { GuvnorError } from "../core/errors.ts";
import type { ReadTx, StoreTx } from "../store/store.ts";
import type { Caller, JsonObject } from "./call.ts";
import type { EngineDeps } from "./deps.ts";

/** One change of state, for the ledger: what, from, to. */
export interface Effect {
  readonly type:
    | "agent"
    | "alert"
    | "approval"
    | "attempt"
    | "breaker"
    | "channel"
    | "escalation"
    | "gate_run"
    | "limit"
    | "message"
    | "pipeline"
    | "plan"
    | "policy"
    | "process"
    | "project"
    | "solution"
    | "stop"
    | "task"
    | "token"
    | "topic"
    | "violation"
    | "ballot";
  readonly id: string;
  readonly [fact: string]: unknown;
}

/** Where something is looked up: one transaction. */
export interface ReadContext {
  readonly tx: ReadTx;
  readonly deps: EngineDeps;
}

/** Where a decision writes: one transaction and the list of what it changed. */
export interface WriteContext extends ReadContext {
  readonly tx: StoreTx;
  readonly nowMs: number;
  readonly effects: Effect[];
}

/** A governed call, as its handler sees it. */
export interface CallContext extends WriteContext {
  readonly callId: string;
  readonly caller: Caller;
  /** The agent that calls; undefined when a person does. */
  readonly agent: Agent | undefined;
  /** Who goes into the ledger as actor. */
  readonly actor: string;
  /** What `prepare` found outside the store. */
  readonly facts: JsonObject;
}

/** @throws {GuvnorError} `agent_unknown` when a person calls what only agents can do. */
export function callingAgent(ctx: CallContext): Agent {
  if (ctx.agent !== undefined) return ctx.agent;
  throw new GuvnorError(
    "agent_unknown",
    "Only an agent can do this.",
    "Call it as an MCP tool from an agent's client.",
  );
}

/** "person:pat". @throws {GuvnorError} `person_required` when an agent calls what only people may do. */
export function callingPerson(ctx: CallContext): string {
  if (ctx.caller.kind === "person") return ctx.actor;
  throw new GuvnorError(
    "person_required",
    "Only a person may do this.",
    "Ask one with request_escalation.",
  );
}

import type { Agent } from "../core/agent.ts";
import type { GuvnorError } from "../core/errors.ts";
import type { WriteContext } from "./call-context.ts";
import type { CallAnswer, IncomingCall } from "./call.ts";
import type { EngineDeps } from "./deps.ts";
import { toGuvnorError } from "./error-answer.ts";
import { followUp } from "./follow-up.ts";
import type { Call } from "./read-call.ts";
import { countFor } from "./rules/exceeded.ts";
import type { Refusal, Ruling } from "./rules/govern.ts";
import type { RulesInForce } from "./rules/rules-in-force.ts";
import { writeAudit, type AuditDecision } from "./write-audit.ts";

/** What every entry of a call says. */
export interface Entry {
  readonly write: WriteContext;
  readonly call: Call;
  readonly agent: Agent | undefined;
  readonly policyHash: string | null;
  /** As deps.monotonic has it. */
  readonly startedMs: number;
}

/** What the rules refuse. Of a flood each window has one entry; the rest is counted. */
export async function recordRuling(entry: Entry, refusal: Refusal): Promise<CallAnswer> {
  const { error, decision, rule, approval, isSilent } = refusal;
  const { call, write } = entry;
  if (!isSilent) await record(entry, { decision, rule, approval, reason: error.code });
  // What happened on the way is told; the refusal itself is one of those that are counted.
  else if (write.effects.length > 0) await record(entry, { decision: "system" });
  return refusalAnswer(call, error);
}

export async function recordRefusal(
  entry: Entry,
  rules: RulesInForce,
  cause: unknown,
  ruling?: Ruling,
): Promise<CallAnswer> {
  const { call, write, agent } = entry;
  const error = toGuvnorError(write.deps, cause, call.callId);
  // A full or broken disk cannot take the entry either: the whole call fails.
  if (error.code === "storage_failed" || error.code === "busy") throw error;
  const failed = error.code === "internal";
  if (failed && agent !== undefined) {
    const who = { agent, processId: write.deps.processId };
    const limits = rules.policy.tools.get(call.incoming.operation)?.limits;
    await countFor(write, rules.settings, who, { metric: "errors", amount: 1, limits });
  }
  const decision = failed ? "error" : "refuse";
  await record(entry, { decision, reason: error.code, rule: ruling?.rule ?? null });
  return answerError(call.callId, error);
}

/** Whoever asks for work and gets none is told so, whatever the reason: that is no error. */
function refusalAnswer(call: Call, error: GuvnorError): CallAnswer {
  const reason = REASONS_FOR_NONE.get(error.code);
  if (call.incoming.operation !== "request_task" || reason === undefined) {
    return answerError(call.callId, error);
  }
  const retry = error.details?.["retry_after_seconds"];
  return {
    callId: call.callId,
    isError: false,
    body: {
      reason,
      ...(retry === undefined ? {} : { retry_after_seconds: retry }),
      next: `${error.message} ${error.fix}`,
    },
  };
}

const REASONS_FOR_NONE: ReadonlyMap<string, string> = new Map([
  ["stopped", "stopped"],
  ["limited", "limit"],
]);

interface Recorded {
  readonly decision: AuditDecision;
  readonly reason?: string;
  readonly target?: string | null;
  readonly rule?: string | null;
  readonly approval?: string | null;
}

export async function record(entry: Entry, facts: Recorded): Promise<void> {
  const { write, call, agent, policyHash, startedMs } = entry;
  const { deps, tx, nowMs, effects } = write;
  const { caller } = call.incoming;
  await followUp(write);
  await writeAudit(tx, {
    atMs: nowMs,
    actor: actorOf(call.incoming, agent),
    principal: principalOf(deps, call.incoming, agent),
    session: agent === undefined ? null : agent.sessionHash.slice(0, 16),
    channel: caller.channel,
    action: call.incoming.operation.slice(0, 64),
    target: facts.target ?? null,
    decision: facts.decision,
    rule: facts.rule ?? null,
    approval: facts.approval ?? null,
    reason: facts.reason ?? null,
    policyHash,
    effects,
    durationUs: Math.round((deps.monotonic() - startedMs) * 1000),
    callId: call.callId,
    trace: call.incoming.trace?.slice(0, 128) ?? null,
    payload: call.payload,
    nonce: deps.newSecret().slice(0, 32),
  });
}

export function actorOf(incoming: IncomingCall, agent: Agent | undefined): string {
  // No agent's name has a colon: a person is never taken for an agent.
  if (incoming.caller.kind === "person") return `person:${incoming.caller.name}`;
  return agent?.name ?? "unknown";
}

function principalOf(deps: EngineDeps, incoming: IncomingCall, agent: Agent | undefined): string {
  const { caller } = incoming;
  if (caller.kind === "agent") return agent?.principal ?? deps.settings.principal;
  return caller.verified ? `operator:${caller.name}` : `unverified:${caller.name}`;
}

export function answerError(callId: string, error: GuvnorError): CallAnswer {
  const { code, message, fix, details } = error;
  return {
    callId,
    isError: true,
    body: { code, message, fix, ...(details === undefined ? {} : { details }) },
  };
}

import { commitInput } from "../core/audit-chain.ts";
import { canonicalJson, toJson, type Json } from "../core/canonical-json.ts";
import { toIso } from "../core/iso-time.ts";
import type { AuditRow, StoreTx } from "../store/store.ts";
import type { Effect } from "./call-context.ts";

export type AuditDecision = "allow" | "deny" | "refuse" | "error" | "replayed" | "system";

/** The facts of one entry; docs/audit-format.md explains each field of the body. */
export interface AuditFacts {
  readonly atMs: number;
  /** Agent or person; "guvnor" for what the engine does by itself. */
  readonly actor: string;
  readonly principal: string;
  /** First 16 hex digits of the session's hash; the session itself is a secret. */
  readonly session: string | null;
  readonly channel: string;
  /** The tool or operation. */
  readonly action: string;
  readonly target: string | null;
  readonly decision: AuditDecision;
  /** The rule, limit or stop that decided. */
  readonly rule?: string | null;
  /** The approvals that were asked for, or used. */
  readonly approval?: string | null;
  /** The decision's reason (an error code); never what a voter wrote. */
  readonly reason: string | null;
  readonly policyHash: string | null;
  readonly effects: readonly Effect[];
  readonly durationUs: number;
  readonly callId: string;
  readonly trace: string | null;
  /** What came in, as JSON; undefined for system acts. */
  readonly payload: string | undefined;
  readonly nonce: string;
}

/** Appends the entry; the last thing a transaction does. */
export async function writeAudit(tx: StoreTx, facts: AuditFacts): Promise<AuditRow> {
  const body: Json = {
    v: 1,
    at: toIso(facts.atMs),
    actor: facts.actor,
    principal: facts.principal,
    session: facts.session,
    channel: facts.channel,
    action: facts.action,
    target: facts.target,
    decision: facts.decision,
    rule: facts.rule ?? null,
    policy_hash: facts.policyHash,
    approval: facts.approval ?? null,
    reason: facts.reason,
    effects: toJson(facts.effects),
    input_commitment: facts.payload === undefined ? null : commitInput(facts.nonce, facts.payload),
    duration_us: facts.durationUs,
    call_id: facts.callId,
    trace: facts.trace,
  };
  const payload =
    facts.payload === undefined ? undefined : { nonce: facts.nonce, payload: facts.payload };
  return await tx.audit.append(canonicalJson(body), payload);
}

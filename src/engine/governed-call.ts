import type { Agent } from "../core/agent.ts";
import { GuvnorError } from "../core/errors.ts";
import type { ReadTx, StoreTx } from "../store/store.ts";
import type { CallContext, Effect } from "./call-context.ts";
import type { CallAnswer, Governor, IncomingCall, JsonObject } from "./call.ts";
import type { EngineDeps } from "./deps.ts";
import { toGuvnorError } from "./error-answer.ts";
import { identifyAgent } from "./identify.ts";
import { inboxSummary } from "./inbox.ts";
import type { Operation, Outcome } from "./operation.ts";
import { readCall, readField, type Call, type Operations } from "./read-call.ts";
import { takeBackGrant } from "./take-back.ts";
import { writeAudit, type AuditDecision } from "./write-audit.ts";

/** How often a waiting call says that it still waits, so that hosts do not give up. */
const PROGRESS_MS = 10_000;
/** A waiting call looks again this often even where no wake-up came. */
const RECHECK_MS = 1000;

/** One function for every way in: MCP tool, CLI, later REST, editor hook and gateway. */
export function createGovernor(deps: EngineDeps, operations: readonly Operation[]): Governor {
  const byName = new Map(operations.map((operation) => [operation.name, operation]));
  return { call: async (incoming) => await governCall(deps, byName, incoming) };
}

/** What one run through the transaction came to. */
interface Step {
  readonly answer: CallAnswer;
  readonly waits: boolean;
  readonly follow: Outcome["follow"];
  readonly context: CallContext | undefined;
}

async function governCall(
  deps: EngineDeps,
  operations: Operations,
  incoming: IncomingCall,
): Promise<CallAnswer> {
  const callId = deps.newSecret().slice(0, 32);
  try {
    const call = await readCall(deps, operations, { incoming, callId });
    return call.waitMs > 0
      ? await runWaiting(deps, call)
      : (await runOnce(deps, call, true)).answer;
  } catch (error) {
    // Not even the entry could be written: nothing happened, and the caller must know.
    return answerError(callId, toGuvnorError(deps, error, callId));
  }
}

/** Tries until it is granted, the time is over or the client has gone; no transaction is held in between. */
async function runWaiting(deps: EngineDeps, call: Call): Promise<CallAnswer> {
  const { signal, onWaiting } = call.incoming;
  // Watch first, then look, then wait: a change in between is not lost.
  const watch = deps.store.watch();
  try {
    let saidMs = 0;
    let step: Step | undefined;
    for (;;) {
      const waitedMs = deps.monotonic() - call.startedMs;
      const over = waitedMs >= call.waitMs || signal.aborted;
      if (step === undefined || step.waits) step = await runOnce(deps, call, over);
      if (!step.waits) {
        const settled = await followUp(deps, step).catch((error: unknown) => {
          // The call is committed; only a later answer could not be read.
          deps.log.warn({ err: error, call_id: call.callId }, "a call could not be followed");
          return undefined;
        });
        if (settled !== undefined || over) return settled ?? step.answer;
      }
      if (waitedMs - saidMs >= PROGRESS_MS) {
        saidMs = waitedMs;
        onWaiting?.(waitedMs);
      }
      const leftMs = call.waitMs - (deps.monotonic() - call.startedMs);
      await watch.next(Math.max(1, Math.min(RECHECK_MS, leftMs)), signal);
    }
  } finally {
    watch.close();
  }
}

/** A committed call may get a later answer; undefined while there is none. */
async function followUp(deps: EngineDeps, step: Step): Promise<CallAnswer | undefined> {
  const { follow } = step;
  if (follow === undefined) return step.answer;
  return await deps.store.read(deps.scope, async (tx) => {
    const { answer, settled } = await follow(tx, deps.now());
    if (!settled) return undefined;
    return { ...step.answer, body: await withInbox(tx, step.context?.agent, answer) };
  });
}

/**
 * One transaction: who → refusal found in parsing → (emergency stop, breaker, limits and the policy
 * decision take their place here) → handler in a savepoint → audit entry → commit.
 * @param last - The call will not wait any longer: what the handler answers stands.
 */
async function runOnce(deps: EngineDeps, call: Call, last: boolean): Promise<Step> {
  return await deps.store.write(deps.scope, async (tx) => {
    const nowMs = deps.now();
    const effects: Effect[] = [];
    const who = await identify(deps, tx, { call, nowMs, effects });
    const { agent, replay } = who;
    if (who.problem !== undefined) {
      return await recordRefusal(deps, tx, { call, agent, nowMs, effects, error: who.problem });
    }
    if (replay !== undefined) {
      await record(deps, tx, { call, agent, nowMs, effects, decision: "replayed" });
      return { answer: replay, waits: false, follow: undefined, context: undefined };
    }
    const committed = effects.length;
    const context: CallContext = {
      tx,
      deps,
      nowMs,
      effects,
      callId: call.callId,
      caller: call.incoming.caller,
      agent,
      actor: actorOf(call.incoming, agent),
      facts: call.facts,
    };
    try {
      const outcome = await tx.savepoint(async () => {
        const value = await handle(call, context);
        return { keep: value.retry === undefined || last, value };
      });
      if (outcome.retry === true && !last) {
        effects.length = committed;
        // A first call has registered its agent; that stands while it waits, so it has an entry.
        if (committed > 0)
          await record(deps, tx, { call, agent, nowMs, effects, decision: "system" });
        return { answer: placeholder(call), waits: true, follow: undefined, context: undefined };
      }
      return await finish(deps, context, { call, outcome });
    } catch (error) {
      effects.length = committed;
      return await recordRefusal(deps, tx, { call, agent, nowMs, effects, error });
    }
  });
}

/** A call without an operation carries a problem and was refused before. */
async function handle(call: Call, context: CallContext): Promise<Outcome> {
  if (call.operation === undefined) throw new Error("an unknown operation was not refused");
  return await call.operation.handle(context, call.input);
}

function placeholder(call: Call): CallAnswer {
  return { callId: call.callId, isError: false, body: {} };
}

interface Identified {
  readonly agent: Agent | undefined;
  readonly problem?: unknown;
  readonly replay?: CallAnswer;
}

/** Who calls, and whether this very request was answered before. */
async function identify(
  deps: EngineDeps,
  tx: StoreTx,
  { call, nowMs, effects }: { call: Call; nowMs: number; effects: Effect[] },
): Promise<Identified> {
  const { caller } = call.incoming;
  const { operation } = call;
  if (caller.kind === "person") return { agent: undefined, problem: call.problem };
  const problem = operation?.class === "person" ? forPeople(operation.name) : call.problem;
  // register_agent says itself who it is.
  const session = readField(call.input, "session");
  if (operation?.registers === true && problem === undefined) return { agent: undefined };
  let agent: Agent | undefined;
  try {
    agent = await identifyAgent(
      { tx, deps, nowMs, effects },
      caller,
      typeof session === "string" ? session : undefined,
    );
    // What was answered is answered again, whatever the world outside looks like by now.
    const replay = await findReplay(deps, tx, call, agent);
    if (replay !== undefined) return { agent, replay };
    return problem === undefined ? { agent } : { agent, problem };
  } catch (error) {
    return { agent, problem: problem ?? error };
  }
}

function forPeople(operation: string): GuvnorError {
  return new GuvnorError(
    "person_required",
    `${operation} is for people only.`,
    "Ask a person with request_escalation.",
  );
}

async function findReplay(
  deps: EngineDeps,
  tx: StoreTx,
  call: Call,
  agent: Agent,
): Promise<CallAnswer | undefined> {
  const requestId = readField(call.input, "request_id");
  if (typeof requestId !== "string") return undefined;
  const stored = await tx.requests.get(agent.name, requestId);
  if (stored === undefined) return undefined;
  if (stored.digest !== digestOf(deps, call)) {
    throw new GuvnorError(
      "request_id_reused",
      `request_id "${requestId}" was used for another call.`,
      "Use a new request_id for each new call; repeat one only to repeat the very same call.",
    );
  }
  return { callId: stored.callId, isError: false, body: parseAnswer(stored.answer) };
}

/** What `finish` stored. */
function parseAnswer(answer: string): JsonObject {
  const body: unknown = JSON.parse(answer);
  return typeof body === "object" && body !== null ? { ...body } : {};
}

function digestOf(deps: EngineDeps, call: Call): string {
  return deps.sha256(`${call.incoming.operation}\n${call.payload}`);
}

/** The handler decided: inbox, idempotency, ledger. */
async function finish(
  deps: EngineDeps,
  context: CallContext,
  { call, outcome }: { call: Call; outcome: Outcome },
): Promise<Step> {
  const { tx, nowMs, effects } = context;
  const agent = outcome.registered ?? context.agent;
  const body = await withInbox(tx, agent, outcome.answer);
  const requestId = readField(call.input, "request_id");
  // A registration is not kept: its answer holds the session, which is stored as a hash only.
  const keeps = outcome.retry === undefined && outcome.registered === undefined;
  if (agent !== undefined && typeof requestId === "string" && keeps) {
    await tx.requests.insert({
      agent: agent.name,
      requestId,
      digest: digestOf(deps, call),
      answer: JSON.stringify(body),
      callId: call.callId,
      atMs: nowMs,
    });
  }
  const target = outcome.target ?? null;
  await record(deps, tx, { call, agent, nowMs, effects, decision: "allow", target });
  const { grant } = outcome;
  const answer: CallAnswer = {
    callId: call.callId,
    isError: false,
    body,
    ...(grant === undefined
      ? {}
      : { takeBack: async () => await takeBackGrant(deps, grant, call.callId) }),
  };
  return { answer, waits: false, follow: outcome.follow, context };
}

async function withInbox(
  tx: ReadTx,
  agent: Agent | undefined,
  answer: JsonObject,
): Promise<JsonObject> {
  const inbox = agent === undefined ? undefined : await inboxSummary(tx, agent.name);
  return inbox === undefined ? answer : { ...answer, inbox };
}

interface Refusal {
  readonly call: Call;
  readonly agent: Agent | undefined;
  readonly nowMs: number;
  readonly effects: Effect[];
  readonly error: unknown;
}

async function recordRefusal(deps: EngineDeps, tx: StoreTx, refusal: Refusal): Promise<Step> {
  const { call, agent, nowMs, effects } = refusal;
  const error = toGuvnorError(deps, refusal.error, call.callId);
  // A full or broken disk cannot take the entry either: the whole call fails.
  if (error.code === "storage_failed" || error.code === "busy") throw error;
  const decision = error.code === "internal" ? "error" : "refuse";
  await record(deps, tx, { call, agent, nowMs, effects, decision, reason: error.code });
  const answer = answerError(call.callId, error);
  return { answer, waits: false, follow: undefined, context: undefined };
}

interface Recorded {
  readonly call: Call;
  readonly agent: Agent | undefined;
  readonly nowMs: number;
  readonly effects: readonly Effect[];
  readonly decision: AuditDecision;
  readonly reason?: string;
  readonly target?: string | null;
}

async function record(deps: EngineDeps, tx: StoreTx, facts: Recorded): Promise<void> {
  const { call, agent } = facts;
  const { caller } = call.incoming;
  const project = await tx.projects.get();
  await writeAudit(tx, {
    atMs: facts.nowMs,
    actor: actorOf(call.incoming, agent),
    principal: principalOf(deps, call.incoming),
    session: agent === undefined ? null : agent.sessionHash.slice(0, 16),
    channel: caller.channel,
    action: call.incoming.operation.slice(0, 64),
    target: facts.target ?? null,
    decision: facts.decision,
    reason: facts.reason ?? null,
    policyHash: project?.policyHash ?? null,
    effects: facts.effects,
    durationUs: Math.round((deps.monotonic() - call.startedMs) * 1000),
    callId: call.callId,
    trace: call.incoming.trace?.slice(0, 128) ?? null,
    payload: call.payload,
    nonce: deps.newSecret().slice(0, 32),
  });
}

function actorOf(incoming: IncomingCall, agent: Agent | undefined): string {
  // No agent's name has a colon: a person is never taken for an agent.
  if (incoming.caller.kind === "person") return `person:${incoming.caller.name}`;
  return agent?.name ?? "unknown";
}

function principalOf(deps: EngineDeps, incoming: IncomingCall): string {
  const { caller } = incoming;
  if (caller.kind === "agent") return deps.settings.principal;
  return caller.verified ? `operator:${caller.name}` : `unverified:${caller.name}`;
}

function answerError(callId: string, error: GuvnorError): CallAnswer {
  const { code, message, fix, details } = error;
  return {
    callId,
    isError: true,
    body: { code, message, fix, ...(details === undefined ? {} : { details }) },
  };
}

import type { Agent } from "../core/agent.ts";
import { GuvnorError } from "../core/errors.ts";
import type { CallContext, Effect, ReadContext, WriteContext } from "./call-context.ts";
import type { CallAnswer, Governor, IncomingCall, JsonObject } from "./call.ts";
import type { EngineDeps } from "./deps.ts";
import { toGuvnorError } from "./error-answer.ts";
import { followUp } from "./follow-up.ts";
import { contextOf, tryOut } from "./handler-context.ts";
import { inboxSummary } from "./inbox.ts";
import type { Operation, Outcome } from "./operation.ts";
import { digestOf, readCall, readField, type Call, type Operations } from "./read-call.ts";
import { answerError, record, recordRefusal, recordRuling, type Entry } from "./record-call.ts";
import { spendApprovals } from "./rules/approvals.ts";
import {
  failsAlone,
  giveBackProbe,
  settleBreaker,
  toolBreaker,
  type Probe,
} from "./rules/breakers.ts";
import { followGlobalStop } from "./rules/global-stop.ts";
import {
  FREE,
  governAnyCall,
  guardsOf,
  governCall as governByRules,
  type Governed,
  type Ruling,
} from "./rules/govern.ts";
import { NO_GUARDS } from "./rules/guards.ts";
import { rulesInForce, type RulesInForce } from "./rules/rules-in-force.ts";
import { readStopFor } from "./rules/stops.ts";
import { takeBackGrant } from "./take-back.ts";
import { whoCalls } from "./who-calls.ts";

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
    if (incoming.caller.kind === "agent") await deps.issuer.prepare();
    return call.waitMs > 0
      ? await runWaiting(deps, call)
      : (await runOnce(deps, call, { last: true, isFirst: true })).answer;
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
    let lookedMs = 0;
    let step: Step | undefined;
    for (;;) {
      const waitedMs = deps.monotonic() - call.startedMs;
      const over = waitedMs >= call.waitMs || signal.aborted;
      const isDue = over || waitedMs - lookedMs >= RECHECK_MS;
      if (step === undefined || (step.waits && (isDue || (await isConcerned(deps, call, step))))) {
        step = await runOnce(deps, call, { last: over, isFirst: step === undefined });
        lookedMs = waitedMs;
      }
      if (!step.waits) {
        const settled = await laterAnswer(deps, step).catch((error: unknown) => {
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

/** Whether it is worth a transaction to look again, for which all writers would have to wait. */
async function isConcerned(
  deps: EngineDeps,
  { operation, input }: Call,
  { context }: Step,
): Promise<boolean> {
  const name = context?.agent?.name;
  if (operation?.concerns === undefined || name === undefined) return true;
  return await deps.store.read(deps.scope, async (tx) => {
    if ((await readStopFor(tx, name)) !== undefined) return true;
    if ((await tx.agents.get(name))?.state === "revoked") return true;
    return (await operation.concerns?.(tx, name, input)) ?? true;
  });
}

/** A committed call may get a later answer; undefined while there is none. */
async function laterAnswer(deps: EngineDeps, step: Step): Promise<CallAnswer | undefined> {
  const { follow } = step;
  if (follow === undefined) return step.answer;
  return await deps.store.read(deps.scope, async (tx) => {
    const { answer, settled } = await follow(tx, deps.now());
    // What was called stands; while everything is stopped there is nothing to wait for.
    const isStopped = (await readStopFor(tx, step.context?.agent?.name ?? null)) !== undefined;
    if (!settled && !isStopped) return undefined;
    const ctx = { tx, deps, nowMs: deps.now() };
    return { ...step.answer, body: await withInbox(ctx, step.context?.agent, { answer }) };
  });
}

/** Where a call stands that may run more than once. */
interface Round {
  /** It will not wait any longer: what the handler answers stands. */
  readonly last: boolean;
  readonly isFirst: boolean;
}

/**
 * One transaction: who → stop and limits → refusal found in parsing → answered before? → breaker and
 * policy → handler in a savepoint → audit entry → commit.
 */
async function runOnce(deps: EngineDeps, call: Call, round: Round): Promise<Step> {
  // What it waited between two looks says nothing of how fast guvnor is.
  const startedMs = round.isFirst ? call.startedMs : deps.monotonic();
  return await deps.store.write(deps.scope, async (tx) => {
    const effects: Effect[] = [];
    const write: WriteContext = { tx, deps, nowMs: deps.now(), effects };
    const isAgent = call.incoming.caller.kind === "agent";
    // First of all: a kept report that is taken now may change the very agent that calls.
    if (isAgent) await followGlobalStop(write);
    const { agent, replay, problem } = await whoCalls(write, call);
    const rules = await rulesInForce({ deps, tx });
    const guards = isAgent ? await guardsOf(write, call, agent) : NO_GUARDS;
    const { isFirst } = round;
    const entry: Entry = { write, call, agent, policyHash: rules.hash, startedMs };
    const governed: Governed = {
      call,
      agent,
      rules,
      problem,
      isFirst,
      guards,
      tryOut: async () =>
        await tryOut(
          contextOf(write, entry, call.facts),
          async (context) => await handle(call, context, call.input),
        ),
    };
    try {
      const first = isAgent ? await governAnyCall(write, governed) : FREE;
      if (first.refusal !== undefined) return stepOf(await recordRuling(entry, first.refusal));
      const refused = problem ?? (isAgent ? rules.problem : undefined);
      if (refused !== undefined) {
        const isOutside = isAgent && isFailure(refused);
        if (isOutside) await settleTool(entry, rules, { ruling: FREE, failed: true });
        return stepOf(await recordRefusal(entry, rules, refused));
      }
      if (replay !== undefined) {
        await record(entry, { decision: "replayed" });
        return stepOf(replay);
      }
      const ruling = isAgent ? await governByRules(write, governed) : FREE;
      if (ruling.refusal !== undefined) return stepOf(await recordRuling(entry, ruling.refusal));
      return await runHandler(entry, { rules, ruling, round });
    } catch (error) {
      return stepOf(await recordRefusal(entry, rules, error));
    }
  });
}

interface Ruled {
  readonly rules: RulesInForce;
  readonly ruling: Ruling;
  readonly round: Round;
}

async function runHandler(entry: Entry, { rules, ruling, round }: Ruled): Promise<Step> {
  const { write, call } = entry;
  const { tx, effects } = write;
  const committed = effects.length;
  const { cleared } = ruling;
  const context = contextOf(write, entry, cleared?.facts ?? call.facts);
  try {
    const outcome = await tx.savepoint(async () => {
      const value = await handle(call, context, cleared?.input ?? call.input);
      await followUp(write);
      const waits = value.retry === true && !round.last;
      return { keep: !waits || value.stands === true, value };
    });
    if (outcome.retry === true && !round.last) {
      if (outcome.stands !== true) effects.length = committed;
      for (const probe of ruling.probes) await giveBackProbe(write, probe);
      // A first call has registered its agent; that stands while it waits, so it has an entry.
      if (effects.length > 0) await record(entry, { decision: "system" });
      return { answer: placeholder(call), waits: true, follow: undefined, context };
    }
    if (cleared !== undefined && outcome.isUndone !== true) await spendApprovals(write, cleared);
    if (ruling.isWatched) await settleTool(entry, rules, { ruling, failed: false });
    // What is tried with an agent is a task; none was claimed.
    const tried = outcome.grant === undefined ? ruling.probes.filter(isOfAgent) : [];
    for (const probe of tried) await giveBackProbe(write, probe);
    return await finish(entry, context, { outcome, ruling });
  } catch (error) {
    effects.length = committed;
    if (isFailure(error)) await settleTool(entry, rules, { ruling, failed: true });
    for (const probe of ruling.probes) await giveBackProbe(write, probe);
    return stepOf(await recordRefusal(entry, rules, error, ruling));
  }
}

/** Of ours, or of what we depend on: what the caller did wrong says nothing of the tool. */
function isFailure(error: unknown): boolean {
  if (!(error instanceof GuvnorError)) return true;
  return error.code === "internal" || error.code === "git_unavailable";
}

async function settleTool(
  { write, call, agent }: Entry,
  { settings }: RulesInForce,
  { ruling, failed }: { ruling: Ruling; failed: boolean },
): Promise<void> {
  const breaker = toolBreaker(settings, call.incoming.operation);
  if (breaker === undefined) return;
  const { probe } = ruling.probes.find(({ subject }) => subject === breaker.subject) ?? {};
  // One that fails whatever it calls must not close the tool for all.
  if (failed && probe === undefined && (await failsAlone(write, breaker, agent))) return;
  await settleBreaker(write, breaker, { failed, probe });
}

function isOfAgent({ subject }: Probe): boolean {
  return subject.startsWith("agent:");
}

/** A call without an operation carries a problem and was refused before. */
async function handle(call: Call, context: CallContext, input: unknown): Promise<Outcome> {
  if (call.operation === undefined) throw new Error("an unknown operation was not refused");
  return await call.operation.handle(context, input);
}

function stepOf(answer: CallAnswer): Step {
  return { answer, waits: false, follow: undefined, context: undefined };
}

function placeholder(call: Call): CallAnswer {
  return { callId: call.callId, isError: false, body: {} };
}

/** The handler decided: inbox, idempotency, ledger. */
async function finish(
  entry: Entry,
  context: CallContext,
  { outcome, ruling }: { outcome: Outcome; ruling: Ruling },
): Promise<Step> {
  const { tx, nowMs, deps } = context;
  const { call } = entry;
  const agent = outcome.registered ?? context.agent;
  const body = await withInbox(context, agent, outcome);
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
  const { rule, approval } = ruling;
  const target = outcome.target ?? null;
  await record({ ...entry, agent }, { decision: "allow", target, rule, approval });
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
  ctx: ReadContext & { readonly nowMs: number },
  agent: Agent | undefined,
  { answer, shows }: Pick<Outcome, "answer" | "shows">,
): Promise<JsonObject> {
  const inbox = agent === undefined ? undefined : await inboxSummary(ctx, agent, shows);
  return inbox === undefined ? answer : { ...answer, inbox };
}

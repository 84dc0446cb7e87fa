import type { Agent } from "../../core/agent.ts";
import {
  abandonProbe,
  admit,
  closed,
  CLOSED_BREAKER,
  settle,
  type Admission,
  type Breaker,
  type BreakerSettings,
} from "../../core/breaker.ts";
import { GuvnorError } from "../../core/errors.ts";
import { addToWindow, totalInWindow, type RateWindow } from "../../core/rate-window.ts";
import type { ProjectSettings } from "../../core/settings.ts";
import type { WriteContext } from "../call-context.ts";
import { agentSubject, readGuards, type Guards } from "./guards.ts";
import { emitEvent } from "./outbox.ts";

/** A probe of a tool is one call; one of an agent is a whole task. */
const TOOL_PROBE_MS = 60_000;
const AGENT_PROBE_MS = 3_600_000;

/** Calls of a tool that are counted when the first one fails: more make no difference to a ratio. */
const MAX_CALLS = 1000;

/** Entries of an agent's that are looked at for failures of a tool. */
const MAX_ENTRIES = 200;
/** How an entry of the ledger says that it was not the caller's fault. */
const FAILED = /"reason":"(?:internal|git_unavailable)"/;

export function toolSubject(tool: string): string {
  return `tool:${tool}`;
}

function toolOf(subject: string): string {
  return subject.slice("tool:".length);
}

/** A breaker's place, and how it is set. */
export interface Wired {
  readonly subject: string;
  readonly settings: BreakerSettings;
}

export function toolBreaker(settings: ProjectSettings, tool: string): Wired | undefined {
  return wire(toolSubject(tool), settings.breakers.tool, TOOL_PROBE_MS);
}

export function agentBreaker(settings: ProjectSettings, agent: string): Wired | undefined {
  return wire(agentSubject(agent), settings.breakers.agent, AGENT_PROBE_MS);
}

/** The one of that name; undefined where the settings have none. */
export function wiredOf(settings: ProjectSettings, subject: string): Wired | undefined {
  const name = subject.slice(subject.indexOf(":") + 1);
  return isOfTool(subject) ? toolBreaker(settings, name) : agentBreaker(settings, name);
}

export function isOfTool(subject: string): boolean {
  return subject.startsWith(toolSubject(""));
}

/** An agent's counts its work, a tool's counts calls. */
export function whyOpen({ subject, settings }: Wired): string {
  const share = `${Math.round(settings.errorRatio * 100)} % within ${settings.windowMs / 1000} s`;
  return isOfTool(subject)
    ? `too many of its calls failed (${share} open it)`
    : `too much of its work failed (${share} opens it)`;
}

function wire(
  subject: string,
  settings: ProjectSettings["breakers"]["tool"],
  probeLeaseMs: number,
): Wired | undefined {
  if (settings === null) return undefined;
  return {
    subject,
    settings: { ...settings, jitter: 0.2, concurrentProbes: settings.probes, probeLeaseMs },
  };
}

/** A call that a breaker has let through to see whether things are well again. */
export interface Probe {
  readonly subject: string;
  readonly probe: number;
}

/** Lets a call through, perhaps as a probe; or `breaker_open` with `retry_after_seconds`. */
export async function passBreaker(
  ctx: WriteContext,
  guards: Guards,
  wired: Wired,
): Promise<{ readonly probe?: number | undefined; readonly error?: GuvnorError }> {
  const { subject, settings } = wired;
  const before = stateOf(guards, subject);
  if (before === undefined) return {};
  const admission = admit(before, settings, ctx.nowMs);
  if (admission.state !== before) await save(ctx, subject, before, admission.state);
  if (admission.admitted) return { probe: admission.probe };
  return { error: breakerOpen(wired, admission) };
}

function breakerOpen(
  wired: Wired,
  { state, retryAfterMs }: Extract<Admission, { admitted: false }>,
): GuvnorError {
  const { subject } = wired;
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  const phase = state.phase === "open" ? "open" : "half open, and another try is under way";
  return new GuvnorError(
    "breaker_open",
    `The breaker of ${subject.replace(":", " ")} is ${phase}: ${whyOpen(wired)}.`,
    state.phase === "open" || isOfTool(subject)
      ? `Wait ${seconds} seconds, then try once.`
      : "Finish the task that you have got since: when it is done, there is more.",
    { details: { retry_after_seconds: seconds } },
  );
}

/** The probe says nothing of what it was to try: another call may. */
export async function giveBackProbe(ctx: WriteContext, { subject, probe }: Probe): Promise<void> {
  const before = stateOf(await readGuards(ctx.tx, [subject]), subject);
  if (before !== undefined) await abandon(ctx, subject, before, probe);
}

/** What an agent took to try whether it does better came to nothing: it may take something else. */
export async function giveBackTask(ctx: WriteContext, agent: string): Promise<void> {
  const subject = agentSubject(agent);
  const before = stateOf(await readGuards(ctx.tx, [subject]), subject);
  const probe = before?.probing[0]?.probe;
  if (before !== undefined && probe !== undefined) await abandon(ctx, subject, before, probe);
}

/** A person knows that it is well again. @returns False where it was closed already. */
export async function closeBreaker(ctx: WriteContext, subject: string): Promise<boolean> {
  const before = stateOf(await readGuards(ctx.tx, [subject]), subject);
  if (before === undefined || before.phase === "closed") return false;
  await save(ctx, subject, before, closed(before));
  return true;
}

async function abandon(
  ctx: WriteContext,
  subject: string,
  before: Breaker,
  probe: number,
): Promise<void> {
  const state = abandonProbe(before, probe);
  if (state !== before) await save(ctx, subject, before, state);
}

/**
 * What an agent's work makes of its breaker. The one probe that it waits for is the task: whoever
 * reports carries no number.
 */
export async function settleAgent(
  ctx: WriteContext,
  { subject, settings }: Wired,
  failed: boolean,
): Promise<void> {
  const before = stateOf(await readGuards(ctx.tx, [subject]), subject) ?? CLOSED_BREAKER;
  const probe = before.probing[0]?.probe;
  await settleFrom(ctx, { subject, settings }, { before, failed, probe });
}

/**
 * What the result makes of a tool's breaker. Of a tool nothing is stored while nothing fails: the calls that went
 * well before are counted from the ledger once something does.
 */
export async function settleBreaker(
  ctx: WriteContext,
  { subject, settings }: Wired,
  { failed, probe }: { failed: boolean; probe: number | undefined },
): Promise<void> {
  const found = stateOf(await readGuards(ctx.tx, [subject]), subject) ?? CLOSED_BREAKER;
  const isQuiet = found.phase === "closed" && failuresOf(found, settings, ctx.nowMs) === 0;
  if (isQuiet && !failed) return;
  const calls = isQuiet ? await callsOf(ctx, toolOf(subject), settings) : found.calls;
  await settleFrom(ctx, { subject, settings }, { before: { ...found, calls }, failed, probe });
}

async function settleFrom(
  ctx: WriteContext,
  { subject, settings }: Wired,
  { before, failed, probe }: { before: Breaker; failed: boolean; probe: number | undefined },
): Promise<void> {
  const { nowMs } = ctx;
  const next = settle(before, settings, { failed, probe, nowMs, random: ctx.deps.random() });
  if (next !== before) await save(ctx, subject, before, next);
}

function failuresOf({ failures }: Breaker, { windowMs }: BreakerSettings, nowMs: number): number {
  return totalInWindow(failures ?? undefined, { nowMs, windowMs });
}

/** The calls that went well within the window, as the ledger has them. */
async function callsOf(
  { tx, nowMs }: WriteContext,
  action: string,
  { windowMs }: BreakerSettings,
): Promise<RateWindow> {
  const sinceMs = nowMs - windowMs;
  const found = await tx.audit.search({ action, decision: "allow", sinceMs, limit: MAX_CALLS });
  return addToWindow(undefined, { nowMs, windowMs, amount: found.length });
}

/** As much as one agent may add to a tool's failures in a window: less than what opens it. */
export async function failsAlone(
  { tx, nowMs }: WriteContext,
  { subject, settings }: Wired,
  agent: Agent | undefined,
): Promise<boolean> {
  const sinceMs = nowMs - settings.windowMs;
  const entries = await tx.audit.search({
    actor: agent?.name ?? "unknown",
    action: toolOf(subject),
    sinceMs,
    newestFirst: true,
    limit: MAX_ENTRIES,
  });
  const failures = entries.filter(({ body }) => FAILED.test(body)).length;
  return failures + 1 >= settings.errorRatio * settings.minCalls;
}

function stateOf(guards: Guards, subject: string): Breaker | undefined {
  return guards.state(subject, "breaker", "");
}

async function save(
  ctx: WriteContext,
  subject: string,
  before: Breaker,
  state: Breaker,
): Promise<void> {
  await ctx.tx.guards.save({ subject, kind: "breaker", name: "", state });
  if (before.phase === state.phase) return;
  ctx.effects.push({ type: "breaker", id: subject, from: before.phase, to: state.phase });
  await emitEvent(ctx, "breaker", { subject, from: before.phase, to: state.phase });
}

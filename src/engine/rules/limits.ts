import type { Agent } from "../../core/agent.ts";
import type { LimitGuard } from "../../core/guard.ts";
import {
  decideLimit,
  NO_EPISODES,
  type Limit,
  type LimitVerdict,
} from "../../core/limit-decision.ts";
import type { LimitMetric, PolicyLimit } from "../../core/policy-rules.ts";
import { addToWindow, alignWindow, type RateWindow } from "../../core/rate-window.ts";
import { countRefusal, floodOf, type FloodAggregate } from "../../core/refusal-flood.ts";
import type { WriteContext } from "../call-context.ts";
import { agentSubject, PROJECT_SUBJECT, readGuards, type Guards } from "./guards.ts";

const EMPTY: LimitGuard = { window: null, episodes: NO_EPISODES, flood: null };

/** For a flood whose limit is not in force any more. */
const FLOOD_MS = 60_000;

/** Whose use is measured. */
export interface Metered {
  /** Undefined where nobody is known yet: then the process is meant. */
  readonly agent: Agent | undefined;
  readonly processId: string;
}

export interface Exceeded {
  readonly limit: PolicyLimit;
  readonly verdict: Extract<LimitVerdict, { allowed: false }>;
}

/** A call that is refused for what was called before it. */
export interface Refused extends Exceeded {
  /** This refusal has an entry of its own; the others of its window are only counted. */
  readonly single: boolean;
  /** Of a window that is over: how many had no entry. */
  readonly ended: FloodAggregate | null;
}

const HARDNESS = ["throttle", "deny", "revoke", "stop"] as const;

/**
 * One more call: counted where every limit admits it, else the hardest of those that do not. Refused
 * calls are counted apart, once each, so that whoever waits as told comes back in.
 */
export async function admitCall(
  ctx: WriteContext,
  guards: Guards,
  { who, limits }: { who: Metered; limits: readonly PolicyLimit[] },
): Promise<Refused | undefined> {
  const windowed = limits.filter((limit) => limit.perMs !== null && applies(limit, who));
  let hardest: Exceeded | undefined;
  for (const limit of windowed) {
    const amount = limit.metric === "calls" ? 1 : 0;
    const exceeded = await decide(ctx, guards, { who, limit, amount });
    if (exceeded !== undefined && isHarder(exceeded, hardest)) hardest = exceeded;
  }
  if (hardest !== undefined) return { ...hardest, ...(await refuse(ctx, who, hardest.limit)) };
  for (const limit of windowed.filter(({ metric }) => metric === "calls")) {
    await add(ctx, guards, { who, limit, amount: 1 });
  }
  return undefined;
}

/** What is known after the fact: errors, denials, tokens, cost. The hardest limit that it exceeds. */
export async function countAmount(
  ctx: WriteContext,
  { who, limits }: { who: Metered; limits: readonly PolicyLimit[] },
  { metric, amount }: { metric: LimitMetric; amount: number },
): Promise<Exceeded | undefined> {
  const counted = limits.filter((limit) => limit.metric === metric && applies(limit, who));
  let hardest: Exceeded | undefined;
  for (const limit of counted) {
    const subject = subjectOf(limit, who);
    await add(ctx, await readGuards(ctx.tx, [subject]), { who, limit, amount });
    const guards = await readGuards(ctx.tx, [subject]);
    const exceeded = await decide(ctx, guards, { who, limit, amount: 0 });
    if (exceeded !== undefined && isHarder(exceeded, hardest)) hardest = exceeded;
  }
  return hardest;
}

/** A gauge as it would be with `amount` more; `read` is asked only where a limit wants to know. */
export async function checkGauge(
  ctx: WriteContext,
  { who, limits }: { who: Metered; limits: readonly PolicyLimit[] },
  gauge: {
    metric: LimitMetric;
    amount: number;
    read: (of: PolicyLimit["of"]) => Promise<number>;
  },
): Promise<Exceeded | undefined> {
  let hardest: Exceeded | undefined;
  for (const limit of limits) {
    if (limit.metric !== gauge.metric || !applies(limit, who)) continue;
    const guards = await readGuards(ctx.tx, [subjectOf(limit, who)]);
    const value = await gauge.read(limit.of);
    const exceeded = await decide(ctx, guards, { who, limit, amount: gauge.amount, value });
    if (exceeded !== undefined && isHarder(exceeded, hardest)) hardest = exceeded;
  }
  return hardest;
}

/** A limit that stops everything at the next call of whom it is about. */
interface StopsAgain {
  readonly subject: string;
  readonly limit: PolicyLimit;
  /** Null where time alone does not help. */
  readonly retryAfterMs: number | null;
}

/**
 * What was counted before a stop is not forgotten by it. A gauge is read with a call only: it is
 * taken for exceeded where it was what stopped.
 * @param by - Who raised the stop that is over.
 */
export async function limitsThatStop(
  { tx, nowMs }: Pick<WriteContext, "tx" | "nowMs">,
  limits: readonly PolicyLimit[],
  by: string,
): Promise<readonly StopsAgain[]> {
  return (await tx.guards.list("limit")).flatMap(({ subject, name, state }) => {
    const limit = limits.find(({ id }) => id === name);
    if (limit === undefined) return [];
    if (limit.perMs === null) {
      return by === `limit:${name}` ? [{ subject, limit, retryAfterMs: null }] : [];
    }
    const window = aligned(state, limit, nowMs) ?? undefined;
    const amount = limit.metric === "calls" ? 1 : 0;
    const given = { measured: { window }, amount, nowMs };
    const { verdict } = decideLimit(toLimit(limit), state.episodes, given);
    const stops = !verdict.allowed && verdict.consequence === "stop";
    return stops ? [{ subject, limit, retryAfterMs: verdict.retryAfterMs }] : [];
  });
}

interface One {
  readonly who: Metered;
  readonly limit: PolicyLimit;
  readonly amount: number;
  /** Of a gauge. */
  readonly value?: number;
}

async function decide(
  ctx: WriteContext,
  guards: Guards,
  { who, limit, amount, value }: One,
): Promise<Exceeded | undefined> {
  const { nowMs } = ctx;
  const subject = subjectOf(limit, who);
  const before = guardOf(guards, subject, limit);
  const window = aligned(before, limit, nowMs);
  const measured = value === undefined ? { window: window ?? undefined } : { gauge: value };
  const { verdict, state } = decideLimit(toLimit(limit), before.episodes, {
    measured,
    amount,
    nowMs,
  });
  if (verdict.allowed) {
    if (state !== before.episodes)
      await save(ctx, subject, limit, { ...before, window, episodes: state });
    return undefined;
  }
  await save(ctx, subject, limit, { ...before, window, episodes: state });
  return { limit, verdict };
}

/** One more of a flood, which makes few entries: the first of each window, and one for the rest. */
async function refuse(
  ctx: WriteContext,
  who: Metered,
  limit: PolicyLimit,
): Promise<Pick<Refused, "single" | "ended">> {
  const subject = subjectOf(limit, who);
  const before = guardOf(await readGuards(ctx.tx, [subject]), subject, limit);
  const at = { nowMs: ctx.nowMs, windowMs: limit.perMs ?? FLOOD_MS };
  const { flood, single, ended } = countRefusal(before.flood, at);
  await save(ctx, subject, limit, { ...before, flood });
  return { single, ended };
}

async function add(ctx: WriteContext, guards: Guards, { who, limit, amount }: One): Promise<void> {
  const { perMs } = limit;
  if (perMs === null) return;
  const subject = subjectOf(limit, who);
  const before = guardOf(guards, subject, limit);
  const window = addToWindow(before.window ?? undefined, {
    nowMs: ctx.nowMs,
    windowMs: perMs,
    amount,
  });
  await save(ctx, subject, limit, { ...before, window });
}

/** Floods whose window is over since nobody called any more: each count comes out once. */
export async function endFloods(
  ctx: WriteContext,
  limits: readonly PolicyLimit[],
): Promise<{ subject: string; limit: string; ended: FloodAggregate }[]> {
  const over = [];
  for (const guard of await ctx.tx.guards.list("limit")) {
    const { state } = guard;
    const windowMs = limits.find(({ id }) => id === guard.name)?.perMs ?? FLOOD_MS;
    const { flood, ended } = floodOf(state.flood, { nowMs: ctx.nowMs, windowMs });
    if (flood === state.flood) continue;
    await ctx.tx.guards.save({ ...guard, state: { ...state, flood } });
    if (ended !== null) over.push({ subject: guard.subject, limit: guard.name, ended });
  }
  return over;
}

/** What it used before does not count any more; refusals that were only counted are told all the same. */
export async function forgetUse(ctx: WriteContext, agent: string): Promise<void> {
  for (const guard of await ctx.tx.guards.list("limit")) {
    if (guard.subject !== agentSubject(agent)) continue;
    await ctx.tx.guards.save({ ...guard, state: { ...EMPTY, flood: guard.state.flood } });
  }
}

function guardOf(guards: Guards, subject: string, { id }: PolicyLimit): LimitGuard {
  return guards.state(subject, "limit", id) ?? EMPTY;
}

function aligned({ window }: LimitGuard, { perMs }: PolicyLimit, nowMs: number): RateWindow | null {
  if (perMs === null) return null;
  return alignWindow(window ?? undefined, { nowMs, windowMs: perMs }) ?? null;
}

async function save(
  ctx: WriteContext,
  subject: string,
  { id }: PolicyLimit,
  state: LimitGuard,
): Promise<void> {
  await ctx.tx.guards.save({ subject, kind: "limit", name: id, state });
}

function applies({ tier }: PolicyLimit, { agent }: Metered): boolean {
  return tier === null || agent?.tier === tier;
}

function subjectOf({ of }: PolicyLimit, { agent, processId }: Metered): string {
  if (of === "project" || of === "tenant") return PROJECT_SUBJECT;
  if (agent === undefined) return `process:${processId}`;
  return of === "tier" ? `tier:${agent.tier}` : agentSubject(agent.name);
}

function toLimit({ id, of, metric, max, perMs, response, repeat, diagnose }: PolicyLimit): Limit {
  return {
    id,
    of,
    metric,
    max,
    perMs,
    consequence: response,
    diagnose,
    ...(repeat === null
      ? {}
      : {
          repeat: { times: repeat.times, withinMs: repeat.withinMs, consequence: repeat.response },
        }),
  };
}

function isHarder(one: Exceeded, other: Exceeded | undefined): boolean {
  if (other === undefined) return true;
  const hardness = ({ verdict }: Exceeded): number => HARDNESS.indexOf(verdict.consequence);
  return hardness(one) > hardness(other);
}

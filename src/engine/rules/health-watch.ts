import { z } from "zod";

import type { Agent } from "../../core/agent.ts";
import type { HealthCheck } from "../../core/guard.ts";
import { healthAlerts, thresholdsOf, type Reading } from "../../core/health-alerts.ts";
import {
  countCall,
  countOutcome,
  DEFAULT_HEALTH,
  healthOf,
  NO_COUNTERS,
  queueDepths,
  type HealthCounters,
} from "../../core/health.ts";
import { fromIso } from "../../core/iso-time.ts";
import type { ProjectSettings } from "../../core/settings.ts";
import type { AttemptOutcome } from "../../core/task.ts";
import type { ReadTx } from "../../store/store.ts";
import type { WriteContext } from "../call-context.ts";
import { PROJECT_SUBJECT, readGuards } from "./guards.ts";
import { emitEvent } from "./outbox.ts";
import { rulesInForce } from "./rules-in-force.ts";

const entryBody = z.object({ at: z.string(), decision: z.string(), duration_us: z.number() });

/** Entries of an agent's that its health is read from. */
const MAX_ENTRIES = 200;
/** Attempts of an agent's that its completion rate is read from. */
const MAX_ATTEMPTS = 50;
/** What was given back, taken away or never delivered says nothing of who had it. */
const COUNTED: ReadonlySet<AttemptOutcome | null> = new Set(["done", "failed", "lost"] as const);
/** Ready tasks looked at for the depth of queues. */
const MAX_READY = 1000;

/** Once in `report_interval`, by whichever process looks first. */
export async function isHealthDue(
  tx: ReadTx,
  { health }: ProjectSettings,
  nowMs: number,
): Promise<boolean> {
  return Math.abs(nowMs - (await lastCheck(tx)).atMs) >= health.reportIntervalMs;
}

/** Alerts are told when they come and when they go, not as long as they last. */
export async function checkHealth(ctx: WriteContext): Promise<void> {
  const { settings } = await rulesInForce(ctx);
  if (!(await isHealthDue(ctx.tx, settings, ctx.nowMs))) return;
  const { active } = await lastCheck(ctx.tx);
  const readings = await readAll(ctx);
  const change = healthAlerts(active, readings, thresholdsOf(settings.health));
  const state: HealthCheck = { atMs: ctx.nowMs, active: change.active };
  await ctx.tx.guards.save({ subject: PROJECT_SUBJECT, kind: "health", name: "", state });
  for (const [event, alerts] of Object.entries({
    raised: change.raised,
    cleared: change.cleared,
  })) {
    for (const { id, ...alert } of alerts) {
      ctx.effects.push({ type: "alert", id, event, ...alert });
      await emitEvent(ctx, "alert", { id, event, ...alert });
    }
  }
}

async function lastCheck(tx: ReadTx): Promise<HealthCheck> {
  const guards = await readGuards(tx, [PROJECT_SUBJECT]);
  return guards.state(PROJECT_SUBJECT, "health", "") ?? { atMs: 0, active: [] };
}

async function readAll(ctx: WriteContext): Promise<Reading[]> {
  const agents = (await ctx.tx.agents.list()).filter(
    ({ state }) => state !== "offline" && state !== "revoked",
  );
  const readings: Reading[] = [];
  for (const agent of agents) {
    const health = await readHealth(ctx, agent);
    readings.push(
      { measure: "error_rate", subject: agent.name, value: health.errorRate },
      { measure: "completion_rate", subject: agent.name, value: health.completionRate },
      { measure: "response_ms", subject: agent.name, value: health.responseMs },
    );
  }
  const ready = await ctx.tx.tasks.list({ states: ["ready"], limit: MAX_READY });
  const needs = ready.map(({ spec }) => spec);
  const idle = agents.filter(({ state }) => state === "idle");
  for (const { capability, depth } of queueDepths(needs, idle)) {
    readings.push({ measure: "queue_depth", subject: capability, value: depth });
  }
  return readings;
}

/** From the ledger and its attempts: nothing more is written at each call. */
async function readHealth(
  ctx: Pick<WriteContext, "tx" | "nowMs">,
  agent: Agent,
): Promise<ReturnType<typeof healthOf>> {
  const { tx, nowMs } = ctx;
  const entries = await tx.audit.search({
    actor: agent.name,
    sinceMs: nowMs - DEFAULT_HEALTH.windowMs,
    newestFirst: true,
    limit: MAX_ENTRIES,
  });
  let counters: HealthCounters = NO_COUNTERS;
  for (const { body } of entries.toReversed()) {
    const { at, decision, duration_us: durationUs } = entryBody.parse(JSON.parse(body));
    const call = { failed: decision === "error", durationMs: durationUs / 1000 };
    counters = countCall(counters, DEFAULT_HEALTH, { ...call, nowMs: fromIso(at) });
  }
  for (const { outcome } of (await tx.attempts.listEnded(agent.name, MAX_ATTEMPTS)).toReversed()) {
    if (COUNTED.has(outcome)) counters = countOutcome(counters, outcome === "done");
  }
  return healthOf(counters, DEFAULT_HEALTH, nowMs);
}

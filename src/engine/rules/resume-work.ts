import type { HeldReport } from "../../core/held-action.ts";
import { stoodStillSince, stopIntervals, type Stop } from "../../core/stop.ts";
import { lowestTier } from "../../core/token.ts";
import { prolongTopics } from "../board/settle-topics.ts";
import type { WriteContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { prolongClimbs } from "../climb-escalations.ts";
import { toGuvnorError } from "../error-answer.ts";
import { contextOf, tryOut } from "../handler-context.ts";
import { sendToInbox } from "../inbox.ts";
import { prolongPipelines } from "../pipelines/settle-pipelines.ts";
import { takeFromAbsent } from "../presence.ts";
import type { Call } from "../read-call.ts";
import { reportProgress } from "../report-progress.ts";
import { spendApprovals } from "./approvals.ts";
import { governCall, guardsOf } from "./govern.ts";
import { rulesInForce } from "./rules-in-force.ts";
import { readStopFor, readStops } from "./stops.ts";

/**
 * After a stop: reports that came meanwhile are taken in the order in which they came, each under
 * its own fence and under the rules in force now; topics and questions get back the time in
 * which nobody could speak; then what absent agents held is given back.
 * @returns How many reports were taken.
 */
export async function resumeWork(ctx: WriteContext, ended: Stop): Promise<number> {
  await giveBackTime(ctx, ended);
  let taken = 0;
  for (const report of await ctx.tx.heldReports.open()) {
    if ((await readStopFor(ctx.tx, report.agent)) !== undefined) continue;
    const outcome = await replay(ctx, report);
    await ctx.tx.heldReports.save({ ...report, outcome });
    const { task_id: id } = report.report;
    ctx.effects.push({ type: "task", id, event: "report_replayed", by: report.agent, outcome });
    if (outcome !== "accepted") await tellOf(ctx, report, outcome);
    taken += 1;
  }
  await takeFromAbsent(ctx);
  return taken;
}

/** Of the stop that is over and those that it followed on: a single agent's stops neither topics nor questions. */
async function giveBackTime(ctx: WriteContext, { scope, endedAtMs }: Stop): Promise<void> {
  const { tx, nowMs: toMs } = ctx;
  if (scope.kind === "agent" || (await readStopFor(tx, null)) !== undefined) return;
  const who = { project: ctx.deps.scope.project, agent: null };
  const intervals = stopIntervals(await readStops(tx), who);
  const fromMs = stoodStillSince(intervals, endedAtMs ?? toMs);
  await prolongTopics(ctx, { fromMs, toMs });
  await prolongClimbs(ctx, { fromMs, toMs });
  await prolongPipelines(ctx, { fromMs, toMs });
}

/** It was told that its report counts. */
async function tellOf(
  ctx: WriteContext,
  { agent, report }: HeldReport,
  outcome: string,
): Promise<void> {
  if ((await ctx.tx.agents.get(agent)) === undefined) return;
  const { task_id: id, status } = report;
  const text = `Your report "${status}" on ${id} was kept while everything was stopped, and is refused now: ${outcome}.`;
  await sendToInbox(ctx, { to: agent, from: "guvnor", kind: "task", subject: id, text });
}

/** @returns "accepted", or the code it is refused with. */
async function replay(ctx: WriteContext, report: HeldReport): Promise<string> {
  const known = await ctx.tx.agents.get(report.agent);
  if (known === undefined) return "agent_unknown";
  if (known.state === "revoked") return "agent_revoked";
  const { request } = report;
  const before = request === null ? undefined : await ctx.tx.requests.get(known.name, request.id);
  if (before !== undefined) {
    return before.digest === request?.digest ? "accepted" : "request_id_reused";
  }
  const agent = { ...known, tier: lowestTier([known.tier, report.tier]) };
  const rules = await rulesInForce(ctx);
  const call = callOf(ctx, report);
  let ruled = ctx.effects.length;
  try {
    const guards = await guardsOf(ctx, call, agent);
    const ruling = await governCall(ctx, {
      call,
      agent,
      rules,
      isFirst: true,
      guards,
      tryOut: async () =>
        await tryOut(
          contextOf(ctx, { call, agent }, report.facts),
          async (context) => await reportProgress(context, report.report),
        ),
    });
    if (ruling.refusal !== undefined) return ruling.refusal.error.code;
    const { cleared } = ruling;
    ruled = ctx.effects.length;
    const { answer } = await ctx.tx.savepoint(async () => {
      const context = contextOf(ctx, { call, agent }, cleared?.facts ?? report.facts);
      // What was approved is this very report, but for the commit, which is in the facts.
      return { keep: true, value: await reportProgress(context, report.report) };
    });
    if (cleared !== undefined) await spendApprovals(ctx, cleared);
    if (request !== null) await answerAgain(ctx, report, { ...request, answer });
    return "accepted";
  } catch (error) {
    // One report that cannot be taken must not keep everybody stopped.
    const { code } = toGuvnorError(ctx.deps, error, call.callId);
    if (code === "storage_failed" || code === "busy") throw error;
    // What it did was undone with the savepoint.
    ctx.effects.length = ruled;
    return code;
  }
}

/** Whoever sends it again, as nobody had said that it was taken, gets this answer. */
async function answerAgain(
  { tx, nowMs }: WriteContext,
  { agent, callId }: HeldReport,
  { id, digest, answer }: { id: string; digest: string; answer: JsonObject },
): Promise<void> {
  const stored = { agent, requestId: id, digest, answer: JSON.stringify(answer), callId };
  await tx.requests.insert({ ...stored, atMs: nowMs });
}

/** As it came; its input was parsed then. */
function callOf(ctx: WriteContext, { tool, report, facts, callId }: HeldReport): Call {
  return {
    incoming: {
      operation: tool,
      args: report,
      caller: { kind: "agent", channel: "stdio", clientName: undefined },
      signal: new AbortController().signal,
    },
    callId,
    startedMs: ctx.deps.monotonic(),
    operation: undefined,
    input: report,
    problem: undefined,
    payload: "",
    facts,
    waitMs: 0,
  };
}

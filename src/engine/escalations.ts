import { firstLevel, climbTo } from "../core/escalation-matrix.ts";
import type { Escalation } from "../core/escalation.ts";
import { formatId } from "../core/ids.ts";
import { toIso } from "../core/iso-time.ts";
import type { WriteContext } from "./call-context.ts";
import { askHelpers, helpersFor, readRoster } from "./escalation-helpers.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";

export type NewEscalation = Pick<
  Escalation,
  "kind" | "severity" | "summary" | "detail" | "taskId" | "topicId" | "raisedBy" | "forPeople"
>;

/** Puts a question where the matrix says that it begins: before a peer, a lead or a person. */
export async function raiseEscalation(
  ctx: WriteContext,
  asked: NewEscalation,
): Promise<Escalation> {
  const { settings } = await rulesInForce(ctx);
  const { level, why } = firstLevel(asked, await helpersFor(ctx, asked, await readRoster(ctx)));
  const unplaced: Escalation = {
    ...asked,
    id: formatId("escalation", await ctx.tx.nextNumber("escalation")),
    level,
    climbs: [],
    state: "open",
    createdAtMs: ctx.nowMs,
    countedFromMs: ctx.nowMs,
    dueAtMs: ctx.nowMs,
    acknowledgedBy: null,
    resolvedBy: null,
    resolution: null,
    endedAtMs: null,
  };
  const taskId = await askHelpers(ctx, unplaced, level);
  const raised = climbTo(unplaced, { level, atMs: ctx.nowMs, why, taskId }, settings.escalation);
  await saveEscalation(ctx, raised, { from: null, event: "raised", why });
  return raised;
}

type EscalationEvent =
  | "raised"
  | "acknowledged"
  | "left"
  | "climbed"
  | "prolonged"
  | "resolved"
  | "withdrawn";

/** What happened to it, for the ledger. */
export interface EscalationChange {
  readonly from: Escalation["state"] | null;
  readonly event: EscalationEvent;
  readonly why?: string;
}

export async function saveEscalation(
  ctx: WriteContext,
  escalation: Escalation,
  change: EscalationChange,
): Promise<void> {
  await ctx.tx.escalations.save(escalation);
  const { resolution, resolvedBy } = escalation;
  ctx.effects.push({
    type: "escalation",
    id: escalation.id,
    event: change.event,
    from: change.from,
    to: escalation.state,
    level: escalation.level,
    severity: escalation.severity,
    summary: escalation.summary,
    raised_by: escalation.raisedBy,
    ...(change.why === undefined ? {} : { why: change.why }),
    ...(escalation.taskId === null ? {} : { task: escalation.taskId }),
    ...(escalation.acknowledgedBy === null ? {} : { acknowledged_by: escalation.acknowledgedBy }),
    ...(resolvedBy === null ? {} : { resolved_by: resolvedBy }),
    ...(resolution === null ? {} : { resolution: resolution.text, resolved_how: resolution.how }),
    ...(resolution?.untilMs === undefined || resolution.untilMs === null
      ? {}
      : { until: toIso(resolution.untilMs) }),
  });
  ctx.tx.wake();
}

import type { Escalation } from "../core/escalation.ts";
import { formatId } from "../core/ids.ts";
import type { WriteContext } from "./call-context.ts";

/** A person should have looked by then; the matrix of levels arrives with a later release. */
const DUE_MS: Record<Escalation["severity"], number> = {
  critical: 15 * 60_000,
  high: 60 * 60_000,
  medium: 4 * 60 * 60_000,
  low: 24 * 60 * 60_000,
};

export type NewEscalation = Pick<
  Escalation,
  "kind" | "severity" | "summary" | "detail" | "taskId" | "topicId" | "raisedBy"
>;

/** Puts a question before a person. */
export async function raiseEscalation(
  ctx: WriteContext,
  asked: NewEscalation,
): Promise<Escalation> {
  const escalation: Escalation = {
    ...asked,
    id: formatId("escalation", await ctx.tx.nextNumber("escalation")),
    level: "L3",
    state: "open",
    createdAtMs: ctx.nowMs,
    dueAtMs: ctx.nowMs + DUE_MS[asked.severity],
    acknowledgedBy: null,
    resolvedBy: null,
    resolution: null,
    endedAtMs: null,
  };
  await saveEscalation(ctx, escalation, null);
  return escalation;
}

export async function saveEscalation(
  ctx: WriteContext,
  escalation: Escalation,
  from: Escalation["state"] | null,
): Promise<void> {
  await ctx.tx.escalations.save(escalation);
  ctx.effects.push({
    type: "escalation",
    id: escalation.id,
    from,
    to: escalation.state,
    severity: escalation.severity,
    summary: escalation.summary,
    ...(escalation.taskId === null ? {} : { task: escalation.taskId }),
    ...(escalation.resolution === null ? {} : { resolution: escalation.resolution }),
  });
  ctx.tx.wake();
}

import { isUnended, type Escalation } from "../core/escalation.ts";
import type { JsonObject } from "./call.ts";
import { iso, present } from "./task-view.ts";

/** One of them in a list, for people. */
export function describeEscalation(escalation: Escalation, nowMs: number): JsonObject {
  const { level, dueAtMs, resolution } = escalation;
  const isOpen = isUnended(escalation);
  const climbs = isOpen && level !== "L3";
  const isOverdue = isOpen && level === "L3" && dueAtMs <= nowMs;
  return present({
    escalation_id: escalation.id,
    kind: escalation.kind,
    severity: escalation.severity,
    summary: escalation.summary,
    detail: escalation.detail,
    task: escalation.taskId,
    topic: escalation.topicId,
    raised_by: escalation.raisedBy,
    level,
    state: escalation.state,
    asked_in: climbs ? escalation.climbs.at(-1)?.taskId : null,
    raised_at: iso(escalation.createdAtMs),
    due_at: iso(dueAtMs),
    climbs_at: climbs ? iso(dueAtMs) : null,
    overdue: isOverdue ? true : null,
    acknowledged_by: escalation.acknowledgedBy,
    resolved_by: escalation.resolvedBy,
    resolved_how: resolution?.how,
    resolution: resolution?.text,
    exception_until:
      resolution === null || resolution.untilMs === null ? null : iso(resolution.untilMs),
    ended_at: escalation.endedAtMs === null ? null : iso(escalation.endedAtMs),
  });
}

/** With its way up. */
export function describeHistory(escalation: Escalation, nowMs: number): JsonObject {
  return present({
    ...describeEscalation(escalation, nowMs),
    history: escalation.climbs.map(({ level, atMs, why, taskId }) =>
      present({ level, at: iso(atMs), why, asked_in: taskId }),
    ),
  });
}

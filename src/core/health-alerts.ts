import type { HealthSettings } from "./settings.ts";

export type HealthMeasure = "error_rate" | "completion_rate" | "response_ms" | "queue_depth";

export interface HealthThreshold {
  readonly measure: HealthMeasure;
  /** The side of `threshold` that is bad, the threshold itself included. */
  readonly bad: "above" | "below";
  readonly threshold: number;
  /** On the good side of the threshold: what has alerted is well again only past this. */
  readonly clear: number;
}

/** What a project watches, as its settings have it: the part that is well again is a fifth of the way back. */
export function thresholdsOf({ thresholds }: HealthSettings): readonly HealthThreshold[] {
  const { errorRate, completionRate, responseTimeMs, queueDepth } = thresholds;
  const wanted: readonly [HealthMeasure, HealthThreshold["bad"], number | null][] = [
    ["error_rate", "above", errorRate],
    ["completion_rate", "below", completionRate],
    ["response_ms", "above", responseTimeMs],
    ["queue_depth", "above", queueDepth],
  ];
  return wanted.flatMap(([measure, bad, threshold]) => {
    if (threshold === null) return [];
    const clear = bad === "above" ? threshold * 0.8 : threshold + (1 - threshold) * 0.2;
    return [{ measure, bad, threshold, clear }];
  });
}

export interface Reading {
  readonly measure: HealthMeasure;
  /** An agent, or a capability for queue_depth. */
  readonly subject: string;
  /** Null is not known. */
  readonly value: number | null;
}

/** A type, so that a list of them is plain JSON to the compiler. */
export type HealthAlert = {
  /** One per measure and subject. */
  readonly id: string;
  readonly measure: HealthMeasure;
  readonly subject: string;
  /** When it was raised. */
  readonly value: number;
  readonly threshold: number;
};

export interface AlertChange {
  /** What alerts now, to be kept; the same list where nothing changed. */
  readonly active: readonly HealthAlert[];
  readonly raised: readonly HealthAlert[];
  readonly cleared: readonly HealthAlert[];
}

/**
 * What changes with these readings: an alert is raised when its threshold is reached, said once, and
 * cleared when the value is past `clear` (hysteresis: a value that wavers about a threshold makes one
 * alert, not many). A value that is not known changes nothing; a subject that is read no more, or a
 * measure without a threshold, alerts no more.
 *
 * @param readings - All there are, one per measure and subject.
 */
export function healthAlerts(
  active: readonly HealthAlert[],
  readings: readonly Reading[],
  thresholds: readonly HealthThreshold[],
): AlertChange {
  const before = new Map(active.map((alert) => [alert.id, alert]));
  const now: HealthAlert[] = [];
  for (const { measure, subject, value } of readings) {
    const limit = thresholds.find((each) => each.measure === measure);
    if (limit === undefined) continue;
    const id = `${measure}:${subject}`;
    const known = before.get(id);
    if (known !== undefined) {
      if (value === null || isBad(value, limit, limit.clear)) now.push(known);
    } else if (value !== null && isBad(value, limit, limit.threshold)) {
      now.push({ id, measure, subject, value, threshold: limit.threshold });
    }
  }
  const ids = new Set(now.map(({ id }) => id));
  const raised = now.filter(({ id }) => !before.has(id));
  const cleared = active.filter(({ id }) => !ids.has(id));
  const isSame = raised.length === 0 && cleared.length === 0;
  return { active: isSame ? active : now, raised, cleared };
}

function isBad(value: number, { bad }: HealthThreshold, edge: number): boolean {
  return bad === "above" ? value >= edge : value <= edge;
}

import { isUnended, type Climb, type Escalation, type EscalationLevel } from "./escalation.ts";

/** When an escalation climbs; `leadAfterMs` and `personAfterMs` count from when it was raised. */
export interface EscalationThresholds {
  /** So long a task may be blocked before a peer is asked. */
  readonly peerAfterMs: number;
  readonly leadAfterMs: number;
  readonly personAfterMs: number;
  /** So long it waits for who acknowledged it. */
  readonly acknowledgedForMs: number;
}

/** Who could answer it now; people always can. */
export interface Helpers {
  readonly peers: readonly string[];
  readonly leads: readonly string[];
}

/** Where to, and why. */
export type NextClimb = Pick<Climb, "level" | "why">;

const STARTS: Readonly<Partial<Record<Escalation["kind"], EscalationLevel>>> = {
  policy: "L3",
  security: "L3",
  // It crosses another's work.
  conflict: "L2",
};

/** At L3 a person should have looked after so long. */
const PERSON_DUE_MS: Record<Escalation["severity"], number> = {
  critical: 15 * 60_000,
  high: 60 * 60_000,
  medium: 4 * 60 * 60_000,
  low: 24 * 60 * 60_000,
};

/** Levels that nobody can serve are skipped: a lone agent's question stands before a person at once. */
export function firstLevel(
  asked: Pick<Escalation, "kind" | "severity" | "forPeople">,
  helpers: Helpers,
): NextClimb {
  const isForPeople = asked.forPeople || asked.severity === "critical";
  const level = isForPeople ? "L3" : (STARTS[asked.kind] ?? "L1");
  const served = servedFrom(level, helpers);
  if (asked.forPeople) return { level, why: "only a person may decide it" };
  if (asked.severity === "critical") return { level, why: "critical" };
  return { level: served, why: served === level ? asked.kind : NOBODY_BELOW };
}

const NOBODY_BELOW = "nobody below could answer";

/**
 * Whether it goes up now: its time at this level is over, or whoever could have answered has left.
 * Levels only rise, and one whose time is over as well is passed over.
 */
export function nextClimb(
  escalation: Escalation,
  { helpers, personAfterMs }: { readonly helpers: Helpers; readonly personAfterMs: number },
  nowMs: number,
): NextClimb | undefined {
  const { level, state, countedFromMs, dueAtMs } = escalation;
  if (level === "L3" || !isUnended(escalation)) return undefined;
  const isDue = dueAtMs <= nowMs;
  const isDeserted = state === "open" && servedFrom(level, helpers) !== level;
  if (!isDue && !isDeserted) return undefined;
  const why = isDue ? "not answered in time" : "nobody is left who could answer";
  if (isDue && countedFromMs + personAfterMs <= nowMs) return { level: "L3", why };
  return climbAbove(level, why, helpers);
}

/** To the next level that somebody can serve, whatever the time. */
export function climbAbove(level: EscalationLevel, why: string, helpers: Helpers): NextClimb {
  return { level: level === "L1" ? servedFrom("L2", helpers) : "L3", why };
}

function servedFrom(level: EscalationLevel, { peers, leads }: Helpers): EscalationLevel {
  if (level === "L1" && peers.length > 0) return "L1";
  if (level !== "L3" && leads.length > 0) return "L2";
  return "L3";
}

type Clocked = Pick<Escalation, "level" | "severity" | "countedFromMs">;

/** When it is due at the level it has just come to, or is left at by who acknowledged it. */
function dueMs(
  { level, severity, countedFromMs }: Clocked,
  thresholds: EscalationThresholds,
  nowMs: number,
): number {
  if (level === "L3") return nowMs + PERSON_DUE_MS[severity];
  return countedFromMs + (level === "L1" ? thresholds.leadAfterMs : thresholds.personAfterMs);
}

/** At its new level, open again: nobody there has acknowledged it. */
export function climbTo(
  escalation: Escalation,
  climb: Climb,
  thresholds: EscalationThresholds,
): Escalation {
  const { level, atMs } = climb;
  const climbs = [...escalation.climbs, climb];
  const raised: Escalation = { ...escalation, level, climbs, state: "open", acknowledgedBy: null };
  return { ...raised, dueAtMs: dueMs(raised, thresholds, atMs) };
}

/**
 * Somebody looks after it: below L3 it does not climb for a while. Only what is not due yet waits, so
 * that a level ends in time whoever comes and goes: `acknowledgedForMs` after its threshold at the latest.
 */
export function acknowledge(
  escalation: Escalation,
  { by, acknowledgedForMs }: { readonly by: string; readonly acknowledgedForMs: number },
  nowMs: number,
): Escalation {
  const { level, dueAtMs } = escalation;
  const waits = level !== "L3" && nowMs < dueAtMs;
  const untilMs = waits ? Math.max(dueAtMs, nowMs + acknowledgedForMs) : dueAtMs;
  return { ...escalation, state: "acknowledged", acknowledgedBy: by, dueAtMs: untilMs };
}

/** Who acknowledged it has left it: it climbs when it would have without. */
export function leave(
  escalation: Escalation,
  thresholds: EscalationThresholds,
  nowMs: number,
): Escalation {
  const open: Escalation = { ...escalation, state: "open", acknowledgedBy: null };
  return { ...open, dueAtMs: dueMs(open, thresholds, nowMs) };
}

/** Given back the time in which everything was stopped; people could answer meanwhile. */
export function prolongClimb(
  escalation: Escalation,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Escalation {
  if (escalation.level === "L3" || !isUnended(escalation)) return escalation;
  const stoppedMs = Math.max(0, toMs - Math.max(fromMs, escalation.createdAtMs));
  if (stoppedMs === 0) return escalation;
  return {
    ...escalation,
    countedFromMs: escalation.countedFromMs + stoppedMs,
    dueAtMs: escalation.dueAtMs + stoppedMs,
  };
}

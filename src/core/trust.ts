import { TIERS, type Tier } from "./agent.ts";
import type { Severity } from "./escalation.ts";
import {
  addToWindow,
  alignWindow,
  totalInWindow,
  type RateWindow,
  type WindowAt,
} from "./rate-window.ts";
import type { AttemptOutcome, Task } from "./task.ts";

export interface TrustSettings {
  /** Verified outcomes since the last change of tier, and how many tasks they must come from. */
  readonly verified: number;
  readonly distinctTasks: number;
  /** With a larger share of failed outcomes among the last ones nobody rises, 0 to 1. */
  readonly riseFailedShare: number;
  /** At this share of failed outcomes among the last ones an agent falls; above riseFailedShare. */
  readonly fallFailedShare: number;
  /** How many outcomes "the last ones" are, and with how few nothing is judged. */
  readonly lastOutcomes: number;
  readonly leastOutcomes: number;
  /** What a violation weighs, 0 or more, and the sum within `pointsWithinMs` at which an agent falls. */
  readonly points: Readonly<Record<Severity, number>>;
  readonly fallPoints: number;
  readonly pointsWithinMs: number;
  /** After a fall nobody rises for so long. */
  readonly coolDownMs: number;
  /** Nobody rises higher but by a person. */
  readonly ceiling: Tier;
}

const DAY_MS = 86_400_000;
const KEPT_COMMITS = 50;

export const DEFAULT_TRUST: TrustSettings = {
  verified: 20,
  distinctTasks: 10,
  riseFailedShare: 0.2,
  fallFailedShare: 0.5,
  lastOutcomes: 20,
  leastOutcomes: 10,
  points: { low: 1, medium: 3, high: 6, critical: 6 },
  fallPoints: 6,
  pointsWithinMs: 7 * DAY_MS,
  coolDownMs: DAY_MS,
  ceiling: "T2",
};

/** What is remembered of one agent. A type, so that it is plain JSON to the compiler. */
export type Trust = {
  readonly tier: Tier;
  /** The person who fixed the tier; nothing changes by itself until a person thaws it. */
  readonly frozenBy: string | null;
  /** Verified outcomes since the last change of tier. */
  readonly verified: number;
  /** Some of the tasks they came from: all of them, until there are enough. */
  readonly tasks: readonly string[];
  /** The last commits that counted: one result earns once, however many tasks it is reported for. */
  readonly commits: readonly string[];
  /** Whether each of the last outcomes was verified (else it failed), oldest first. */
  readonly outcomes: readonly boolean[];
  readonly points: RateWindow | null;
  readonly fellMs: number | null;
};

/** How an attempt ended, as far as trust looks at it. */
export interface OutcomeFacts {
  readonly agent: string;
  readonly taskId: string;
  /** The agent submitted the task itself, or one did that came over the same connection. */
  readonly isOwnTask: boolean;
  /** What the gates passed; null outside git. */
  readonly commit: string | null;
  readonly outcome: AttemptOutcome;
  readonly verifiedBy: Task["verifiedBy"] | "unverified" | "person-waived";
}

export interface TrustMove {
  /** The same object where nothing is to be stored. */
  readonly trust: Trust;
  readonly change: {
    readonly from: Tier;
    readonly to: Tier;
    readonly why: "verified_outcomes" | "failed_outcomes" | "violations";
  } | null;
}

/** An agent that is new, or whose tier a person has just set. */
export function startTrust(tier: Tier): Trust {
  return {
    tier,
    frozenBy: null,
    verified: 0,
    tasks: [],
    commits: [],
    outcomes: [],
    points: null,
    fellMs: null,
  };
}

/** A person fixes the tier, the present one or another. */
export function freezeTrust(trust: Trust, tier: Tier, person: string): Trust {
  return { ...trust, tier, frozenBy: person };
}

/** From here on it changes by itself again; nothing that was before counts. */
export function thawTrust(trust: Trust): Trust {
  return startTrust(trust.tier);
}

/**
 * What an outcome makes of an agent's tier: at most one step. Only two kinds count: "done" that
 * gates verified, and "failed". What nobody measured, what a person waved through, what was there
 * before, and tasks that the agent or its siblings made say nothing of what it can do, in either
 * direction; neither do calls.
 *
 * Hysteresis: an agent rises with few failures (riseFailedShare) and falls with many
 * (fallFailedShare); each change starts all counts over; a fall is followed by a cool-down, and
 * while a violation is within its time nobody rises.
 */
export function afterOutcome(
  trust: Trust,
  settings: TrustSettings,
  facts: OutcomeFacts,
  nowMs: number,
): TrustMove {
  const { commit } = facts;
  const isVerified = facts.outcome === "done" && facts.verifiedBy === "gates";
  const isOld = isVerified && commit !== null && trust.commits.includes(commit);
  const counts = (isVerified && !isOld) || facts.outcome === "failed";
  if (!counts || trust.frozenBy !== null || facts.isOwnTask) {
    return { trust, change: null };
  }
  const next: Trust = {
    ...trust,
    verified: trust.verified + (isVerified ? 1 : 0),
    tasks: isVerified ? withTask(trust.tasks, facts.taskId, settings) : trust.tasks,
    commits: isVerified && commit !== null ? withCommit(trust.commits, commit) : trust.commits,
    outcomes: [...trust.outcomes, isVerified].slice(-settings.lastOutcomes),
    // A clock that stepped back makes neither the time of a violation nor the cool-down longer.
    points: alignWindow(trust.points ?? undefined, windowAt(settings, nowMs)) ?? null,
    fellMs: trust.fellMs === null ? null : Math.min(trust.fellMs, nowMs),
  };
  const failed = next.outcomes.filter((verified) => !verified).length;
  const isJudged = next.outcomes.length >= settings.leastOutcomes;
  if (isJudged && failed >= settings.fallFailedShare * next.outcomes.length) {
    return step(next, "failed_outcomes", nowMs);
  }
  const isEarned =
    next.verified >= settings.verified && next.tasks.length >= settings.distinctTasks;
  const isFit = failed <= settings.riseFailedShare * next.outcomes.length;
  if (isEarned && isFit && mayRise(next, settings, nowMs)) {
    return step(next, "verified_outcomes", nowMs);
  }
  return { trust: next, change: null };
}

/** What a violation makes of an agent's tier: at most one step down, once their points add up to it. */
export function afterViolation(
  trust: Trust,
  settings: TrustSettings,
  severity: Severity,
  nowMs: number,
): TrustMove {
  if (trust.frozenBy !== null) return { trust, change: null };
  const at = windowAt(settings, nowMs);
  const amount = settings.points[severity];
  const points = addToWindow(trust.points ?? undefined, { ...at, amount });
  const next = { ...trust, points };
  if (totalInWindow(points, at) < settings.fallPoints) return { trust: next, change: null };
  return step(next, "violations", nowMs);
}

function mayRise(trust: Trust, settings: TrustSettings, nowMs: number): boolean {
  if (TIERS.indexOf(trust.tier) >= TIERS.indexOf(settings.ceiling)) return false;
  if (trust.fellMs !== null && nowMs - trust.fellMs < settings.coolDownMs) return false;
  return totalInWindow(trust.points ?? undefined, windowAt(settings, nowMs)) === 0;
}

function windowAt({ pointsWithinMs }: TrustSettings, nowMs: number): WindowAt {
  return { nowMs, windowMs: pointsWithinMs };
}

/** One tier up or down, and all counts start over; on the lowest one nothing happens. */
function step(
  trust: Trust,
  why: NonNullable<TrustMove["change"]>["why"],
  nowMs: number,
): TrustMove {
  const rises = why === "verified_outcomes";
  const from = trust.tier;
  const to = TIERS[TIERS.indexOf(from) + (rises ? 1 : -1)];
  if (to === undefined) return { trust, change: null };
  const fellMs = rises ? trust.fellMs : nowMs;
  return {
    trust: { ...startTrust(to), commits: trust.commits, fellMs },
    change: { from, to, why },
  };
}

function withTask(
  tasks: readonly string[],
  taskId: string,
  { distinctTasks }: TrustSettings,
): readonly string[] {
  return tasks.length >= distinctTasks || tasks.includes(taskId) ? tasks : [...tasks, taskId];
}

function withCommit(commits: readonly string[], commit: string): readonly string[] {
  return [...commits, commit].slice(-KEPT_COMMITS);
}

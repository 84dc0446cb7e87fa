import { canonicalJson } from "./canonical-json.ts";

/** What a stop holds up. */
export type StopScope =
  | { readonly kind: "all" }
  | { readonly kind: "project"; readonly project: string }
  | { readonly kind: "agent"; readonly project: string; readonly agent: string };

/**
 * An emergency stop. It latches: it holds until a person resumes this very scope, whatever happens
 * to processes, tasks or the clock. A type, so that it is plain JSON to the compiler.
 */
export type Stop = {
  readonly scope: StopScope;
  readonly reason: string;
  /** A person, or the limit or rule that stopped it. */
  readonly by: string;
  readonly sinceMs: number;
  /** Null while it holds. */
  readonly endedAtMs: number | null;
  readonly endedBy: string | null;
};

interface Stopped {
  readonly project: string;
  /** Null for what no agent does. */
  readonly agent: string | null;
}

/**
 * The stop that holds for a call, undefined where none does. Of several the widest: to resume a
 * narrower one would change nothing yet.
 */
export function stopFor(stops: readonly Stop[], who: Stopped): Stop | undefined {
  const holding = stops.filter(({ scope, endedAtMs }) => endedAtMs === null && covers(scope, who));
  const rank = ({ scope }: Stop): number => WIDEST_FIRST.indexOf(scope.kind);
  return holding.toSorted((a, b) => rank(a) - rank(b))[0];
}

const WIDEST_FIRST: readonly StopScope["kind"][] = ["all", "project", "agent"];

/** A stop to be stored; undefined where this very scope is stopped already: the first reason stands. */
export function raiseStop(
  stops: readonly Stop[],
  given: Pick<Stop, "scope" | "reason" | "by">,
  nowMs: number,
): Stop | undefined {
  if (heldStop(stops, given.scope) !== undefined) return undefined;
  return { ...given, sinceMs: nowMs, endedAtMs: null, endedBy: null };
}

/**
 * The stop of exactly this scope, ended; undefined where it is not stopped. A wider or a narrower
 * stop goes on: whoever resumes a project does not free the agent that was stopped for itself.
 */
export function resume(
  stops: readonly Stop[],
  scope: StopScope,
  { by, nowMs }: { readonly by: string; readonly nowMs: number },
): Stop | undefined {
  const held = heldStop(stops, scope);
  return held === undefined ? undefined : { ...held, endedAtMs: nowMs, endedBy: by };
}

function heldStop(stops: readonly Stop[], scope: StopScope): Stop | undefined {
  const wanted = canonicalJson(scope);
  return stops.find((stop) => stop.endedAtMs === null && canonicalJson(stop.scope) === wanted);
}

function covers(scope: StopScope, { project, agent }: Stopped): boolean {
  if (scope.kind === "all") return true;
  return scope.project === project && (scope.kind === "project" || scope.agent === agent);
}

/** A time during which something stood still; null while it still does. */
export interface StopInterval {
  readonly fromMs: number;
  readonly toMs: number | null;
}

/** When an agent was stopped, by whatever stop, those that are over included. */
export function stopIntervals(stops: readonly Stop[], who: Stopped): readonly StopInterval[] {
  return stops
    .filter(({ scope }) => covers(scope, who))
    .map(({ sinceMs, endedAtMs }) => ({ fromMs: sinceMs, toMs: endedAtMs }));
}

/**
 * How much of the span from `fromMs` to `toMs` was stopped, in ms: the length of what the intervals
 * cover of it together, so stops that overlap count once. What counts against a wait or a stall is
 * the rest. A span or an interval that runs backwards (a clock that was set back) has no length.
 */
export function frozenMs(intervals: readonly StopInterval[], fromMs: number, toMs: number): number {
  let total = 0;
  let countedToMs = fromMs;
  for (const interval of intervals.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const startMs = Math.max(interval.fromMs, countedToMs);
    const endMs = Math.min(interval.toMs ?? toMs, toMs);
    if (endMs <= startMs) continue;
    total += endMs - startMs;
    countedToMs = endMs;
  }
  return total;
}

/**
 * Since when something had stood still, without a break, at `atMs`; `atMs` itself where it had not.
 * Stops may overlap or follow one another at once.
 */
export function stoodStillSince(intervals: readonly StopInterval[], atMs: number): number {
  let sinceMs = atMs;
  for (const { fromMs, toMs } of intervals.toSorted(
    (a, b) => (b.toMs ?? atMs) - (a.toMs ?? atMs),
  )) {
    if ((toMs ?? atMs) >= sinceMs && fromMs < sinceMs) sinceMs = fromMs;
  }
  return sinceMs;
}

import type { Solution, SolutionCheck } from "./board.ts";

/** Nothing was asked of it, or all of that was measured and is so. */
export function hasPassed({ checks }: Pick<Solution, "checks">): boolean {
  return checks.every(({ state }) => state === "pass");
}

/** Something is known against it; what could not be measured is no pass. */
export function hasFailed({ checks }: Pick<Solution, "checks">): boolean {
  return checks.some(({ state }) => state === "fail" || state === "indeterminate");
}

/** It may still pass: nothing is against it, and something is yet to be measured. */
export function isMeasured({ checks }: Pick<Solution, "checks">): boolean {
  return hasFailed({ checks }) || checks.every(({ state }) => state !== "waiting");
}

/** Why it is not on a ballot, in one sentence; undefined where it passed. */
export function whyOff({ checks }: Pick<Solution, "checks">): string | undefined {
  // Once something is against it, what was still to be measured says nothing.
  const isOut = hasFailed({ checks });
  const open = checks.filter(({ state }) => state !== "pass" && !(isOut && state === "waiting"));
  return open.length === 0 ? undefined : open.map(describeCheck).join(" ");
}

function describeCheck({ kind, name, state, why }: SolutionCheck): string {
  const what = kind === "schema" ? "The schema" : `The ${kind} ${name}`;
  const how = {
    pass: "passed",
    fail: "failed",
    waiting: "was not measured in time",
    indeterminate: "could not be measured, which is no pass",
  }[state];
  return why === null ? `${what} ${how}.` : `${what} ${how}: ${why}`;
}

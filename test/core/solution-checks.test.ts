import { describe, expect, test } from "vitest";

import type { SolutionCheck } from "../../src/core/board.ts";
import { whyOff } from "../../src/core/solution-checks.ts";

function check(name: string, state: SolutionCheck["state"]): SolutionCheck {
  return { kind: "gate", name, state, why: state === "fail" ? "red." : null };
}

describe("why a solution is on no ballot", () => {
  test.each([
    { states: ["pass", "pass"], why: undefined },
    { states: ["pass", "waiting"], why: "The gate g1 was not measured in time." },
    { states: ["fail", "waiting"], why: "The gate g0 failed: red." },
    {
      states: ["waiting", "indeterminate"],
      why: "The gate g1 could not be measured, which is no pass.",
    },
  ] as const)("of checks that $states it is: $why", ({ states, why }) => {
    expect(whyOff({ checks: states.map((state, at) => check(`g${at}`, state)) })).toBe(why);
  });
});

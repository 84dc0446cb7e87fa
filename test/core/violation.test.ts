import { expect, test } from "vitest";

import { limitViolation } from "../../src/core/violation.ts";

test("exceeding a limit is graver the harder its consequence, and never critical", () => {
  const found = (["throttle", "deny", "revoke", "stop"] as const).map((consequence) =>
    limitViolation(consequence),
  );
  expect(found).toEqual([
    { action: "throttled", severity: "low" },
    { action: "denied", severity: "medium" },
    { action: "revoked", severity: "high" },
    { action: "stopped", severity: "high" },
  ]);
});

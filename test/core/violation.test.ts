import { expect, test } from "vitest";

import { doneAbout, limitViolation } from "../../src/core/violation.ts";

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

test("what was done is the hardest of what the call got and what the severity costs", () => {
  expect(doneAbout("denied", "record")).toBe("denied");
  expect(doneAbout("recorded", "record")).toBe("recorded");
  expect(doneAbout("denied", "revoke")).toBe("revoked");
  expect(doneAbout("recorded", "revoke_all")).toBe("revoked");
  expect(doneAbout("denied", "stop")).toBe("stopped");
  expect(doneAbout("stopped", "revoke")).toBe("stopped");
});

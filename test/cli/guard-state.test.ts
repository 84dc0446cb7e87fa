import { describe, expect, it } from "vitest";

import { breakerLines, stopLines } from "../../src/cli/guard-state.ts";
import { createView } from "../../src/cli/view.ts";
import { expectSafe, HOSTILE } from "./readable.ts";

const STOP = { scope: "project", reason: HOSTILE, by: "person:pat", since: "2026-11-21T09:30:00Z" };
const terminal = createView({ isTTY: true, columns: 80 }, {});
const plain = createView({}, {});

describe("a stop in the status", () => {
  it("catches the eye on a terminal, and only there", () => {
    const [first = ""] = stopLines(terminal, [STOP]);
    expect(first.startsWith("\u001B[33mSTOPPED: The project since 2026-11-21 09:30")).toBe(true);
    const text = stopLines(plain, [STOP]).join("\n");
    expectSafe(text);
    expect(text).toContain("by person:pat: red   ab");
    expect(text).toContain("→ Go on: guvnor resume");
  });

  it.each([
    [{ ...STOP, scope: "all" }, "guvnor resume --all"],
    [{ ...STOP, scope: "agent:ada" }, "guvnor resume --agent ada"],
    [{ ...STOP, by: "limit:budget" }, "Raise the limit"],
    [{ ...STOP, scope: "all", ends_at_next_call: true }, "follows at its next call"],
  ])("%j says how it ends", (stop, part) => {
    expect(stopLines(plain, [stop]).join(" ")).toContain(part);
  });
});

describe("a breaker in the status", () => {
  const why = "too many of its calls failed (50 % within 60 s open it)";
  const until = "2026-11-21T09:30:00Z";

  it.each([
    [
      { subject: "tool:vote", state: "open", until, why },
      `Breaker of tool vote open, until 2026-11-21 09:30: ${why}.`,
    ],
    [
      { subject: "tool:vote", state: "half_open", why },
      `Breaker of tool vote half open, the next call tries: ${why}.`,
    ],
    [
      { subject: "agent:ada", state: "half_open", until, why },
      `Breaker of agent ada half open, until 2026-11-21 09:30, unless a try ends before: ${why}.`,
    ],
  ])("%j says until when, and why", (breaker, text) => {
    const shown = breakerLines(plain, [breaker]).join(" ");
    expect(shown).toContain(text);
    expect(shown).toContain(`guvnor breakers close ${breaker.subject}`);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { compareSettings } from "../../src/cli/compare-settings.ts";
import {
  cutToWidth,
  displayWidth,
  fieldList,
  paragraphs,
  tableLines,
  wrapText,
} from "../../src/cli/text-layout.ts";
import { createView } from "../../src/cli/view.ts";
import { NO_SETTINGS, type ProjectSettings } from "../../src/core/settings.ts";
import { loadSettings } from "../../src/policy/load-settings.ts";

const text = fc.string({ unit: "grapheme", maxLength: 200 });
const width = fc.integer({ min: 12, max: 160 });

describe("text layout", () => {
  it("never makes a line that is wider than asked", () => {
    fc.assert(
      fc.property(text, width, (some, columns) => {
        for (const line of wrapText(some, columns)) {
          expect(displayWidth(line)).toBeLessThanOrEqual(columns);
        }
        expect(displayWidth(cutToWidth(some, columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });

  it("makes tables that fit, whatever is in them", () => {
    const columns = [
      { title: "ID" },
      { title: "HOLDER" },
      { title: "TITLE", stretch: true as const },
    ];
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text, text), { maxLength: 5 }), (rows) => {
        const { heading, rows: lines } = tableLines(columns, rows, 80);
        for (const line of [heading, ...lines]) {
          expect(displayWidth(line)).toBeLessThanOrEqual(80);
          expect(line).not.toContain("\n");
        }
      }),
    );
  });

  it("keeps the words of a wrapped text, and the indentation of each line", () => {
    expect(wrapText("one two three four", 9)).toEqual(["one two", "three", "four"]);
    expect(wrapText("abcdefghij", 4)).toEqual(["abcd", "efgh", "ij"]);
    expect(paragraphs("def f():\n    return 1\n\n", 20, "  ")).toEqual([
      "  def f():",
      "      return 1",
    ]);
  });

  it("puts values beside their labels and leaves out those that are absent", () => {
    const fields = [
      ["a", "one two three"],
      ["label", 7],
      ["gone", undefined],
    ] as const;
    expect(fieldList(fields, 14)).toEqual(["a      one two", "       three", "label  7"]);
  });

  it("cuts wide characters by columns, not by length", () => {
    expect(displayWidth("漢字")).toBe(4);
    expect(cutToWidth("漢字漢字", 5)).toBe("漢字…");
    expect(displayWidth("e\u0301")).toBe(1);
  });
});

describe("a view", () => {
  it("has colours on a terminal only, unless NO_COLOR says no", () => {
    expect(createView({ isTTY: true, columns: 100 }, {}).paint("bad", "x")).toBe(
      "\u001B[31mx\u001B[39m",
    );
    expect(createView({ isTTY: true }, { NO_COLOR: "1" }).paint("bad", "x")).toBe("x");
    expect(createView({ isTTY: true }, { TERM: "dumb" }).paint("bad", "x")).toBe("x");
    expect(createView({ columns: 100 }, { FORCE_COLOR: "1" }).paint("bad", "x")).toBe("x");
  });

  it("is as wide as its terminal, within reason, and 80 columns without one", () => {
    expect(createView({ isTTY: true, columns: 120 }, {}).columns).toBe(120);
    expect(createView({ isTTY: true, columns: 5 }, {}).columns).toBe(40);
    expect(createView({ columns: 120 }, {}).columns).toBe(80);
  });
});

function load(source: string): ProjectSettings {
  return loadSettings(source, "guvnor.yaml");
}

describe("the comparison of settings", () => {
  it("finds nothing between a set and itself, and every field that differs", () => {
    expect(compareSettings(NO_SETTINGS, NO_SETTINGS)).toEqual([]);
    const gate = { run: ["x"], timeoutMs: 1, protected: [], maxMemoryBytes: 1, maxOutputBytes: 1 };
    const before = { ...NO_SETTINGS, gates: { a: gate } };
    const after = { ...NO_SETTINGS, gates: { a: { ...gate, timeoutMs: 2 } } };
    expect(compareSettings(before, after)).toEqual([
      { what: "gates.a.timeoutMs", change: "changed", before: "1", after: "2" },
    ]);
  });

  it("names rules and limits by their ids, and tells what a profile changes", () => {
    const rule = "id: a, effect: deny, reason: r";
    const before = load(`version: 1
policy: { rules: [{ ${rule} }, { id: b, effect: warn, reason: r }] }
roles: { lead: [ada] }`);
    const after = load(`version: 1
policy: { default: deny, rules: [{ ${rule}, when: "true" }] }
limits: [{ id: calls, of: agent, metric: calls, max: 7, per: 1m, then: throttle }]
tiers: { start: T0, promote: null }
breakers: { tool: null }
health: { thresholds: { queue_depth: 1 } }
stall: { after: 1m, then: revoke }
violations: { low: stop }
roles: { lead: [ada, pat] }`);
    expect(compareSettings(before, after)).toEqual([
      { what: "breakers.tool.errorRatio", change: "removed", before: "0.5" },
      { what: "breakers.tool.maxOpenMs", change: "removed", before: "300000" },
      { what: "breakers.tool.minCalls", change: "removed", before: "10" },
      { what: "breakers.tool.openForMs", change: "removed", before: "10000" },
      { what: "breakers.tool.probes", change: "removed", before: "2" },
      { what: "breakers.tool.windowMs", change: "removed", before: "60000" },
      { what: "health.thresholds.queueDepth", change: "changed", before: "50", after: "1" },
      { what: "limits.calls.max", change: "changed", before: "600", after: "7" },
      {
        what: "limits.calls.repeat",
        change: "removed",
        before: '{"times":3,"withinMs":600000,"response":"revoke"}',
      },
      { what: "policy.default", change: "changed", before: "allow", after: "deny" },
      { what: "policy.rules.a.when", change: "added", after: '"true"' },
      { what: "policy.rules.b.effect", change: "removed", before: '"warn"' },
      { what: "policy.rules.b.mode", change: "removed", before: '"enforce"' },
      { what: "policy.rules.b.on", change: "removed", before: '["*"]' },
      { what: "policy.rules.b.reason", change: "removed", before: '"r"' },
      { what: "policy.rules.b.severity", change: "removed", before: '"medium"' },
      { what: "roles.lead", change: "changed", before: '["ada"]', after: '["ada","pat"]' },
      { what: "stall.afterMs", change: "changed", before: "900000", after: "60000" },
      { what: "stall.response", change: "changed", before: '"reassign"', after: '"revoke"' },
      { what: "tiers.promote.distinctTasks", change: "removed", before: "5" },
      { what: "tiers.promote.verified", change: "removed", before: "10" },
      { what: "tiers.start", change: "changed", before: "T2", after: "T0" },
      { what: "violations.low", change: "changed", before: '"record"', after: '"stop"' },
    ]);
    const everything = (["open", "standard", "strict"] as const).map((name) =>
      load(`version: 1\nprofile: ${name}`),
    );
    for (const each of everything) expect(compareSettings(each, each)).toEqual([]);
  });
});

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
import { NO_SETTINGS } from "../../src/core/settings.ts";

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
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Document, Scalar } from "yaml";

import { readYaml } from "../../src/policy/yaml-source.ts";

/** The character at "f.yaml:LINE:COLUMN". */
function characterAt(source: string, place: string): string {
  const [, line = "", column = ""] = /^f\.yaml:(\d+):(\d+)$/.exec(place) ?? [];
  return source.split("\n")[Number(line) - 1]?.charAt(Number(column) - 1) ?? "";
}

const STYLES = [
  Scalar.PLAIN,
  Scalar.QUOTE_SINGLE,
  Scalar.QUOTE_DOUBLE,
  Scalar.BLOCK_FOLDED,
  Scalar.BLOCK_LITERAL,
] as const;

const words = fc.array(
  fc.oneof(
    fc.constantFrom("task.kind", "==", '"deploy"', "'x'", "&&", "a\\b", "", "#", ": ", "\t", "é😀"),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }),
  ),
  { minLength: 1, maxLength: 40 },
);

describe("the place of a character within a text", () => {
  it("is where it stands in the file, however YAML writes the text", () => {
    const separator = fc.constantFrom(" ", "  ", "\n", "\n  ");
    fc.assert(
      fc.property(words, separator, fc.constantFrom(...STYLES), (parts, between, style) => {
        const value = parts.join(between).replaceAll(/[\0\r\u0085\u2028\u2029\uFEFF]/g, "");
        const scalar = new Scalar(value);
        scalar.type = style;
        const source = new Document({ before: 1, list: [{ when: scalar }] }).toString({
          lineWidth: 30,
        });
        const yaml = readYaml(source, "f.yaml");
        // What is read counts: the library folds some texts otherwise than it reads them.
        const { when } = (yaml.value as { list: [{ when: string }] }).list[0];
        for (let offset = 0; offset < when.length; offset += 1) {
          const wanted = when.charAt(offset);
          if (/\s/.test(wanted)) continue;
          const found = characterAt(source, yaml.place(["list", 0, "when"], offset));
          // An escape begins with its backslash.
          expect(found === wanted || found === "\\").toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["plain", "when: task.kind == x", "1:20"],
    ["plain on two lines", "when: task.kind\n  == x", "2:6"],
    ["in single quotes", "when: 'it''s.kind == x'", "1:22"],
    ["in double quotes", String.raw`when: "\u0074ask.\"in\" == x"`, "1:28"],
    ["folded", "when: >-  # why\n  task.kind\n  == x\n", "3:6"],
    ["literal", "when: |2\n   task.kind\n\n  == x\n", "4:6"],
  ])("of a %s text is exact", (_, source, place) => {
    const yaml = readYaml(source, "f.yaml");
    const { when } = yaml.value as { when: string };
    expect(yaml.place(["when"], when.indexOf("x"))).toBe(`f.yaml:${place}`);
  });

  it("is the last character for what is beyond the end", () => {
    const yaml = readYaml("when: task.kind ==", "f.yaml");
    expect(yaml.place(["when"], 100)).toBe("f.yaml:1:18");
  });

  it("of something that is not there is that of the nearest thing above it", () => {
    const yaml = readYaml("a:\n  - b: 1\n", "f.yaml");
    expect(yaml.place(["a", 0, "c", "d"])).toBe("f.yaml:2:5");
    expect(yaml.placeOfKey(["a", 0, "b"])).toBe("f.yaml:2:5");
    expect(yaml.placeOfKey(["a", 0, "zzz"])).toBe("f.yaml:2:5");
    expect(yaml.placeOfKey(["a"])).toBe("f.yaml:1:1");
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { compilePattern, matchesPattern } from "../../../src/policy/pattern/match-pattern.ts";

function matches(pattern: string, text: string): boolean {
  return matchesPattern(compilePattern(pattern), text);
}

/** Patterns that both engines read alike, over few letters so that they often match. */
const atom = fc.constantFrom(
  "a",
  "b",
  "c",
  ".",
  "[ab]",
  "[^a]",
  "[a-c_]",
  "\\d",
  "\\w",
  "\\W",
  "\\s",
  "\\.",
  "-",
  "[\\d-]",
  "[\\D]",
  "[^\\W]",
  "[\\S\\n]",
  "[^\\s\\d]",
);
const count = fc.constantFrom("", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "*?", "{0}");
const repeated = fc.tuple(atom, count).map((parts) => parts.join(""));
const flat = fc
  .array(fc.oneof(repeated, fc.constantFrom("^", "$", "\\b", "\\B")), { maxLength: 5 })
  .map((parts) => parts.join(""));
const choice = fc.array(flat, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("|"));
const group = fc.oneof(
  choice.map((inner) => `(${inner})`),
  choice.map((inner) => `(?:${inner})`),
);
const pattern = fc
  .array(fc.oneof(flat, group), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join(""))
  .filter((source) => source.length <= 200);
const text = fc
  .array(fc.constantFrom("a", "a", "b", "b", "c", "_", " ", "1", ".", "-", "\n"), { maxLength: 12 })
  .map((parts) => parts.join(""));

describe("a pattern", () => {
  it("matches what JavaScript's own does", () => {
    fc.assert(
      fc.property(pattern, text, (source, subject) => {
        expect(matches(source, subject)).toBe(new RegExp(source, "u").test(subject));
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ["", "", true],
    ["^$", "", true],
    ["^a", "ba", false],
    ["a$", "ab", false],
    ["b", "abc", true],
    ["^(feat|fix): .+$", "fix: x", true],
    ["^(feat|fix): .+$", "fixup: x", false],
    ["(?i)drop +table", "please DROP   Table x", true],
    ["(?i)[^a]", "A", false],
    ["(?i)ß", "SS", false],
    ["(?i)s", "ß", false],
    ["^.$", "😀", true],
    ["^[😀-😅]+$", "😁😂", true],
    ["^.$", "\n", false],
    ["[]]", "]", undefined],
    ["[a\\]]", "]", true],
    ["[a-]", "-", true],
    ["a{3}", "aaa", true],
    ["^a{2,3}$", "aaaa", false],
    ["\\$\\{", "${", true],
    ["\\bcat\\b", "a cat.", true],
    ["\\bcat\\b", "concat", false],
  ])("%j on %j: %j", (source, subject, expected) => {
    if (expected === undefined) expect(() => matches(source, subject)).toThrow("empty []");
    else expect(matches(source, subject)).toBe(expected);
  });

  it.each([
    ["(a+)+", "repeats what is repeated already"],
    ["(a*b)*", "repeats what is repeated already"],
    ["((ab)+c){2}", "repeats what is repeated already"],
    ["(a{2,5}){3}", "repeats what is repeated already"],
    ["a**", "repeats what is repeated already"],
    ["a+{2}", "repeats what is repeated already"],
    ["(", "a ( that is never closed"],
    ["(a", "a ( that is never closed"],
    ["a)", "a ) without a ("],
    ["[a", "ends too early"],
    ["[b-a]", "a range in [] that has no two ends in order"],
    ["[\\d-z]", "a range in [] that has no two ends in order"],
    ["[[:alpha:]]", "a named class"],
    ["a\\", "ends too early"],
    ["\\1", "has \\1, which means nothing here"],
    ["\\p{L}", "has \\p, which means nothing here"],
    ["\\u0041", "has \\u, which means nothing here"],
    ["(?=a)", "has a (? that is not (?:"],
    ["(?<!a)", "has a (? that is not (?:"],
    ["(?P<n>a)", "has a (? that is not (?:"],
    ["*a", "has a * with nothing to repeat"],
    ["a|+", "has a + with nothing to repeat"],
    ["{2}", "has a { with nothing to repeat"],
    ["a{", "has a { that begins no count"],
    ["a{,3}", "has a { that begins no count"],
    ["a{3,2}", "has a count that is not between 0 and 100"],
    ["a{101}", "has a count that is not between 0 and 100"],
    ["^*", "repeats a place"],
    ["(abcdefghijk){100}", "has counts that make it too large"],
    ["a".repeat(201), "is longer than 200 characters"],
  ])("%j is refused", (source, problem) => {
    expect(() => compilePattern(source)).toThrow(problem);
  });

  it("takes time in proportion to the text, where backtracking would take for ever", () => {
    const long = "a".repeat(20_000);
    for (const source of ["^(a|a)*$", "^(a|aa)+b$", "a*a*a*a*b", "^.*.*.*=.*$", "(a?){50}b"]) {
      const compiled = compilePattern(source);
      const steps = compiled.steps.length * long.length;
      expect(steps).toBeLessThan(10_000_000);
      matchesPattern(compiled, long);
    }
  });

  it("never throws anything but what is wrong with it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 30 }), text, (source, subject) => {
        try {
          expect(typeof matches(source, subject)).toBe("boolean");
        } catch (error) {
          expect((error as Error).constructor.name).toBe("PatternProblem");
        }
      }),
      { numRuns: 2000 },
    );
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { GuvnorError } from "../../src/core/errors.ts";
import { matchAny, matchesGlob, parseGlob } from "../../src/core/path-glob.ts";

// The reference: a glob as a tree, printed for the code under test and matched here by trying
// everything. Characters and slashes are one sequence, so segments need no code of their own.
type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "any" }
  | { readonly kind: "star" }
  | { readonly kind: "class"; readonly not: "" | "!" | "^"; readonly members: readonly string[] }
  | { readonly kind: "braces"; readonly options: readonly (readonly Part[])[] };
/** Segments; "**" stands for itself. */
type Glob = readonly ("**" | readonly Part[])[];

const character = fc.constantFrom("a", "b", "c", ".", "-", "é", "😀");
const simple: fc.Arbitrary<Part> = fc.oneof(
  { weight: 4, arbitrary: character.map((text): Part => ({ kind: "text", text })) },
  { weight: 2, arbitrary: fc.constantFrom<Part>({ kind: "star" }, { kind: "any" }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("class" as const),
      not: fc.constantFrom("" as const, "!" as const, "^" as const),
      members: fc.array(fc.constantFrom("a", "c", "é", "a-c", "b-é"), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
);
const braces: fc.Arbitrary<Part> = fc
  .array(fc.array(simple, { maxLength: 2 }), { minLength: 2, maxLength: 3 })
  .map((options): Part => ({ kind: "braces", options }));
const segment = fc.array(
  fc.oneof({ weight: 6, arbitrary: simple }, { weight: 1, arbitrary: braces }),
  {
    minLength: 1,
    maxLength: 4,
  },
);
const glob: fc.Arbitrary<Glob> = fc.array(
  fc.oneof({ weight: 3, arbitrary: segment }, { weight: 1, arbitrary: fc.constant("**" as const) }),
  { minLength: 1, maxLength: 4 },
);
const path = fc
  .array(fc.array(character, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 })
  .map((segments) => segments.map((characters) => characters.join("")).join("/"));

function print(tree: Glob): string {
  return tree.map((part) => (part === "**" ? part : part.map(printPart).join(""))).join("/");
}

function printPart(part: Part): string {
  if (part.kind === "text") return part.text;
  if (part.kind === "any") return "?";
  if (part.kind === "star") return "*";
  if (part.kind === "class") return `[${part.not}${part.members.join("")}]`;
  return `{${part.options.map((option) => option.map(printPart).join("")).join(",")}}`;
}

function referenceMatches(tree: Glob, segments: readonly string[]): boolean {
  const [first, ...rest] = tree;
  if (first === undefined) return segments.length === 0;
  if (first === "**") {
    const starts = [...segments.keys(), segments.length];
    return starts.some((start) => referenceMatches(rest, segments.slice(start)));
  }
  const [head, ...tail] = segments;
  if (head === undefined) return false;
  return matchesParts(first, Array.from(head)) && referenceMatches(rest, tail);
}

function matchesParts(parts: readonly Part[], text: readonly string[]): boolean {
  const [part, ...rest] = parts;
  if (part === undefined) return text.length === 0;
  if (part.kind === "braces") {
    return part.options.some((option) => matchesParts([...option, ...rest], text));
  }
  if (part.kind === "star") {
    const starts = [...text.keys(), text.length];
    return starts.some((start) => matchesParts(rest, text.slice(start)));
  }
  const [head, ...tail] = text;
  return head !== undefined && matchesOne(part, head) && matchesParts(rest, tail);
}

function matchesOne(part: Exclude<Part, { kind: "braces" }>, head: string): boolean {
  if (part.kind === "text") return part.text === head;
  if (part.kind !== "class") return true;
  const inside = part.members.some((member) => {
    const [low = "", , high = low] = Array.from(member);
    return low <= head && head <= high;
  });
  return inside === (part.not === "");
}

/** Compiles; and no stars side by side, which would be printed as something else. */
function isValid(tree: Glob): boolean {
  if (tree.some((part) => part !== "**" && part.map(printPart).join("").includes("**")))
    return false;
  try {
    parseGlob(print(tree));
    return true;
  } catch {
    return false;
  }
}

function outcome(source: string): string {
  try {
    return matchesGlob(source, "a/b") ? "matched" : "did not match";
  } catch (error) {
    return error instanceof GuvnorError ? error.code : String(error);
  }
}

describe("matchesGlob", () => {
  test("it agrees with a matcher that tries everything", () => {
    let matched = 0;
    fc.assert(
      fc.property(glob, path, (tree, text) => {
        // ** within a segment, or a segment of dots, can come out of the parts.
        fc.pre(isValid(tree));
        const expected = referenceMatches(tree, text.split("/"));
        if (expected) matched += 1;
        expect(matchesGlob(print(tree), text)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
    expect(matched).toBeGreaterThan(100);
  });

  test("a path is matched by itself, and by itself with any character as a question mark", () => {
    fc.assert(
      fc.property(path, fc.nat(), (text, place) => {
        fc.pre(text.split("/").every((part) => part !== "." && part !== ".."));
        expect(matchesGlob(text, text)).toBe(true);
        const characters = Array.from(text);
        const at = place % characters.length;
        fc.pre(characters[at] !== "/");
        expect(matchesGlob(characters.with(at, "?").join(""), text)).toBe(true);
      }),
    );
  });

  test.each([
    ["package.json", "package.json"],
    ["test/**", "test/a.ts"],
    ["test/**", "test/deep/er/a.ts"],
    ["test/**", "test"],
    ["**/*.test.ts", "a.test.ts"],
    ["**/*.test.ts", "src/deep/a.test.ts"],
    ["src/**/index.ts", "src/index.ts"],
    ["src/**/index.ts", "src/a/b/index.ts"],
    ["**", ".env"],
    ["*", ".env"],
    ["*.ts", ".ts"],
    ["**/**", "a"],
    ["{src,test}/*.ts", "test/a.ts"],
    ["{a/b,c}/d", "a/b/d"],
    ["a{,.bak}", "a"],
    ["a{,.bak}", "a.bak"],
    ["{a,b{c,d}}", "bd"],
    ["a,b", "a,b"],
    ["{**,x}/a", "p/q/a"],
    ["[a-c]x", "bx"],
    ["[!a-c]x", "dx"],
    ["[^a-c]x", "dx"],
    ["[]]x", "]x"],
    ["[!]]x", "ax"],
    ["[-a]x", "-x"],
    ["[a-]x", "-x"],
    ["[*]x", "*x"],
    ["[[]id]", "[id]"],
    ["[{]a,b[}]", "{a,b}"],
    ["{[,],b}", ","],
    [String.raw`[\]`, "\\"],
    ["?", "😀"],
    ["[😀-😂]", "😁"],
    ["(group)/+page.ts", "(group)/+page.ts"],
  ])("%s matches %s", (pattern, text) => {
    expect(matchesGlob(pattern, text)).toBe(true);
  });

  test.each([
    ["package.json", "web/package.json"],
    ["package.json", "package-json"],
    ["package.json", "Package.json"],
    ["test/**", "tests/a.ts"],
    ["test/**", "src/test/a.ts"],
    ["*", "a/b"],
    ["a/*", "a"],
    ["a/*", "a/b/c"],
    ["a?b", "a/b"],
    ["a[!x]b", "a/b"],
    ["[!a-c]x", "bx"],
    ["[!a]x", "x"],
    ["a[*]x", "abx"],
    ["{a,b}", "a,b"],
    ["?", "ab"],
    ["src/**/*.ts", "src.ts"],
    ["**/a", "ba"],
  ])("%s does not match %s", (pattern, text) => {
    expect(matchesGlob(pattern, text)).toBe(false);
  });

  test("globs that make backtracking matchers explode are settled", () => {
    const stars = `${"*a".repeat(200)}*b`;
    const segments = `${"**/a/".repeat(200)}b`;
    expect(matchesGlob(stars, "a".repeat(5000))).toBe(false);
    expect(matchesGlob(segments, `${"a/".repeat(2500)}a`)).toBe(false);
    expect(matchesGlob("**/".repeat(300) + "x", `${"a/".repeat(2500)}a`)).toBe(false);
  });
});

describe("matchAny", () => {
  test("it is true where one glob matches, compiled or not, and false for none", () => {
    const globs = ["package.json", parseGlob("test/**")];
    expect(matchAny(globs, "test/a")).toBe(true);
    expect(matchAny(globs, "package.json")).toBe(true);
    expect(matchAny(globs, "src/a")).toBe(false);
    expect(matchAny([], "src/a")).toBe(false);
  });
});

describe("parseGlob", () => {
  test("a glob is compiled once and keeps its source", () => {
    const compiled = parseGlob("src/{a,b}/**");
    expect(compiled.source).toBe("src/{a,b}/**");
    expect(compiled.alternatives).toHaveLength(2);
    expect(matchesGlob(compiled, "src/b/c")).toBe(true);
  });

  test("braces are written out up to 256 alternatives and refused beyond", () => {
    expect(parseGlob("{a,b}".repeat(8)).alternatives).toHaveLength(256);
    const refusal = expect.objectContaining({ code: "input_invalid" });
    expect(() => parseGlob("{a,b}".repeat(9))).toThrow(refusal);
    expect(() => parseGlob("{a,b}".repeat(200))).toThrow(refusal);
    expect(() => parseGlob(`{${"a,".repeat(256)}a}`)).toThrow(refusal);
  });

  test.each([
    ["", "characters long"],
    ["x".repeat(1025), "characters long"],
    ["!test/**", "negated"],
    ["/src", "empty segment"],
    ["src/", "empty segment"],
    ["a//b", "empty segment"],
    ["{a,}/b", "empty segment"],
    ["./a", "empty segment"],
    ["a/../b", "empty segment"],
    ["src/**.ts", "** within"],
    ["a**", "** within"],
    ["***", "** within"],
    ["{a,*}*/b", "** within"],
    ["[ab", "never closed"],
    ["[]", "never closed"],
    ["[!]", "never closed"],
    ["[a/b]", "class with /"],
    ["[[:alpha:]]", "class with /"],
    ["[z-a]", "backwards"],
    ["{a,b", "never closed"],
    ["a}", "without a {"],
    ["{a}", "without a comma"],
    ["{}", "without a comma"],
    ["{1..3}", "without a comma"],
    [String.raw`src\a`, "backslash"],
  ])("%s is refused, the message saying: %s", (text, said) => {
    expect(() => parseGlob(text)).toThrow(
      expect.objectContaining({ code: "input_invalid", message: expect.stringContaining(said) }),
    );
  });

  test("no text makes it fail in any other way than by refusing", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "/", "*", "?", "[", "]", "!", "^", "-", "{", ",", "}", ".", "\\"),
      maxLength: 30,
    });
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: "binary" })), (source) => {
        expect(["matched", "did not match", "input_invalid"]).toContain(outcome(source));
      }),
      { numRuns: 2000 },
    );
  });
});

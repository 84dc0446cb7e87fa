import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { findInputProblem, plainText } from "../../src/core/check-input.ts";

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Strings of whole characters without NUL. */
const goodText = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
const goodKey = goodText.filter((key) => !["__proto__", "constructor", "prototype"].includes(key));
const goodJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 6 },
    goodText,
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value")),
    fc.dictionary(goodKey, tie("value")),
  ),
})).value;

describe("findInputProblem", () => {
  it("finds nothing in ordinary JSON", () => {
    fc.assert(
      fc.property(goodJson, (value) => {
        expect(findInputProblem(value)).toBeUndefined();
      }),
    );
  });

  it.each([
    [{ tasks: [{}, { title: "a\0b" }] }, '"tasks[1].title" holds a NUL character'],
    [{ "a\0b": 1 }, '"ab" is a key that holds a NUL character'],
    [{ text: "\uD83D" }, '"text" holds half a surrogate pair'],
    [{ text: "\uDE00\uD83D" }, '"text" holds half a surrogate pair'],
    [{ "\uD83D": 1 }, '"\uFFFD" is a key that holds half a surrogate pair'],
    [JSON.parse('{"a": {"__proto__": {}}}'), '"a.__proto__" is a key that is not allowed'],
    [{ constructor: 1 }, '"constructor" is a key that is not allowed'],
    [[{ prototype: 1 }], '"[0].prototype" is a key that is not allowed'],
    ["\0", "the input holds a NUL character"],
  ])("names where %j is wrong", (value, what) => {
    expect(findInputProblem(value)).toMatchObject({
      code: "input_invalid",
      message: `The input was refused: ${what}.`,
    });
  });

  it("finds a bad text or key wherever it is put", () => {
    const bad = fc.constantFrom("\0", "\uD800", "\uDC00");
    fc.assert(
      fc.property(goodJson, bad, fc.boolean(), (value, text, asKey) => {
        const wrapped = asKey ? [value, { [text]: value }] : { first: value, second: [text] };
        expect(findInputProblem(wrapped)?.code).toBe("input_invalid");
      }),
    );
  });

  it("allows exactly the depth it is given", () => {
    expect(findInputProblem(nested(32))).toBeUndefined();
    expect(findInputProblem(nested(33))?.code).toBe("input_too_large");
    expect(findInputProblem({ a: [1] }, { maxDepth: 1 })?.message).toContain('"a" is nested');
    expect(findInputProblem(7, { maxDepth: 0 })).toBeUndefined();
  });

  it("survives nesting that would exhaust the stack", () => {
    expect(findInputProblem(nested(500_000))?.code).toBe("input_too_large");
    expect(findInputProblem(nested(500_000), { maxDepth: 600_000 })?.message).toContain("values");
  });

  it("counts values", () => {
    const limits = { maxDepth: 32, maxValues: 4 };
    expect(findInputProblem([1, 2, 3], limits)).toBeUndefined();
    expect(findInputProblem([1, 2, [3]], limits)?.code).toBe("input_too_large");
    expect(findInputProblem(Array.from({ length: 400_000 }, () => 0))?.code).toBe(
      "input_too_large",
    );
  });

  it("keeps its messages short and plain, whatever the keys are", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 300 })), (keys) => {
        let value: unknown = "\0";
        for (const key of keys) value = { [key]: value };
        const message = findInputProblem(value)?.message ?? "";
        expect(message.length).toBeLessThan(220);
        expect(message).toBe(plainText(message, 1000));
      }),
    );
  });
});

describe("plainText", () => {
  it.each([
    ["plain – Übung 👩‍👩‍👧", "plain – Übung 👩‍👩‍👧"],
    ["\u001B[31mred\u001B[0m", "red"],
    ["\u001B]0;title\u0007text", "text"],
    ["\u001B]8;;https://example.org\u001B\\link\u001B]8;;\u001B\\", "link"],
    ["\u009B31mred", "red"],
    ["\u009D0;title\u009Ctext", "text"],
    ["a\u001Bcb\u001B(Bc", "abc"],
    ["lone \u001B", "lone "],
    ["one\r\ntwo\nthree\tfour\u2028five\u0085six", "one two three four five six"],
    ["user\u202Etxt.exe\u2066x\u2069", "usertxt.exex"],
    ["a\u0000b\u007Fc\u0080d", "abcd"],
    ["zero\u200Bwidth\uFEFF", "zerowidth"],
    ["half \uD83D", "half \uFFFD"],
  ])("turns %j into %j", (text, plain) => {
    expect(plainText(text, 100)).toBe(plain);
  });

  it("marks what it cut and never splits a character", () => {
    expect(plainText("abcdef", 6)).toBe("abcdef");
    expect(plainText("abcdefg", 6)).toBe("abcde…");
    expect(plainText("abcd😀", 6)).toBe("abcd😀");
    expect(plainText("abcd😀x", 6)).toBe("abcd…");
    expect(plainText("\0".repeat(1000), 6)).toBe("…");
  });

  it("is safe, short and stable for any text", () => {
    // oxlint-disable-next-line no-control-regex
    const unsafe = /[\u0000-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]|\p{Surrogate}/u;
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc
        .array(fc.constantFrom("\u001B", "[", "]", "31", "m", "\u0007", "\\", "a", "\u009B", "\n"))
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 60 }), (input, maxLength) => {
        const plain = plainText(input, maxLength);
        expect(plain.length).toBeLessThanOrEqual(maxLength);
        expect(plain).not.toMatch(unsafe);
        expect(plainText(plain, maxLength)).toBe(plain);
      }),
    );
  });
});

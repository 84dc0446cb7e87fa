import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { canonicalJson, isCanonicalJson, type Json } from "../../src/core/canonical-json.ts";

// fast-check's own JSON values, -0 left out: JSON.parse cannot give it back from "0".
const json: fc.Arbitrary<Json> = fc
  .jsonValue({ stringUnit: "grapheme", maxDepth: 5 })
  .map((value) => read(JSON.stringify(value)));

function read(text: string): Json {
  const value: unknown = JSON.parse(text);
  assertJson(value);
  return value;
}

/** For the compiler only: lets a test hand over what the type keeps out. */
function assertJson(_value: unknown): asserts _value is Json {}

/** The same value with the keys of every object inserted the other way round. */
function reversed(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => reversed(item));
  const entries = Object.entries(value).toReversed();
  return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
}

function nested(depth: number): Json {
  let value: Json = [];
  for (let level = 1; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

function double(hex: string): number {
  return Buffer.from(hex, "hex").readDoubleBE();
}

function arrayWithHole(): number[] {
  const items = [1];
  items[2] = 3;
  return items;
}

describe("canonicalJson", () => {
  // RFC 8785, appendix B.
  test.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("the double %s is written as %s", (hex, text) => {
    expect(canonicalJson(double(hex))).toBe(text);
    expect(isCanonicalJson(text)).toBe(true);
  });

  test.each(["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])(
    "the double %s is refused, as RFC 8785 demands for NaN and infinities",
    (hex) => {
      expect(() => canonicalJson([double(hex)])).toThrow(
        expect.objectContaining({ code: "input_invalid" }),
      );
    },
  );

  test("the example of RFC 8785 §3.2.2 is written as §3.2.3 shows it", () => {
    const value = {
      // Number() of a text, as the linter refuses a literal with more digits than a double keeps.
      numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test("keys are sorted by UTF-16 code units as in the example of RFC 8785 §3.2.3", () => {
    const value = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    const written = canonicalJson(value);
    expect([...written.matchAll(/:"([^"]+)"/gu)].map((match) => match[1])).toEqual([
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  test("what is written reads back as the same value", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
  });

  test("the order in which keys were inserted does not matter", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      }),
    );
  });

  test.each([
    ["a lone high surrogate", "\ud800"],
    ["a lone low surrogate", "a\udc00b"],
    ["a pair the wrong way round", "\udc00\ud800"],
  ])("%s is refused in a value and in a key", (_name, text) => {
    const refusal = expect.objectContaining({ code: "input_invalid" });
    expect(() => canonicalJson(text)).toThrow(refusal);
    expect(() => canonicalJson({ [text]: 1 })).toThrow(refusal);
  });

  test.each([
    ["undefined", { a: undefined }],
    ["a bigint", [1n]],
    ["a function", [() => 1]],
    ["a symbol", [Symbol("s")]],
    ["a date", { at: new Date(0) }],
    ["a map", new Map()],
    ["a hole in an array", arrayWithHole()],
  ])("%s is refused, not dropped", (_name, value: unknown) => {
    assertJson(value);
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: "input_invalid" }));
  });

  test("64 levels are written, 65 and a cycle are refused", () => {
    const cycle: Record<string, Json> = {};
    cycle["self"] = cycle;
    const refusal = expect.objectContaining({ code: "input_invalid" });
    expect(JSON.parse(canonicalJson(nested(64)))).toEqual(nested(64));
    expect(() => canonicalJson(nested(65))).toThrow(refusal);
    expect(() => canonicalJson(cycle)).toThrow(refusal);
  });

  test("objects without a prototype and a key named __proto__ are written like any other", () => {
    const bare: Record<string, Json> = { __proto__: null, b: 1, a: 2 };
    expect(Object.getPrototypeOf(bare)).toBeNull();
    expect(canonicalJson(bare)).toBe('{"a":2,"b":1}');
    expect(canonicalJson(read('{"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1}}');
  });
});

describe("isCanonicalJson", () => {
  test("what canonicalJson writes is canonical", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(isCanonicalJson(canonicalJson(value))).toBe(true);
      }),
    );
  });

  test("it says of any JSON text whether canonicalJson would write the same", () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(isCanonicalJson(text)).toBe(text === canonicalJson(value));
      }),
    );
  });

  // Objects put keys that are integers first, whatever their place in the text.
  test.each(['{"-":0,"1":0}', '{"1":0,"10":0,"2":0}', String.raw`"\\ud800"`, '{"a":[{}]}'])(
    "%s is canonical",
    (text) => {
      expect(isCanonicalJson(text)).toBe(true);
    },
  );

  test.each([
    "",
    "{",
    "undefined",
    '{"b":1,"a":1}',
    '[{"b":1,"a":1}]',
    '{"a":1,"a":1}',
    '{"a": 1}',
    "1.0",
    "-0",
    "1E3",
    String.raw`"\u0041"`,
    String.raw`"\ud800"`,
    '"\ud800"',
    `${"[".repeat(65)}${"]".repeat(65)}`,
    `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
  ])("a text that begins %.40s is not canonical", (text) => {
    expect(isCanonicalJson(text)).toBe(false);
  });
});

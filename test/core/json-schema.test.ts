import { describe, expect, test } from "vitest";

import { findMismatch, findSchemaProblem } from "../../src/core/json-schema.ts";

describe("a schema that can be used", () => {
  test.each([
    [{}],
    [true],
    [{ type: ["string", "null"], minLength: 3 }],
    [{ properties: { $ref: { type: "string" } }, required: ["$ref"] }],
    [{ items: { anyOf: [{ const: 1 }, false] } }],
    [{ enum: [{ pattern: "(a+)+$" }] }],
  ])("%j", (schema) => {
    expect(findSchemaProblem(schema)).toBeUndefined();
  });

  test.each([
    [{ $ref: "#" }, "$ref"],
    [{ items: { allOf: [{ pattern: "(a+)+$" }] } }, "pattern"],
    [{ format: "email" }, "format"],
    [{ properties: { a: { patternProperties: {} } } }, "patternProperties"],
    [{ not: { if: {} } }, "if"],
    [{ type: "strange" }, "type"],
    [{ maximum: "high" }, "maximum"],
    [{ required: "a" }, "required"],
    [{ properties: [] }, "properties"],
    [{ properties: { a: 3 } }, "a schema is"],
    [{ anyOf: [] }, "anyOf"],
    [{ toString: 1 }, "toString"],
    [[], "a schema is"],
  ])("not %j", (schema, said) => {
    expect(findSchemaProblem(schema)).toContain(said);
  });
});

describe("what fits", () => {
  test.each<[unknown, unknown, string | undefined]>([
    [true, 1, undefined],
    [false, 1, "is not allowed"],
    [{ type: "integer" }, 1, undefined],
    [{ type: "integer" }, 1.5, "must be integer"],
    [{ type: ["object", "null"] }, null, undefined],
    [{ type: ["object", "null"] }, [], "must be object or null"],
    [{ type: "array" }, {}, "must be array"],
    [{ enum: [1, { b: 1, a: 2 }] }, { a: 2, b: 1 }, undefined],
    [{ enum: [1, "2"] }, 2, "is none of the values named"],
    [{ const: null }, null, undefined],
    [{ const: null }, false, "is not the value named"],
    // Keywords that do not speak of a value say nothing of it.
    [{ required: ["a"], minItems: 1, minLength: 9, minimum: 9 }, true, undefined],
    [{ required: ["a"] }, {}, "needs a"],
    [{ required: ["toString"] }, {}, "needs toString"],
    [{ properties: { a: { maximum: 50 } } }, { a: 60 }, "a: is more than 50"],
    [{ properties: { a: { maximum: 50 } } }, { a: 50 }, undefined],
    [
      { properties: { a: { items: { minLength: 2 } } } },
      { a: ["xx", "x"] },
      "a: 1: is shorter than 2",
    ],
    [{ additionalProperties: false, properties: { a: {} } }, { a: 1 }, undefined],
    [{ additionalProperties: false, properties: { a: {} } }, { b: 1 }, "b: is not allowed"],
    [{ additionalProperties: { type: "number" } }, { b: "1" }, "b: must be number"],
    [{ minItems: 2 }, [1], "needs at least 2"],
    [{ maxItems: 1 }, [1, 2], "has more than 1"],
    [{ minLength: 2 }, "😀", "is shorter than 2"],
    [{ maxLength: 1 }, "😀", undefined],
    [{ exclusiveMinimum: 3 }, 3, "is not more than 3"],
    [{ exclusiveMaximum: 3 }, 2.9, undefined],
    [{ minimum: 3 }, 2.9, "is less than 3"],
    [{ allOf: [{ minimum: 3 }, { maximum: 5 }] }, 6, "is more than 5"],
    [{ anyOf: [{ minimum: 3 }, { maximum: 1 }] }, 2, "fits none of anyOf"],
    [{ anyOf: [{ minimum: 3 }, { maximum: 1 }] }, 1, undefined],
    [{ oneOf: [{ minimum: 1 }, { maximum: 3 }] }, 2, "does not fit exactly one of oneOf"],
    [{ oneOf: [{ minimum: 1 }, { maximum: 3 }] }, 4, undefined],
    [{ not: { type: "string" } }, "s", "fits what it must not"],
    [{ not: { type: "string" } }, 1, undefined],
  ])("%j on %j: %s", (schema, value, expected) => {
    expect(findMismatch(schema, value)).toBe(expected);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import {
  defaultOf,
  fieldTypesOf,
  type FieldType,
  typeText,
  unite,
} from "../../src/policy/field-types.ts";
import { TOOL_TYPES } from "./rules.ts";

function typesOf(schema: z.ZodType): Readonly<Record<string, FieldType>> {
  return fieldTypesOf(z.toJSONSchema(schema, { io: "input" }));
}

const STRING = { kind: "string" } as const;

const anyType: fc.Arbitrary<FieldType> = fc.letrec<{ type: FieldType }>((tie) => ({
  type: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    fc.constantFrom<FieldType>(
      { kind: "string" },
      { kind: "string", values: ["a", "b"] },
      { kind: "string", values: ["c"] },
      { kind: "int" },
      { kind: "double" },
      { kind: "bool" },
      { kind: "json" },
    ),
    fc.record({
      kind: fc.constant("list" as const),
      of: tie("type"),
      max: fc.option(fc.integer({ min: 0, max: 9 })),
    }),
    fc.record({ kind: fc.constant("map" as const), of: tie("type") }),
    fc.record({
      kind: fc.constant("object" as const),
      fields: fc.dictionary(fc.constantFrom("x", "y", "z"), tie("type")),
    }),
  ),
})).type;

describe("the types of a tool's arguments", () => {
  it("come from its JSON Schema", () => {
    const schema = z.strictObject({
      text: z.string().max(3),
      word: z.enum(["a", "b"]).optional(),
      one: z.literal("only"),
      whole: z.int(),
      number: z.number(),
      yes: z.boolean(),
      list: z.array(z.string()).max(9),
      open: z.array(z.int()),
      map: z.record(z.string(), z.number()),
      any: z.record(z.string(), z.json()),
      inner: z.strictObject({ deep: z.boolean() }),
      nullable: z.string().nullable(),
      either: z.union([z.string(), z.literal("x")]),
      mixed: z.union([z.string(), z.number()]),
      anything: z.unknown(),
      nothing: z.null(),
    });
    expect(typesOf(schema)).toEqual({
      text: STRING,
      word: { kind: "string", values: ["a", "b"] },
      one: { kind: "string", values: ["only"] },
      whole: { kind: "int" },
      number: { kind: "double" },
      yes: { kind: "bool" },
      list: { kind: "list", of: STRING, max: 9 },
      open: { kind: "list", of: { kind: "int" }, max: null },
      map: { kind: "map", of: { kind: "double" } },
      any: { kind: "map", of: { kind: "json" } },
      inner: { kind: "object", fields: { deep: { kind: "bool" } } },
      nullable: STRING,
      either: STRING,
      mixed: { kind: "json" },
      anything: { kind: "json" },
      nothing: { kind: "json" },
    });
  });

  it.each([undefined, null, 7, "x", [], {}, { type: "string" }, { type: "object" }, { anyOf: 3 }])(
    "of the schema %j are none",
    (schema) => expect(fieldTypesOf(schema)).toEqual({}),
  );

  it("of guvnor's own tools leave nothing open but what may be any JSON", () => {
    const open: string[] = [];
    const look = (type: FieldType, path: string): void => {
      if (type.kind === "json") open.push(path);
      if (type.kind === "list" && type.max === null) open.push(path);
      if (type.kind === "list" || type.kind === "map") look(type.of, `${path}[]`);
      if (type.kind === "object") {
        for (const [name, field] of Object.entries(type.fields)) look(field, `${path}.${name}`);
      }
    };
    for (const { name, fields } of TOOL_TYPES) look({ kind: "object", fields }, name);
    expect(open).toEqual([
      "report_progress.outputs[]",
      "submit_plan.tasks[].inputs[]",
      "check_policy.input[]",
    ]);
  });

  it("survive a schema that never ends", () => {
    const schema: Record<string, unknown> = { type: "object", properties: {} };
    schema["properties"] = { self: schema };
    expect(typeText(fieldTypesOf(schema)["self"] ?? STRING)).toBe("object");
  });
});

describe("two types as one", () => {
  it("are the same in either order, and themselves with themselves", () => {
    fc.assert(
      fc.property(anyType, anyType, (one, other) => {
        expect(unite(one, one)).toEqual(one);
        const [there, back] = [unite(one, other), unite(other, one)];
        expect(there === undefined).toBe(back === undefined);
        if (there !== undefined && back !== undefined) {
          expect(typeText(there)).toBe(typeText(back));
          expect(defaultOf(there)).toEqual(defaultOf(one));
        }
      }),
    );
  });

  it("hold the words and the lengths of both", () => {
    const one: FieldType = { kind: "string", values: ["a", "b"] };
    expect(unite(one, { kind: "string", values: ["b", "c"] })).toEqual({
      kind: "string",
      values: ["a", "b", "c"],
    });
    expect(unite(one, STRING)).toEqual(STRING);
    expect(
      unite({ kind: "list", of: STRING, max: 3 }, { kind: "list", of: STRING, max: 5 }),
    ).toMatchObject({ max: 5 });
    expect(
      unite({ kind: "list", of: STRING, max: 3 }, { kind: "list", of: STRING, max: null }),
    ).toMatchObject({ max: null });
    expect(
      unite({ kind: "map", of: STRING }, { kind: "map", of: { kind: "int" } }),
    ).toBeUndefined();
    expect(unite({ kind: "int" }, { kind: "double" })).toBeUndefined();
  });
});

import { canonicalJson, toJson } from "./canonical-json.ts";

/**
 * The part of JSON Schema (2020-12) that can be judged in bounded time and without reading anything
 * else: no references, no regular expressions, no formats. What is not in this table is refused, so
 * that no schema says more than is looked at.
 */
export type JsonSchema = Readonly<Record<string, unknown>>;

interface Keyword {
  /** Whether the keyword may have this value; subschemas are looked at apart. */
  readonly takes: (argument: unknown) => boolean;
  /** Schemas in the argument. */
  readonly schemas?: (argument: unknown) => readonly unknown[];
  /** What is wrong with the value; undefined for a value that the keyword does not speak of. */
  readonly mismatch?: (argument: never, value: unknown, schema: JsonSchema) => string | undefined;
}

const KEYWORDS: Readonly<Record<string, Keyword>> = {
  type: {
    takes: (argument) => listOf(argument).every((name) => TYPES.has(String(name))),
    mismatch: (argument: unknown, value) =>
      listOf(argument).some((name) => hasType(value, String(name)))
        ? undefined
        : `must be ${listOf(argument).join(" or ")}`,
  },
  enum: {
    takes: Array.isArray,
    mismatch: (argument: readonly unknown[], value) =>
      argument.some((each) => isSame(each, value)) ? undefined : "is none of the values named",
  },
  const: {
    takes: () => true,
    mismatch: (argument, value) => (isSame(argument, value) ? undefined : "is not the value named"),
  },
  properties: {
    takes: isObject,
    schemas: valuesOf,
    mismatch: (argument: JsonSchema, value) =>
      isObject(value)
        ? firstOf(
            Object.keys(argument).filter((key) => Object.hasOwn(value, key)),
            (key) => within(key, argument[key], value[key]),
          )
        : undefined,
  },
  required: {
    takes: (argument) =>
      Array.isArray(argument) && argument.every((key) => typeof key === "string"),
    mismatch: (argument: readonly string[], value) => {
      const missing = isObject(value)
        ? argument.find((key) => !Object.hasOwn(value, key))
        : undefined;
      return missing === undefined ? undefined : `needs ${missing}`;
    },
  },
  additionalProperties: {
    takes: isSchema,
    schemas: (argument) => [argument],
    mismatch: (argument: unknown, value, { properties }) =>
      isObject(value)
        ? firstOf(
            Object.keys(value).filter(
              (key) => !isObject(properties) || !Object.hasOwn(properties, key),
            ),
            (key) => within(key, argument, value[key]),
          )
        : undefined,
  },
  items: {
    takes: isSchema,
    schemas: (argument) => [argument],
    mismatch: (argument: unknown, value) =>
      Array.isArray(value)
        ? firstOf([...value.keys()], (index) => within(String(index), argument, value[index]))
        : undefined,
  },
  minItems: ofSize((size, bound) => size >= bound, "needs at least", itemsOf),
  maxItems: ofSize((size, bound) => size <= bound, "has more than", itemsOf),
  minLength: ofSize((size, bound) => size >= bound, "is shorter than", lengthOf),
  maxLength: ofSize((size, bound) => size <= bound, "is longer than", lengthOf),
  minimum: ofSize((size, bound) => size >= bound, "is less than", numberOf),
  maximum: ofSize((size, bound) => size <= bound, "is more than", numberOf),
  exclusiveMinimum: ofSize((size, bound) => size > bound, "is not more than", numberOf),
  exclusiveMaximum: ofSize((size, bound) => size < bound, "is not less than", numberOf),
  allOf: {
    takes: isList,
    schemas: listOf,
    mismatch: (argument: readonly unknown[], value) =>
      firstOf(argument, (schema) => findMismatch(schema, value)),
  },
  anyOf: {
    takes: isList,
    schemas: listOf,
    mismatch: (argument: readonly unknown[], value) =>
      argument.some((schema) => findMismatch(schema, value) === undefined)
        ? undefined
        : "fits none of anyOf",
  },
  oneOf: {
    takes: isList,
    schemas: listOf,
    mismatch: (argument: readonly unknown[], value) =>
      argument.filter((schema) => findMismatch(schema, value) === undefined).length === 1
        ? undefined
        : "does not fit exactly one of oneOf",
  },
  not: {
    takes: isSchema,
    schemas: (argument) => [argument],
    mismatch: (argument: unknown, value) =>
      findMismatch(argument, value) === undefined ? "fits what it must not" : undefined,
  },
  // Said to people, and nothing to judge by.
  ...Object.fromEntries(
    ["$schema", "$id", "$comment", "title", "description", "default", "examples"].map((name) => [
      name,
      { takes: () => true },
    ]),
  ),
};

const TYPES = new Set(["null", "boolean", "object", "array", "number", "string", "integer"]);

/** Why this is no schema that can be used; undefined where it is. */
export function findSchemaProblem(schema: unknown): string | undefined {
  if (typeof schema === "boolean") return undefined;
  if (!isObject(schema)) return "a schema is an object, true or false";
  return firstOf(Object.entries(schema), ([name, argument]) => {
    const keyword = Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name] : undefined;
    if (keyword === undefined) return `${name.slice(0, 40)} is not among what is looked at`;
    if (!keyword.takes(argument)) return `${name} cannot have this value`;
    return firstOf(keyword.schemas?.(argument) ?? [], findSchemaProblem);
  });
}

/** The first thing in which the value is not as described, with where; undefined where it fits. */
export function findMismatch(schema: unknown, value: unknown): string | undefined {
  if (typeof schema === "boolean") return schema ? undefined : "is not allowed";
  if (!isObject(schema)) return undefined;
  return firstOf(Object.entries(schema), ([name, argument]) =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- findSchemaProblem looked at it
    KEYWORDS[name]?.mismatch?.(argument as never, value, schema),
  );
}

function within(key: string, schema: unknown, value: unknown): string | undefined {
  const found = findMismatch(schema, value);
  return found === undefined ? undefined : `${key.slice(0, 60)}: ${found}`;
}

function firstOf<T>(list: readonly T[], find: (each: T) => string | undefined): string | undefined {
  for (const each of list) {
    const found = find(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

function ofSize(
  fits: (size: number, bound: number) => boolean,
  words: string,
  sizeOf: (value: unknown) => number | undefined,
): Keyword {
  return {
    takes: (argument) => typeof argument === "number",
    mismatch: (bound: number, value) => {
      const size = sizeOf(value);
      return size === undefined || fits(size, bound) ? undefined : `${words} ${bound}`;
    },
  };
}

function itemsOf(value: unknown): number | undefined {
  return Array.isArray(value) ? value.length : undefined;
}

/** In characters as people count them, not in UTF-16. */
function lengthOf(value: unknown): number | undefined {
  return typeof value === "string" ? Array.from(value).length : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function hasType(value: unknown, name: string): boolean {
  if (name === "integer") return Number.isInteger(value);
  if (name === "null") return value === null;
  if (name === "array") return Array.isArray(value);
  return name === "object" ? isObject(value) : typeof value === name;
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(toJson(a)) === canonicalJson(toJson(b));
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSchema(value: unknown): boolean {
  return typeof value === "boolean" || isObject(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function valuesOf(value: unknown): readonly unknown[] {
  return isObject(value) ? Object.values(value) : [];
}

/**
 * What a rule may expect of a value. Each type has a default that stands for an absent value:
 * "" for text, 0, false, [] and {}, the beginning of 1970, an object of defaults.
 */
export type FieldType =
  | {
      readonly kind: "string";
      /** All it can ever be, "" aside. */ readonly values?: readonly string[];
    }
  | { readonly kind: "int" | "double" | "bool" | "timestamp" | "duration" }
  | {
      readonly kind: "list";
      readonly of: FieldType;
      /** Null: without a bound, so that a rule cannot go through it. */
      readonly max: number | null;
    }
  /** Keys are texts; an absent one has the default of `of`. */
  | { readonly kind: "map"; readonly of: FieldType }
  | { readonly kind: "object"; readonly fields: Readonly<Record<string, FieldType>> }
  /** Any JSON: a rule can ask whether it is there, and not what is in it. */
  | { readonly kind: "json" };

const JSON_VALUE: FieldType = { kind: "json" };

/**
 * The fields of a tool's arguments, from the JSON Schema of its input (as zod writes it). What a
 * schema leaves open (unions of different types, no type at all) is `json`.
 */
export function fieldTypesOf(jsonSchema: unknown): Readonly<Record<string, FieldType>> {
  const type = typeOf(jsonSchema, 0);
  return type.kind === "object" ? type.fields : {};
}

const MAX_DEPTH = 32;

function typeOf(schema: unknown, depth: number): FieldType {
  if (!isRecord(schema) || depth > MAX_DEPTH) return JSON_VALUE;
  const options = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(options)) return typeOfUnion(options, depth);
  const words = textsOf("const" in schema ? [schema["const"]] : schema["enum"]);
  if (words !== undefined) return { kind: "string", values: words };
  const kinds: unknown[] = [schema["type"]].flat().filter((kind) => kind !== "null");
  switch (kinds.length === 1 ? kinds[0] : undefined) {
    case "string":
      return { kind: "string" };
    case "boolean":
      return { kind: "bool" };
    case "integer":
      return { kind: "int" };
    case "number":
      return { kind: "double" };
    case "array": {
      const { items, maxItems } = schema;
      const max = typeof maxItems === "number" ? maxItems : null;
      return { kind: "list", of: typeOf(items, depth + 1), max };
    }
    case "object":
      return typeOfObject(schema, depth);
    default:
      return JSON_VALUE;
  }
}

function typeOfObject(schema: Readonly<Record<string, unknown>>, depth: number): FieldType {
  const { properties, additionalProperties } = schema;
  if (isRecord(properties)) {
    const fields = Object.entries(properties).map(([name, each]): [string, FieldType] => [
      name,
      typeOf(each, depth + 1),
    ]);
    return { kind: "object", fields: Object.fromEntries(fields) };
  }
  return { kind: "map", of: typeOf(additionalProperties, depth + 1) };
}

/** "or null" is an absent value; beyond that all options must agree. */
function typeOfUnion(options: readonly unknown[], depth: number): FieldType {
  const types = options
    .filter((option) => !(isRecord(option) && option["type"] === "null"))
    .map((option) => typeOf(option, depth));
  return types.reduce((one, other) => unite(one, other) ?? JSON_VALUE, types[0] ?? JSON_VALUE);
}

/**
 * The type that holds the values of both; undefined where they are different in kind. Words that
 * either knows are known, and a list is as long as the longer one.
 */
export function unite(one: FieldType, other: FieldType): FieldType | undefined {
  if (one.kind === "string" && other.kind === "string") {
    if (one.values === undefined || other.values === undefined) return { kind: "string" };
    return { kind: "string", values: [...new Set([...one.values, ...other.values])] };
  }
  if (one.kind === "list" && other.kind === "list") {
    const of = unite(one.of, other.of);
    const max = one.max === null || other.max === null ? null : Math.max(one.max, other.max);
    return of === undefined ? undefined : { kind: "list", of, max };
  }
  if (one.kind === "map" && other.kind === "map") {
    const of = unite(one.of, other.of);
    return of === undefined ? undefined : { kind: "map", of };
  }
  if (one.kind === "object" && other.kind === "object") return uniteObjects(one, other);
  return one.kind === other.kind ? one : undefined;
}

type ObjectType = Extract<FieldType, { kind: "object" }>;

function uniteObjects(one: ObjectType, other: ObjectType): FieldType | undefined {
  const fields: Record<string, FieldType> = { ...one.fields };
  for (const [name, type] of Object.entries(other.fields)) {
    const known = Object.hasOwn(one.fields, name) ? one.fields[name] : undefined;
    const united = known === undefined ? type : unite(known, type);
    if (united === undefined) return undefined;
    fields[name] = united;
  }
  return { kind: "object", fields };
}

/** What an arithmetic sign makes of two values; undefined where their types do not tell. */
export function resultType(
  one: FieldType | undefined,
  other: FieldType | undefined,
): FieldType | undefined {
  if (one?.kind === "list" && other?.kind === "list") {
    const max = one.max === null || other.max === null ? null : one.max + other.max;
    return { kind: "list", of: unite(one.of, other.of) ?? JSON_VALUE, max };
  }
  if (one?.kind === "timestamp" || other?.kind === "timestamp") {
    return { kind: one?.kind === other?.kind ? "duration" : "timestamp" };
  }
  return one?.kind === "string" ? { kind: "string" } : one;
}

/** As a person reads it, such as `list of string`. */
export function typeText(type: FieldType): string {
  if (type.kind === "list" || type.kind === "map") return `${type.kind} of ${typeText(type.of)}`;
  return type.kind === "json" ? "any JSON" : type.kind;
}

/** What stands for an absent value, as JSON; a timestamp is an ISO 8601 text. */
export function defaultOf(type: FieldType): unknown {
  switch (type.kind) {
    case "string":
      return "";
    case "int":
    case "double":
      return 0;
    case "bool":
      return false;
    case "list":
      return [];
    case "timestamp":
      return "1970-01-01T00:00:00.000Z";
    case "duration":
      return "0s";
    case "json":
      return null;
    case "map":
    case "object":
      break;
  }
  return {};
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textsOf(values: unknown): readonly string[] | undefined {
  if (!Array.isArray(values)) return undefined;
  return values.every((value) => typeof value === "string") ? values : undefined;
}

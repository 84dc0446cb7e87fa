import { z } from "zod";

/** The part of a JSON Schema that the pages show. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly anyOf?: readonly SchemaNode[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly format?: string;
  readonly pattern?: string;
}

/** What a schema says in JSON Schema's words. */
export function schemaOf(schema: z.ZodType, io: "input" | "output"): SchemaNode {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- zod allows more than it writes
  return z.toJSONSchema(schema, { io }) as SchemaNode;
}

export interface Field {
  /** e.g. `tasks[].key`. */
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly limits: string;
  readonly description: string;
  readonly default: unknown;
}

/** All fields of an object, nested ones after the field that holds them. */
export function listFields(node: SchemaNode, prefix = ""): readonly Field[] {
  const required = new Set(node.required);
  const fields: Field[] = [];
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const path = `${prefix}${name}`;
    fields.push({
      path,
      type: typeOf(child),
      required: required.has(name),
      limits: limitsOf(child),
      description: child.description ?? "",
      default: child.default,
    });
    fields.push(...listFields(child, `${path}.`));
    fields.push(...listFields(child.items ?? {}, `${path}[].`));
  }
  return fields;
}

export function typeOf(node: SchemaNode): string {
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(", ");
  if (node.anyOf !== undefined) return node.anyOf.map(typeOf).join(" or ");
  if (node.type === "array") return `list of ${typeOf(node.items ?? {})}`;
  const { additionalProperties: values } = node;
  if (node.type === "object" && typeof values === "object" && Object.keys(values).length > 0) {
    return `object of ${typeOf(values)}`;
  }
  return node.format === "date-time" ? "ISO 8601 time" : (node.type ?? "any JSON");
}

function limitsOf(node: SchemaNode): string {
  const parts = [
    range(node.minimum, node.maximum, ""),
    node.exclusiveMinimum === undefined ? "" : `above ${node.exclusiveMinimum}`,
    range(node.minLength, node.maxLength, " characters"),
    range(node.minItems, node.maxItems, " items"),
    eachLimit(node.items),
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function eachLimit(items: SchemaNode | undefined): string {
  const limits = items === undefined ? "" : limitsOf(items);
  return limits === "" ? "" : `each ${limits}`;
}

/** JSON Schema's integers carry JavaScript's limits, which say nothing. */
function range(from: number | undefined, to: number | undefined, unit: string): string {
  const low = from === undefined || from <= Number.MIN_SAFE_INTEGER ? undefined : from;
  const high = to === undefined || to >= Number.MAX_SAFE_INTEGER ? undefined : to;
  if (low === undefined && high === undefined) return "";
  if (high === undefined) return `from ${low}${unit}`;
  return low === undefined ? `at most ${high}${unit}` : `${low} to ${high}${unit}`;
}

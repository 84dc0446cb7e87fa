import { z } from "zod";

import { didYouMean } from "../core/nearest-name.ts";
import { configInvalid, type ConfigProblem } from "./config-invalid.ts";
import type { YamlPath, YamlSource } from "./yaml-source.ts";

/**
 * What a schema makes of a file.
 * @throws {GuvnorError} `config_invalid` with every problem's line and column, and the nearest
 *   known name where a key or a word is unknown.
 */
export function parseFile<Output>(schema: z.ZodType<Output>, yaml: YamlSource): Output {
  const parsed = schema.safeParse(yaml.value);
  if (parsed.success) return parsed.data;
  throw configInvalid(describeAll(schema, yaml, [], parsed.error));
}

/** What a schema finds wrong with one part of a file. */
export function findProblems(schema: z.ZodType, yaml: YamlSource, part: YamlPath): ConfigProblem[] {
  const { error } = schema.safeParse(valueAt(yaml.value, part));
  return error === undefined ? [] : describeAll(schema, yaml, part, error);
}

/** A key that is misspelt comes first: it is why another one is missing. */
function describeAll(
  schema: z.ZodType,
  yaml: YamlSource,
  part: YamlPath,
  { issues }: z.ZodError,
): ConfigProblem[] {
  const unknown = issues.filter(({ code }) => code === "unrecognized_keys");
  const others = issues.filter(({ code }) => code !== "unrecognized_keys");
  return [...unknown, ...others].flatMap((issue) => describe(schema, yaml, part, issue));
}

function describe(
  schema: z.ZodType,
  yaml: YamlSource,
  part: YamlPath,
  issue: z.core.$ZodIssue,
): ConfigProblem[] {
  const inside = issue.path.filter((step) => typeof step !== "symbol");
  const path = [...part, ...inside];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      place: yaml.placeOfKey([...path, key]),
      path: pathText(yaml, path),
      message: `there is no ${JSON.stringify(key)}${didYouMean(key, keysAt(schema, inside))}`,
    }));
  }
  const place = issue.code === "invalid_key" ? yaml.placeOfKey(path) : yaml.place(path);
  const message = messageOf(issue, valueAt(yaml.value, path));
  return [{ place, path: pathText(yaml, path), message }];
}

/** An item of a list is named by its id, where it has one. */
function pathText(yaml: YamlSource, path: YamlPath): string {
  const names = path.map((part, index) => {
    const id = typeof part === "number" && valueAt(yaml.value, [...path.slice(0, index + 1), "id"]);
    return typeof id === "string" && /^[a-z0-9_-]{1,64}$/.test(id) ? id : part;
  });
  return names.join(".");
}

/** What zod finds where a value should be and none is. */
const MISSING: ReadonlySet<string> = new Set(["invalid_type", "invalid_value"]);

function messageOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  if (value === undefined && MISSING.has(issue.code)) return "is missing";
  if (issue.code === "invalid_value") {
    const words = issue.values.map(String).filter((word) => word !== "");
    if (typeof value !== "string") return `has to be ${words.join(", ")}`;
    const given = JSON.stringify(value);
    return `${given} is none of ${words.join(", ")}${didYouMean(value, words)}`;
  }
  if (typeof value === "string" && (issue.code === "too_big" || issue.code === "too_small")) {
    return lengthMessage(issue, value);
  }
  const odd = typeof value === "string" ? oddCharacter(value) : undefined;
  return issue.code === "invalid_format" && odd !== undefined
    ? `${issue.message}; this has ${odd}`
    : issue.message;
}

/** A field's own text says what it is; how long it may be is said by the bound. */
function lengthMessage(
  issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall,
  { length }: string,
): string {
  if (issue.code === "too_small") return length === 0 ? "is empty" : issue.message;
  return `is too long: ${length} characters, of at most ${String(issue.maximum)}`;
}

/** Letters of other alphabets that look like Latin ones are told by their number. */
function oddCharacter(text: string): string | undefined {
  const [odd] = /[^\u0020-\u007E]/u.exec(text) ?? [];
  if (odd === undefined) return undefined;
  const code = (odd.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `"${odd}" (U+${code})`;
}

function valueAt(value: unknown, path: YamlPath): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = Object.entries(current).find(([key]) => key === String(part))?.[1];
  }
  return current;
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** The keys that the schema knows at that place. */
function keysAt(schema: z.ZodType, path: YamlPath): string[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- zod allows more than it writes
  let nodes = withOptions(z.toJSONSchema(schema, { io: "input" }) as SchemaNode);
  for (const part of path) nodes = nodes.flatMap((node) => childOf(node, part));
  return nodes.flatMap((node) => Object.keys(node.properties ?? {}));
}

function withOptions(node: SchemaNode): SchemaNode[] {
  return [node, ...(node.anyOf ?? [])];
}

function childOf(node: SchemaNode, part: string | number): SchemaNode[] {
  const { properties, additionalProperties, items } = node;
  const found = typeof part === "number" ? items : properties?.[part];
  if (found !== undefined) return withOptions(found);
  return typeof additionalProperties === "object" ? withOptions(additionalProperties) : [];
}

import type { ASTNode } from "@marcbachmann/cel-js";

import { didYouMean } from "../../core/nearest-name.ts";
import { type FieldType, typeText } from "../field-types.ts";
import { ExpressionProblem } from "./expression-problem.ts";

/** One place in the facts that an expression names. */
export interface Path {
  /** As it is written, such as `task.labels["env"]`. */
  readonly text: string;
  readonly segments: readonly (string | number)[];
  readonly type: FieldType;
}

/** `receiver.name`, `receiver["name"]` or `receiver[index]`. */
export interface Access {
  readonly node: ASTNode;
  readonly receiver: ASTNode;
  readonly name: string | undefined;
  readonly index: ASTNode | undefined;
}

export function accessOf(node: ASTNode): Access | undefined {
  if (node.op === ".") {
    return { node, receiver: node.args[0], name: node.args[1], index: undefined };
  }
  if (node.op === "[]") {
    return { node, receiver: node.args[0], name: undefined, index: node.args[1] };
  }
  return undefined;
}

/**
 * Type of `receiver.name`.
 * @throws {ExpressionProblem} where the record has no such field, or it is no record.
 */
export function memberType(access: Access, type: FieldType | undefined): FieldType {
  const name = access.name ?? "";
  if (type?.kind === "map") return type.of;
  const at = access.node.pos;
  const owner = written(access.receiver);
  if (type?.kind !== "object") {
    throw new ExpressionProblem(at, `${owner} ${whatIs(type)} and has no ${name}`);
  }
  const found = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(type.fields);
  const near = didYouMean(name, names);
  const meant =
    near === "" ? `; it has ${names.join(", ")}` : near.replace(/ (\w+\?)$/, ` ${owner}.$1`);
  throw new ExpressionProblem(at, `there is no ${owner}.${name}${meant}`);
}

/**
 * Type of `receiver[index]`.
 * @throws {ExpressionProblem} where it is neither list nor map, or the index does not fit.
 */
export function elementType(
  access: Access,
  type: FieldType | undefined,
  index: FieldType | undefined,
): FieldType {
  if (type?.kind === "map" || type?.kind === "list") {
    const expected = type.kind === "map" ? "string" : "int";
    if (index === undefined || index.kind === expected) return type.of;
    const message = `the ${type.kind === "map" ? "key" : "index"} is ${typeText(index)} and not ${expected}`;
    throw new ExpressionProblem(access.index?.start ?? access.node.start, message);
  }
  const owner = written(access.receiver);
  const what = type?.kind === "object" ? "has fields: write" : whatIs(type);
  const rest = type?.kind === "object" ? ` ${owner}.name` : ", so it has no [ ]";
  throw new ExpressionProblem(access.node.start, `${owner} ${what}${rest}`);
}

/**
 * How a message about an unknown name ends. A field that was named without its record (`labels`) is
 * found too.
 */
export function nearestRoot(
  name: string,
  roots: Readonly<Record<string, FieldType>>,
  bound: Iterable<string>,
): string {
  const owner = Object.entries(roots).find(
    ([, type]) => type.kind === "object" && Object.hasOwn(type.fields, name),
  );
  if (owner !== undefined) return `; did you mean ${owner[0]}.${name}?`;
  return didYouMean(name, [...bound, ...Object.keys(roots)]);
}

function whatIs(type: FieldType | undefined): string {
  if (type === undefined) return "is no record";
  return `is ${typeText(type)}`;
}

/** A part of the expression as a person wrote it, shortened. */
export function written(node: ASTNode): string {
  const text = node.input.slice(node.start, node.end).replaceAll(/\s+/g, " ");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/**
 * The place that a chain names where all its parts are fixed; undefined for one with a variable in
 * it, and for records, which have no value of their own.
 */
export function pathOf(
  node: ASTNode,
  roots: Readonly<Record<string, FieldType>>,
  bound: ReadonlyMap<string, unknown>,
): Path | undefined {
  const path = chainOf(node, roots, bound);
  return path?.type.kind === "object" ? undefined : path;
}

function chainOf(
  node: ASTNode,
  roots: Readonly<Record<string, FieldType>>,
  bound: ReadonlyMap<string, unknown>,
): Path | undefined {
  if (node.op === "id") {
    const name = node.args;
    const type = bound.has(name) ? undefined : roots[name];
    return type === undefined ? undefined : { text: name, segments: [name], type };
  }
  const access = accessOf(node);
  const key = access?.name ?? fixedIndex(access?.index);
  const owner = access === undefined ? undefined : chainOf(access.receiver, roots, bound);
  if (owner === undefined || key === undefined) return undefined;
  const type = partType(owner.type, key);
  if (type === undefined) return undefined;
  const text = owner.type.kind === "object" ? `.${key}` : `[${JSON.stringify(key)}]`;
  return { text: `${owner.text}${text}`, segments: [...owner.segments, key], type };
}

function fixedIndex(index: ASTNode | undefined): string | number | undefined {
  if (index?.op !== "value") return undefined;
  const value = index.args;
  return typeof value === "bigint" ? Number(value) : typeof value === "string" ? value : undefined;
}

function partType(type: FieldType, key: string | number): FieldType | undefined {
  if (type.kind === "map" || type.kind === "list") return type.of;
  return type.kind === "object" ? type.fields[key] : undefined;
}

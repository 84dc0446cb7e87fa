import type { ASTNode } from "@marcbachmann/cel-js";

import { didYouMean } from "../../core/nearest-name.ts";
import { isRoot, type Root } from "../context-fields.ts";
import { type FieldType, resultType, unite } from "../field-types.ts";
import { checkLiteral, checkWords } from "./check-literal.ts";
import { ExpressionProblem } from "./expression-problem.ts";
import { childrenOf } from "./expression-tree.ts";
import { FUNCTIONS, MACROS, METHODS } from "./functions.ts";
import { boundedList, enterLoop, type Loop, loopOf, OUTERMOST, type Scope } from "./loops.ts";
import {
  accessOf,
  elementType,
  memberType,
  type Path,
  pathOf,
  nearestRoot,
  written,
} from "./paths.ts";
import { rewriteCall, rewriteMember, rewritePresence, type Rewrites } from "./rewrites.ts";

/** What an expression names, and which of its parts are run in other words. */
export interface Inspection {
  readonly needs: ReadonlySet<Root>;
  readonly paths: readonly Path[];
  readonly rewrites: Rewrites;
}

interface Walk {
  readonly roots: Readonly<Record<string, FieldType>>;
  readonly needs: Set<Root>;
  readonly paths: Map<string, Path>;
  readonly rewrites: Rewrites;
  iterations: number;
}

/**
 * Holds an expression to what conditions may name and call; the library's own check of types comes
 * after it.
 * @param roots - Types of what an expression may begin with.
 * @throws {ExpressionProblem} for a name or function that is not there (with the nearest one), a
 *   word that a field never holds, a pattern or a literal that is wrong, and loops that are too long.
 */
export function inspectExpression(
  root: ASTNode,
  roots: Readonly<Record<string, FieldType>>,
): Inspection {
  const walk: Walk = {
    roots,
    needs: new Set(),
    paths: new Map(),
    rewrites: new Map(),
    iterations: 0,
  };
  visit(walk, root, OUTERMOST);
  return { needs: walk.needs, paths: [...walk.paths.values()], rewrites: walk.rewrites };
}

/** The type of what the node stands for; undefined where only the library can tell. */
function visit(walk: Walk, node: ASTNode, scope: Scope): FieldType | undefined {
  switch (node.op) {
    case "value":
      return checkLiteral(node);
    case "id":
    case ".":
    case "[]":
      return visitAccess(walk, node, scope);
    case "call":
      return visitCall(walk, node, scope);
    case "rcall":
      return visitMethod(walk, node, scope);
    case "list":
      return visitList(walk, node, scope);
    case "?:":
      return visitChoice(walk, node, scope);
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return resultType(visit(walk, node.args[0], scope), visit(walk, node.args[1], scope));
    case "==":
    case "!=":
    case "in": {
      const [left, right] = node.args;
      const types = [visit(walk, left, scope), visit(walk, right, scope)] as const;
      checkWords(node, types);
      return { kind: "bool" };
    }
    case "-_":
      return visit(walk, node.args, scope);
    case "!_":
    case "||":
    case "&&":
    case "<":
    case "<=":
    case ">":
    case ">=":
      for (const child of childrenOf(node)) visit(walk, child, scope);
      return { kind: "bool" };
    case "map":
    case ".?":
    case "[?]":
      break;
  }
  for (const child of childrenOf(node)) visit(walk, child, scope);
  return undefined;
}

/** A chain such as `task.labels["env"]`; the longest part that has one place in the facts is kept. */
function visitAccess(walk: Walk, node: ASTNode, scope: Scope): FieldType | undefined {
  const type = resolve(walk, node, scope);
  if (type?.kind === "json") {
    const message = `${written(node)} can hold any JSON: ask only whether it is there, by has()`;
    throw new ExpressionProblem(node.start, message);
  }
  keepPath(walk, node, scope);
  return type;
}

function keepPath(walk: Walk, node: ASTNode, scope: Scope): void {
  for (let at: ASTNode | undefined = node; at !== undefined; at = accessOf(at)?.receiver) {
    const path = pathOf(at, walk.roots, scope.names);
    if (path !== undefined) {
      walk.paths.set(path.text, path);
      return;
    }
  }
}

function resolve(walk: Walk, node: ASTNode, scope: Scope): FieldType | undefined {
  if (node.op === "id") return resolveName(walk, node, scope);
  const access = accessOf(node);
  if (access === undefined) return visit(walk, node, scope);
  const { receiver } = access;
  const type = resolve(walk, receiver, scope);
  const member =
    access.index === undefined
      ? memberType(access, type)
      : elementType(access, type, visit(walk, access.index, scope));
  if (type?.kind === "map") rewriteMember(walk.rewrites, node, access);
  return member;
}

function resolveName(
  walk: Walk,
  node: Extract<ASTNode, { op: "id" }>,
  scope: Scope,
): FieldType | undefined {
  const name = node.args;
  if (scope.names.has(name)) return scope.names.get(name);
  const type = Object.hasOwn(walk.roots, name) ? walk.roots[name] : undefined;
  if (type === undefined || !isRoot(name)) {
    throw new ExpressionProblem(
      node.start,
      `there is no ${name}${nearestRoot(name, walk.roots, scope.names.keys())}`,
    );
  }
  walk.needs.add(name);
  return type;
}

function visitCall(
  walk: Walk,
  node: Extract<ASTNode, { op: "call" }>,
  scope: Scope,
): FieldType | undefined {
  const [name, args] = node.args;
  const known = FUNCTIONS.get(name);
  if (known === undefined) {
    const message = `there is no function ${name}()${didYouMean(name, FUNCTIONS.keys())}`;
    throw new ExpressionProblem(node.start, message);
  }
  if (name === "has") {
    visitPresence(walk, node, scope);
  } else {
    for (const each of args) visit(walk, each, scope);
    rewriteCall(walk.rewrites, node, undefined);
  }
  return known.returns;
}

function visitPresence(walk: Walk, node: Extract<ASTNode, { op: "call" }>, scope: Scope): void {
  const [argument] = node.args[1];
  const access = argument === undefined ? undefined : accessOf(argument);
  if (argument === undefined || access?.name === undefined) {
    throw new ExpressionProblem(node.start, "has() takes a field, such as has(input.percent)");
  }
  const type = resolve(walk, access.receiver, scope);
  memberType(access, type);
  keepPath(walk, argument, scope);
  rewritePresence(walk.rewrites, node, { ...access, name: access.name, type });
}

function visitMethod(
  walk: Walk,
  node: Extract<ASTNode, { op: "rcall" }>,
  scope: Scope,
): FieldType | undefined {
  const [name, receiver, args] = node.args;
  const loop = loopOf(node, (word) => scope.names.has(word) || Object.hasOwn(walk.roots, word));
  if (loop !== undefined) return visitLoop(walk, loop, scope);
  const known = METHODS.get(name);
  if (known === undefined) {
    const names = [...METHODS.keys(), ...MACROS.keys()];
    const message = `there is no method ${name}()${didYouMean(name, names)}`;
    throw new ExpressionProblem(receiver.end, message);
  }
  const type = visit(walk, receiver, scope);
  for (const each of args) visit(walk, each, scope);
  rewriteCall(walk.rewrites, node, type);
  return known.returns;
}

function visitLoop(walk: Walk, loop: Loop, scope: Scope): FieldType {
  const { macro, receiver, bodies } = loop;
  const list = boundedList(loop, visit(walk, receiver, scope));
  const inner = enterLoop(loop, list, scope, walk.iterations);
  walk.iterations += inner.times;
  const types = bodies.map((body) => visit(walk, body, inner));
  if (macro === "filter") return list;
  if (macro !== "map") return { kind: "bool" };
  return { ...list, of: types.at(-1) ?? { kind: "json" } };
}

function visitList(
  walk: Walk,
  node: Extract<ASTNode, { op: "list" }>,
  scope: Scope,
): FieldType | undefined {
  const [first, ...rest] = node.args.map((each) => visit(walk, each, scope));
  const of = rest.reduce((one, other) => one && other && unite(one, other), first);
  return of === undefined ? undefined : { kind: "list", of, max: node.args.length };
}

function visitChoice(
  walk: Walk,
  node: Extract<ASTNode, { op: "?:" }>,
  scope: Scope,
): FieldType | undefined {
  const [condition, yes, no] = node.args;
  visit(walk, condition, scope);
  const one = visit(walk, yes, scope);
  const other = visit(walk, no, scope);
  return one === undefined || other === undefined ? undefined : unite(one, other);
}

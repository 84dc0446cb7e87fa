import type { ASTNode } from "@marcbachmann/cel-js";

import { type FieldType, typeText } from "../field-types.ts";
import { ExpressionProblem } from "./expression-problem.ts";
import { MACROS } from "./functions.ts";
import { accessOf } from "./paths.ts";

/** Through all lists of an expression together, at worst. */
const MAX_ITERATIONS = 1_000_000;
/** What one call can hold in all (core/check-input.ts): so much for lists within a list's items. */
const MAX_INPUT_VALUES = 100_000;
const MAX_LOOP_DEPTH = 2;

/** Names that macros have bound, and how often what stands here is asked. */
export interface Scope {
  readonly names: ReadonlyMap<string, FieldType>;
  /** Names that stand for the items of a list in the facts, not of one that the expression made. */
  readonly items: ReadonlySet<string>;
  readonly times: number;
  readonly depth: number;
}

export const OUTERMOST: Scope = { names: new Map(), items: new Set(), times: 1, depth: 0 };

type ListType = Extract<FieldType, { kind: "list" }>;

/** `receiver.exists(variable, …)` and its like, checked for its form. */
export interface Loop {
  readonly macro: string;
  readonly receiver: ASTNode;
  readonly variable: Extract<ASTNode, { op: "id" }>;
  readonly bodies: readonly ASTNode[];
}

/**
 * Undefined where the method is no macro.
 * @param taken - Whether a name means something already.
 * @throws {ExpressionProblem}
 */
export function loopOf(
  node: Extract<ASTNode, { op: "rcall" }>,
  taken: (name: string) => boolean,
): Loop | undefined {
  const [name, receiver, args] = node.args;
  const macro = MACROS.get(name);
  if (macro === undefined) return undefined;
  const [variable, ...bodies] = args;
  if (variable?.op !== "id" || !macro.arguments.includes(args.length)) {
    throw new ExpressionProblem(receiver.end, `${name}() is written ${macro.usage}`);
  }
  if (taken(variable.args)) {
    throw new ExpressionProblem(variable.start, `the name ${variable.args} is taken`);
  }
  return { macro: name, receiver, variable, bodies };
}

/** @throws {ExpressionProblem} where it is no list, or one without a bound. */
export function boundedList({ macro, receiver }: Loop, type: FieldType | undefined): ListType {
  if (type?.kind === "list" && type.max !== null) return type;
  const what = type === undefined ? "none" : typeText(type);
  const message =
    type?.kind === "list"
      ? "goes through a list whose length is bounded; this one's is not"
      : `goes through a list; this is ${what}`;
  throw new ExpressionProblem(receiver.start, `${macro}() ${message}`);
}

/**
 * The scope within the loop.
 * @param counted - Iterations of the expression so far, at worst.
 * @throws {ExpressionProblem} for more than two loops within each other, and where all lists of the
 *   expression together can come to more than a million items.
 */
export function enterLoop(loop: Loop, list: ListType, scope: Scope, counted: number): Scope {
  const { macro, receiver, variable } = loop;
  const name = variable.args;
  const product = scope.times * (list.max ?? 0);
  const times = isOf(receiver, scope.items) ? Math.min(product, MAX_INPUT_VALUES) : product;
  if (counted + times > MAX_ITERATIONS) {
    const message = `goes through lists of up to ${counted + times} items in all; at most ${MAX_ITERATIONS}`;
    throw new ExpressionProblem(receiver.start, message);
  }
  if (scope.depth === MAX_LOOP_DEPTH) {
    const message = `${macro}() stands within two others; at most two deep`;
    throw new ExpressionProblem(receiver.end, message);
  }
  const isFact = accessOf(receiver) !== undefined && !isOf(receiver, new Set(scope.names.keys()));
  return {
    names: new Map([...scope.names, [name, list.of] as const]),
    items: isFact ? new Set([...scope.items, name]) : scope.items,
    times,
    depth: scope.depth + 1,
  };
}

/** Whether it is one of these names, or a part of what one stands for, such as `t.paths`. */
function isOf(node: ASTNode, names: ReadonlySet<string>): boolean {
  const access = accessOf(node);
  if (access !== undefined) return isOf(access.receiver, names);
  return node.op === "id" && names.has(node.args);
}

import type { ASTNode } from "@marcbachmann/cel-js";

import { ExpressionProblem } from "./expression-problem.ts";

export const MAX_NODES = 500;
export const MAX_DEPTH = 32;

/** The parts of a node, as it was written (macros not expanded). */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    case "[]":
    case "[?]":
    case "?:":
    case "list":
    case "||":
    case "&&":
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
    case "in":
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      break;
  }
  return node.args;
}

/** A row of these counts as one level, however long it is. */
export const CHAINS: ReadonlySet<string> = new Set(["&&", "||", "+"]);

/**
 * @throws {ExpressionProblem} for more than 500 parts, or parts nested more than 32 deep.
 */
export function checkSize(root: ASTNode): void {
  let count = 0;
  const open = [{ node: root, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next;
    count += 1;
    if (count > MAX_NODES) throw new ExpressionProblem(node.start, TOO_MANY);
    if (depth > MAX_DEPTH) throw new ExpressionProblem(node.start, TOO_DEEP);
    for (const child of childrenOf(node)) {
      const chained = child.op === node.op && CHAINS.has(node.op);
      open.push({ node: child, depth: chained ? depth : depth + 1 });
    }
  }
}

export const TOO_MANY = `has more than ${MAX_NODES} parts`;
export const TOO_DEEP = `is nested more than ${MAX_DEPTH} deep`;

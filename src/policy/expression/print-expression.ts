import type { ASTNode } from "@marcbachmann/cel-js";

import { CHAINS } from "./expression-tree.ts";
import type { Rewrites } from "./rewrites.ts";

/** The expression as text, with its rewritten parts in their other words. */
export function printExpression(root: ASTNode, rewrites: Rewrites): string {
  const print = (node: ASTNode): string => rewrites.get(node)?.(print) ?? printNode(node, print);
  return print(root);
}

function printNode(node: ASTNode, print: (node: ASTNode) => string): string {
  switch (node.op) {
    case "value":
      return printLiteral(node.args);
    case "id":
      return node.args;
    case ".":
    case ".?":
      return `${print(node.args[0])}.${node.args[1]}`;
    case "[]":
    case "[?]":
      return `${print(node.args[0])}[${print(node.args[1])}]`;
    case "call":
      return `${node.args[0]}(${node.args[1].map(print).join(", ")})`;
    case "rcall":
      return `${print(node.args[1])}.${node.args[0]}(${node.args[2].map(print).join(", ")})`;
    case "list":
      return `[${node.args.map(print).join(", ")}]`;
    case "map":
      return `{${node.args.map(([key, value]) => `${print(key)}: ${print(value)}`).join(", ")}}`;
    case "?:": {
      const [condition, yes, no] = node.args;
      return `(${print(condition)} ? ${print(yes)} : ${print(no)})`;
    }
    case "!_":
      return `(!(${print(node.args)}))`;
    case "-_":
      return `(-(${print(node.args)}))`;
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
  const [left, right] = node.args;
  const first = print(left);
  // Written without brackets within it, a row of these nests no deeper.
  const chained = left.op === node.op && CHAINS.has(node.op);
  return `(${chained ? first.slice(1, -1) : first} ${node.op} ${print(right)})`;
}

function printLiteral(value: Extract<ASTNode, { op: "value" }>["args"]): string {
  if (typeof value === "string") return JSON.stringify(value);
  // A number without a point would be whole.
  if (typeof value === "number") return Number.isInteger(value) ? value.toFixed(1) : String(value);
  return String(value);
}

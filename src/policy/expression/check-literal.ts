import type { ASTNode } from "@marcbachmann/cel-js";

import { didYouMean } from "../../core/nearest-name.ts";
import type { FieldType } from "../field-types.ts";
import { ExpressionProblem } from "./expression-problem.ts";

const MAX_INT = 2n ** 63n - 1n;

/**
 * The type of a literal.
 * @throws {ExpressionProblem} for kinds of values that no fact has, and numbers beyond 64 bits.
 */
export function checkLiteral(node: Extract<ASTNode, { op: "value" }>): FieldType {
  const value = node.args;
  if (typeof value === "string") return { kind: "string" };
  if (typeof value === "boolean") return { kind: "bool" };
  if (typeof value === "number") return { kind: "double" };
  if (typeof value === "bigint") {
    if (value <= MAX_INT) return { kind: "int" };
    throw new ExpressionProblem(node.start, `${value} is more than 64 bits hold`);
  }
  const message =
    value === null
      ? 'nothing is ever null: an absent value is "", 0, false or empty'
      : "bytes and unsigned numbers are not known here";
  throw new ExpressionProblem(node.start, message);
}

/**
 * A comparison with a word that the field never holds would never match, silently.
 * @param types - Of the left and of the right side.
 * @throws {ExpressionProblem} with the nearest word.
 */
export function checkWords(
  node: Extract<ASTNode, { op: "==" | "!=" | "in" }>,
  types: readonly [FieldType | undefined, FieldType | undefined],
): void {
  const [left, right] = node.args;
  const [leftWords, rightWords] = types.map(wordsOf);
  if (leftWords !== undefined) {
    const others = right.op === "list" ? right.args : [right];
    for (const other of others) expectWord(left, other, leftWords);
  }
  if (rightWords !== undefined) expectWord(right, left, rightWords);
}

function wordsOf(type: FieldType | undefined): readonly string[] | undefined {
  if (type?.kind === "list") return wordsOf(type.of);
  return type?.kind === "string" ? type.values : undefined;
}

function expectWord(field: ASTNode, literal: ASTNode, words: readonly string[]): void {
  if (literal.op !== "value" || typeof literal.args !== "string") return;
  const word = literal.args;
  if (word === "" || words.includes(word)) return;
  const name = field.input.slice(field.start, field.end);
  const near = didYouMean(word, words);
  const known = near === "" ? `; it is ${words.slice(0, 12).join(", ")}` : near;
  throw new ExpressionProblem(literal.start, `${name} is never ${JSON.stringify(word)}${known}`);
}

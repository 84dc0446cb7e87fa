import type { ASTNode } from "@marcbachmann/cel-js";

import { nearestName } from "../../core/nearest-name.ts";
import type { FieldType } from "../field-types.ts";
import { compilePattern } from "../pattern/match-pattern.ts";
import { PatternProblem } from "../pattern/parse-pattern.ts";
import { ExpressionProblem } from "./expression-problem.ts";
import { TIME_PARTS } from "./functions.ts";
import type { Access } from "./paths.ts";
import { isTimeZone, parseTimestamp } from "./time-parts.ts";

/**
 * Parts of an expression that are run in other words than they are written, because the library
 * alone throws at an absent key, matches patterns by backtracking and asks the process's time zone.
 * Each says how to write itself, given how to write other parts.
 */
export type Rewrites = Map<ASTNode, (print: (node: ASTNode) => string) => string>;

/** `labels["x"]`: the default where the key is absent. */
export function rewriteMember(rewrites: Rewrites, node: ASTNode, access: Access): void {
  const { receiver, name, index } = access;
  rewrites.set(node, (print) => {
    const key = index === undefined ? JSON.stringify(name) : print(index);
    return `map_value(${print(receiver)}, ${key})`;
  });
}

export function rewritePresence(
  rewrites: Rewrites,
  node: ASTNode,
  access: { receiver: ASTNode; name: string; type: FieldType | undefined },
): void {
  const name = JSON.stringify(access.name);
  rewrites.set(node, (print) =>
    access.type?.kind === "map"
      ? `(${name} in ${print(access.receiver)})`
      : `is_given(${print(access.receiver)}, ${name})`,
  );
}

/**
 * Functions and methods that have to be checked, or run otherwise.
 * @param type - Of the receiver.
 * @throws {ExpressionProblem} for a pattern, a time, a duration or a time zone that is wrong.
 */
export function rewriteCall(
  rewrites: Rewrites,
  node: Extract<ASTNode, { op: "call" | "rcall" }>,
  type: FieldType | undefined,
): void {
  const [name] = node.args;
  if (node.op === "call") {
    const [argument] = node.args[1];
    if (argument === undefined) return;
    if (name === "duration") checkDuration(argument);
    if (name === "timestamp") rewriteTimestamp(rewrites, node, argument);
    return;
  }
  const [, receiver, args] = node.args;
  if (name === "matches") rewriteMatches(rewrites, node, { receiver, pattern: args[0] });
  if (TIME_PARTS.has(name) && type?.kind === "timestamp") {
    rewriteTimePart(rewrites, node, { name, receiver, args });
  }
}

function rewriteMatches(
  rewrites: Rewrites,
  node: ASTNode,
  { receiver, pattern }: { receiver: ASTNode; pattern: ASTNode | undefined },
): void {
  const text = textOf(pattern);
  if (pattern === undefined || text === undefined) {
    const message = 'matches() takes a pattern in quotes, such as matches("^v[0-9]+$")';
    throw new ExpressionProblem(pattern?.start ?? node.start, message);
  }
  try {
    compilePattern(text);
  } catch (error) {
    if (!(error instanceof PatternProblem)) throw error;
    throw new ExpressionProblem(pattern.start, `the pattern ${error.message}`);
  }
  rewrites.set(node, (print) => `is_match(${print(receiver)}, ${print(pattern)})`);
}

function rewriteTimestamp(rewrites: Rewrites, node: ASTNode, argument: ASTNode): void {
  const text = textOf(argument);
  if (text !== undefined && parseTimestamp(text) === undefined) {
    const message = `${JSON.stringify(text)} is no time such as "2026-11-21T09:30:00Z"`;
    throw new ExpressionProblem(argument.start, message);
  }
  rewrites.set(node, (print) => `exact_time(${print(argument)})`);
}

function checkDuration(argument: ASTNode): void {
  const text = textOf(argument);
  if (text === undefined || /^-?([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$/.test(text)) return;
  const message = `${JSON.stringify(text)} is no duration such as "90m"`;
  throw new ExpressionProblem(argument.start, message);
}

function rewriteTimePart(
  rewrites: Rewrites,
  node: ASTNode,
  call: { name: string; receiver: ASTNode; args: readonly ASTNode[] },
): void {
  const [zone] = call.args;
  const text = zone === undefined ? "UTC" : textOf(zone);
  if (text === undefined || !isTimeZone(text)) {
    const near =
      text === undefined ? undefined : nearestName(text, Intl.supportedValuesOf("timeZone"));
    const hint = near === undefined ? ", such as Europe/Berlin" : `; did you mean ${near}?`;
    const given = text === undefined ? "it" : JSON.stringify(text);
    const message = `${call.name}() takes a time zone in quotes, and ${given} is none${hint}`;
    throw new ExpressionProblem(zone?.start ?? node.start, message);
  }
  const name = JSON.stringify(call.name);
  rewrites.set(
    node,
    (print) => `time_part(${print(call.receiver)}, ${name}, ${JSON.stringify(text)})`,
  );
}

function textOf(node: ASTNode | undefined): string | undefined {
  return node?.op === "value" && typeof node.args === "string" ? node.args : undefined;
}

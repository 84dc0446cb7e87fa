import { ParseError } from "@marcbachmann/cel-js";

import type { Root } from "../context-fields.ts";
import type { ExpressionEnvironment } from "./environment.ts";
import { ExpressionProblem } from "./expression-problem.ts";
import { checkSize, TOO_DEEP, TOO_MANY } from "./expression-tree.ts";
import type { FactObject } from "./fact-object.ts";
import { inspectExpression } from "./inspect-expression.ts";
import type { Path } from "./paths.ts";
import { printExpression } from "./print-expression.ts";

const MAX_EXPRESSION_LENGTH = 2000;

export interface CompiledExpression {
  /** What the engine has to load for it. */
  readonly needs: ReadonlySet<Root>;
  /** The places in the facts that it names. */
  readonly paths: readonly Path[];
  /**
   * Whether it holds.
   * @throws where it cannot be told: division by zero, a text that is no number, an index beyond
   *   the end, a fact of the wrong type.
   */
  readonly holds: (facts: FactObject) => boolean;
}

/**
 * Parses, checks and compiles a condition.
 * @throws {ExpressionProblem} with the place in the text.
 */
export function compileExpression(
  source: string,
  environment: ExpressionEnvironment,
): CompiledExpression {
  if (source.length > MAX_EXPRESSION_LENGTH) {
    const message = `is longer than ${MAX_EXPRESSION_LENGTH} characters`;
    throw new ExpressionProblem(MAX_EXPRESSION_LENGTH, message);
  }
  const parsed = parse(source, environment);
  checkSize(parsed.ast);
  const { needs, paths, rewrites } = inspectExpression(parsed.ast, environment.roots);
  const checked = parsed.check();
  if (checked.error !== undefined) throw problemOf(checked.error);
  if (checked.type !== "bool") {
    throw new ExpressionProblem(0, `is ${checked.type ?? "unknown"}; a condition is true or false`);
  }
  const run = environment.running.parse(printExpression(parsed.ast, rewrites));
  const again = run.check();
  if (again.type !== "bool") {
    throw new ExpressionProblem(
      0,
      `cannot be run: ${again.error?.summary ?? "it is no condition"}`,
    );
  }
  const holds = (facts: FactObject): boolean => {
    const value: unknown = run(facts);
    if (typeof value === "boolean") return value;
    throw new TypeError("the condition is neither true nor false");
  };
  return { needs, paths, holds };
}

function parse(
  source: string,
  { checking }: ExpressionEnvironment,
): ReturnType<typeof checking.parse> {
  try {
    return checking.parse(source);
  } catch (error) {
    if (error instanceof ParseError) throw problemOf(error);
    throw error;
  }
}

interface LibraryError {
  readonly code: string;
  readonly summary: string;
  readonly range?: { readonly start: number };
}

/** The library's own words, but where they speak of its insides. */
function problemOf({ code, summary, range }: LibraryError): ExpressionProblem {
  return new ExpressionProblem(range?.start ?? 0, reworded(code, summary));
}

function reworded(code: string, summary: string): string {
  if (code === "limit_exceeded") {
    if (summary.includes("maxAstNodes")) return TOO_MANY;
    return summary.includes("maxDepth") ? TOO_DEEP : "has too many items in one place";
  }
  if (code === "no_such_overload") {
    const types = summary.replace("no such overload: ", "");
    const mixed = /\b(int|double)\b.*\b(double|int)\b/.exec(types);
    const hint =
      mixed !== null && mixed[1] !== mixed[2]
        ? "; write 2.0 for a number that may have a fraction"
        : "";
    return `${types} does not go together${hint}`;
  }
  if (code === "unexpected_character") {
    const character = /: '?(.+?)'?$/su.exec(summary)?.[1] ?? "";
    const number = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    return `unexpected ${JSON.stringify(character)} (U+${number})`;
  }
  return summary;
}

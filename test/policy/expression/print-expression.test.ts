import { Environment } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { compileExpression } from "../../../src/policy/expression/compile-expression.ts";
import { createEnvironment } from "../../../src/policy/expression/environment.ts";
import { ExpressionProblem } from "../../../src/policy/expression/expression-problem.ts";

const LIBRARY = new Environment();
const OURS = createEnvironment({}, []);

function bracketed(inner: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return inner.map((source) => `(${source})`);
}

function joined(
  one: fc.Arbitrary<string>,
  signs: readonly string[],
  other: fc.Arbitrary<string>,
): fc.Arbitrary<string> {
  return fc.tuple(one, fc.constantFrom(...signs), other).map((parts) => parts.join(" "));
}

/** Texts of expressions over literals, with brackets and without. */
const { condition: anyCondition } = fc.letrec<{
  number: string;
  text: string;
  list: string;
  condition: string;
}>((tie) => {
  const [number, text, list, condition] = [
    tie("number"),
    tie("text"),
    tie("list"),
    tie("condition"),
  ] as const;
  const options = { depthSize: "small", maxDepth: 5 } as const;
  return {
    number: fc.oneof(
      options,
      fc.nat({ max: 9 }).map(String),
      joined(number, ["+", "-", "*", "/", "%"], number),
      number.map((source) => `-${source}`),
      bracketed(number),
      text.map((source) => `(${source}).size()`),
      fc.tuple(condition, number, number).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    ),
    text: fc.oneof(
      options,
      fc.constantFrom('"a"', "'b'", '"\\n\\"\\u00e9"', 'r"\\d"', '"""c"d"""', '"😀"'),
      joined(text, ["+"], text),
      bracketed(text),
      text.map((source) => `(${source}).upperAscii()`),
    ),
    list: fc.oneof(
      options,
      fc.array(number, { minLength: 1, maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
      joined(list, ["+"], list),
      list.map((source) => `(${source}).filter(x, x > 2)`),
      list.map((source) => `(${source}).map(x, x * 2)`),
    ),
    condition: fc.oneof(
      options,
      fc.constantFrom("true", "false", "1.5 < 2.0", "1e3 > 999.0"),
      joined(number, ["==", "!=", "<", "<=", ">", ">="], number),
      joined(text, ["==", "!=", "<"], text),
      joined(condition, ["&&", "||", "=="], condition),
      joined(number, ["in"], list),
      condition.map((source) => `!(${source})`),
      bracketed(condition),
      list.map((source) => `(${source}).exists(x, x == 1)`),
      fc.tuple(condition, condition, condition).map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
    ),
  };
});

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof ExpressionProblem) return undefined;
    return "error";
  }
}

describe("an expression that is run in other words", () => {
  it("comes to what the library makes of it as it was written", () => {
    let compared = 0;
    fc.assert(
      fc.property(anyCondition, (source) => {
        const ours = outcome(() => compileExpression(source, OURS).holds(new OURS.Facts({})));
        // Too large, or of types that do not go together: refused.
        if (ours === undefined) return;
        compared += 1;
        expect(ours).toBe(outcome(() => LIBRARY.evaluate(source) as unknown));
      }),
      { numRuns: 3000 },
    );
    expect(compared).toBeGreaterThan(1000);
  });
});

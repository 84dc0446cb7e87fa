import { Environment } from "@marcbachmann/cel-js";

import { CONTEXT_TYPES } from "../context-fields.ts";
import type { FieldType } from "../field-types.ts";
import { compilePattern, matchesPattern, type Pattern } from "../pattern/match-pattern.ts";
import { declareType, type Declared } from "./declare-type.ts";
import { MAX_DEPTH, MAX_NODES } from "./expression-tree.ts";
import { type FactClass, FactObject } from "./fact-object.ts";
import { parseTimestamp, timePart } from "./time-parts.ts";

/** What expressions over one set of arguments are checked and run with. */
export interface ExpressionEnvironment {
  /** Types of what an expression may begin with. */
  readonly roots: Readonly<Record<string, FieldType>>;
  /** For the text as a person wrote it: bounded. */
  readonly checking: Environment;
  /** For the text as it is run: it may nest deeper. */
  readonly running: Environment;
  /** Makes what the expressions see of a call's facts. */
  readonly Facts: FactClass;
}

const LIMITS = {
  maxAstNodes: MAX_NODES,
  maxDepth: MAX_DEPTH,
  maxListElements: 200,
  maxMapEntries: 200,
  maxCallArguments: 8,
};
const LOOSE = { ...LIMITS, maxAstNodes: MAX_NODES * 10, maxDepth: MAX_NODES };

/**
 * @param input - Types of the call's arguments.
 * @param toolNames - All there are, so that a comparison with another one is found.
 */
export function createEnvironment(
  input: Readonly<Record<string, FieldType>>,
  toolNames: readonly string[],
): ExpressionEnvironment {
  common ??= createCommon();
  const checking = common.environment.clone();
  const inputType = { kind: "object", fields: input } as const;
  const declared = declareType(checking, inputType, {
    name: "input",
    mapTypes: new Set(common.mapTypes),
  });
  checking.registerVariable("input", declared.cel);
  const converts = { ...common.converts, input: declared.convert };
  return {
    roots: { ...withToolNames(toolNames), input: inputType },
    checking,
    running: checking.clone({ limits: LOOSE }),
    Facts: FactObject.define(converts),
  };
}

interface Common {
  readonly environment: Environment;
  readonly converts: Readonly<Record<string, Declared["convert"]>>;
  readonly mapTypes: ReadonlySet<string>;
}

/** All but `input` is the same for all rules; made when the first is compiled. */
let common: Common | undefined;

function createCommon(): Common {
  const environment = new Environment({ limits: LIMITS });
  registerOwnFunctions(environment);
  const mapTypes = new Set<string>();
  const converts = Object.entries(CONTEXT_TYPES).map(([name, type]) => {
    const { cel, convert } = declareType(environment, type, { name, mapTypes });
    environment.registerVariable(name, cel);
    return [name, convert] as const;
  });
  return { environment, converts: Object.fromEntries(converts), mapTypes };
}

const TIMESTAMP = "google.protobuf.Timestamp";
/** They never wait; said so, the library need not look. */
const SYNC = { async: false };

/** What expressions are rewritten to (rewrites.ts); a person cannot call these. */
function registerOwnFunctions(environment: Environment): void {
  const patterns = new Map<string, Pattern>();
  environment
    .registerFunction(
      "is_given(dyn, string): bool",
      (object: unknown, name: string) => FactObject.isGiven(object, name),
      SYNC,
    )
    .registerFunction(
      "is_match(string, string): bool",
      (text: string, source: string) => {
        const pattern = patterns.get(source) ?? compilePattern(source);
        patterns.set(source, pattern);
        return matchesPattern(pattern, text);
      },
      SYNC,
    )
    .registerFunction(
      `time_part(${TIMESTAMP}, string, string): int`,
      (time: Date, method: string, zone: string) => BigInt(timePart(time, method, zone)),
      SYNC,
    )
    .registerFunction(`exact_time(string): ${TIMESTAMP}`, readTime, SYNC)
    .registerFunction(
      `exact_time(int): ${TIMESTAMP}`,
      // oxlint-disable-next-line no-restricted-globals -- converts the time it is given
      (seconds: bigint) => new Date(Number(seconds) * 1000),
      SYNC,
    );
}

function readTime(text: string): Date {
  const time = parseTimestamp(text);
  if (time === undefined) throw new RangeError(`${JSON.stringify(text)} is no ISO 8601 time`);
  return time;
}

function withToolNames(toolNames: readonly string[]): Readonly<Record<string, FieldType>> {
  const { tool } = CONTEXT_TYPES;
  if (tool?.kind !== "object") return CONTEXT_TYPES;
  const name: FieldType = { kind: "string", values: toolNames };
  return { ...CONTEXT_TYPES, tool: { kind: "object", fields: { ...tool.fields, name } } };
}

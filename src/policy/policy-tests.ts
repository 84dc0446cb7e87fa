import { z } from "zod";

import { fromIso } from "../core/iso-time.ts";
import { didYouMean } from "../core/nearest-name.ts";
import { EFFECTS } from "../core/policy-rules.ts";
import type { CompiledPolicy } from "./compile-policy.ts";
import { configInvalid, type ConfigProblem } from "./config-invalid.ts";
import { CONTEXT_TYPES, type PolicyFacts } from "./context-fields.ts";
import { decide, type Decision } from "./decide.ts";
import type { FieldType } from "./field-types.ts";
import { findProblems, parseFile } from "./parse-file.ts";
import { readYaml, type YamlPath, type YamlSource } from "./yaml-source.ts";

/** One line of `guvnor.test.yaml`: a call, and what has to come of it. */
export interface PolicyTest {
  readonly name: string;
  /** "guvnor.test.yaml:3:3" */
  readonly place: string;
  readonly tool: string;
  readonly facts: PolicyFacts;
  readonly expect: z.infer<typeof expectation>;
}

export interface PolicyTestResult {
  readonly name: string;
  readonly place: string;
  readonly passed: boolean;
  /** Such as "effect: expected deny, got allow"; the last one says who decided, and why. */
  readonly differences: readonly string[];
  readonly decision: Decision;
}

const expectation = z.strictObject({
  effect: z.enum(EFFECTS),
  /** Also `tier:T0`, `default:allow`, `default:deny`. */
  rule: z.string().min(1).max(80).optional(),
});

/** How many facts a test may name is bounded by the file's size. */
const CONTEXT_SCHEMAS = Object.fromEntries(
  Object.entries(CONTEXT_TYPES)
    .filter(([root]) => root !== "tool" && root !== "now")
    .map(([root, type]) => [root, schemaOf(type).optional()]),
);

const testFile = z
  .array(
    z.strictObject({
      name: z.string().min(1).max(200),
      call: z.strictObject({
        tool: z.string().min(1).max(64),
        ...CONTEXT_SCHEMAS,
        input: z.record(z.string(), z.json()).optional(),
        now: z.iso.datetime({ offset: true }).optional(),
      }),
      expect: expectation,
    }),
  )
  .min(1)
  .max(2000);

/** A fact that is misspelt would make a test that tests nothing: all are held to their types. */
function schemaOf(type: FieldType): z.ZodType {
  switch (type.kind) {
    case "string":
      return type.values === undefined ? z.string() : z.enum(["", ...type.values]);
    case "int":
      return z.int();
    case "bool":
      return z.boolean();
    case "double":
      return z.number();
    case "list":
      return z.array(schemaOf(type.of));
    case "map":
      return z.record(z.string(), schemaOf(type.of));
    case "object":
      return z
        .strictObject(
          Object.fromEntries(
            Object.entries(type.fields).map(([name, field]) => [name, schemaOf(field)]),
          ),
        )
        .partial();
    case "json":
    case "timestamp":
    case "duration":
      break;
  }
  return z.json();
}

/**
 * Reads policy tests. Pure.
 * @throws {GuvnorError} `config_invalid` with file, line and column and the nearest name.
 */
export function loadPolicyTests(
  source: string,
  fileName: string,
  policy: CompiledPolicy,
): PolicyTest[] {
  const yaml = readYaml(source, fileName);
  const cases = parseFile(testFile, yaml);
  const problems: ConfigProblem[] = [];
  const tests = cases.map(({ name, call, expect }, index): PolicyTest => {
    const { tool, now, ...facts } = call;
    problems.push(...unknownNames(policy, yaml, { index, tool, expect }));
    return {
      name,
      place: yaml.place([index]),
      tool,
      facts: now === undefined ? facts : { ...facts, nowMs: fromIso(now) },
      expect,
    };
  });
  if (problems.length > 0) throw configInvalid(problems);
  return tests;
}

function unknownNames(
  policy: CompiledPolicy,
  yaml: YamlSource,
  test: {
    index: number;
    tool: string;
    expect: PolicyTest["expect"];
  },
): ConfigProblem[] {
  const problem = (path: YamlPath, message: string): ConfigProblem => {
    const full = [test.index, ...path];
    return { place: yaml.place(full), path: full.join("."), message };
  };
  const known = policy.tools.get(test.tool);
  if (known === undefined) {
    const near = didYouMean(test.tool, policy.tools.keys());
    return [problem(["call", "tool"], `no tool is called ${test.tool}${near}`)];
  }
  const input = schemaOf({ kind: "object", fields: known.tool.fields }).optional();
  const problems = findProblems(input, yaml, [test.index, "call", "input"]);
  const { rule } = test.expect;
  const ids = policy.rules.map(({ id }) => id);
  if (rule !== undefined && !rule.includes(":") && !ids.includes(rule)) {
    problems.push(problem(["expect", "rule"], `there is no rule ${rule}${didYouMean(rule, ids)}`));
  }
  return problems;
}

/** Decides each call and compares. */
export function runPolicyTests(
  policy: CompiledPolicy,
  tests: readonly PolicyTest[],
): PolicyTestResult[] {
  return tests.map(({ name, place, tool, facts, expect }) => {
    const decision = decide(policy, { tool, facts: withTier(facts) });
    const differences = [
      ...difference("effect", expect.effect, decision.effect),
      ...difference("rule", expect.rule ?? decision.rule, decision.rule),
    ];
    const passed = differences.length === 0;
    if (!passed) differences.push(`${decision.rule}: ${decision.reason}`);
    return { name, place, passed, differences, decision };
  });
}

/** A test may name the tier on either side. */
function withTier(facts: PolicyFacts): PolicyFacts {
  const tier = facts.tier ?? facts.agent?.tier;
  return tier === undefined ? facts : { ...facts, tier, agent: { tier, ...facts.agent } };
}

function difference(what: string, expected: string, got: string): string[] {
  return expected === got ? [] : [`${what}: expected ${expected}, got ${got}`];
}

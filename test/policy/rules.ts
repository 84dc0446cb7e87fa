import { toJSONSchema } from "zod";

import { GuvnorError } from "../../src/core/errors.ts";
import { fieldTypesOf } from "../../src/policy/field-types.ts";
import { loadPolicy } from "../../src/policy/load-policy.ts";
import type { ToolType } from "../../src/policy/tool-types.ts";
import { TOOLS } from "../../src/tools/index.ts";

/** guvnor's own tools, as rules know them, and one operation of people. */
export const TOOL_TYPES: readonly ToolType[] = [
  ...TOOLS.map((tool) => ({
    name: tool.name,
    class: tool.class,
    fields: fieldTypesOf(toJSONSchema(tool.input, { io: "input" })),
    registers: tool.registers,
  })),
  { name: "policy_apply", class: "person", fields: { source: { kind: "string" } } },
];

/** Settings with these rules, each a YAML flow map or the lines of a block map. */
export function withRules(...rules: readonly string[]): string {
  const items = rules.map((rule) => `    - ${rule.trimStart().replaceAll("\n", "\n      ")}`);
  return `version: 1\nprofile: open\npolicy:\n  rules:\n${items.join("\n")}\n`;
}

export function policyWith(...rules: readonly string[]): ReturnType<typeof loadPolicy>["policy"] {
  return loadPolicy(withRules(...rules), "guvnor.yaml", TOOL_TYPES).policy;
}

/** What was wrong with a file, each problem in one line; empty where nothing is. */
export function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (!(error instanceof GuvnorError) || error.code !== "config_invalid") throw error;
    return error.details?.["problems"] as readonly string[];
  }
}

import type { PolicyLimit, PolicyRule } from "../core/policy-rules.ts";
import type { ProjectSettings, TierSettings } from "../core/settings.ts";
import { configInvalid, type ConfigProblem } from "./config-invalid.ts";
import type { Root } from "./context-fields.ts";
import { compileExpression, type CompiledExpression } from "./expression/compile-expression.ts";
import { createEnvironment, type ExpressionEnvironment } from "./expression/environment.ts";
import { ExpressionProblem } from "./expression/expression-problem.ts";
import type { FactClass } from "./expression/fact-object.ts";
import type { Path } from "./expression/paths.ts";
import type { PlaceOf } from "./load-settings.ts";
import { matchTools, type ToolType, uniteFields, unknownTool } from "./tool-types.ts";

export interface CompiledRule extends PolicyRule {
  /** In the order of the file, from 0. */
  readonly order: number;
  /** Null: it always holds. */
  readonly condition: CompiledExpression | null;
  /** Makes the facts that the condition sees; the same one for rules of the same tools. */
  readonly Facts: FactClass;
  readonly needs: ReadonlySet<Root>;
  readonly paths: readonly Path[];
}

export interface CompiledTool {
  readonly tool: ToolType;
  /** Only those whose `on` means this tool, in order. */
  readonly rules: readonly CompiledRule[];
  /** What the facts of a decision need to hold for them. */
  readonly needs: ReadonlySet<Root>;
  /** Those that count its calls, errors or denials, and all that do not count by tool. */
  readonly limits: readonly PolicyLimit[];
}

/** Settings, ready to decide. */
export interface CompiledPolicy {
  readonly default: "allow" | "deny";
  readonly tiers: TierSettings;
  readonly rules: readonly CompiledRule[];
  readonly tools: ReadonlyMap<string, CompiledTool>;
}

/**
 * Compiles the rules of settings and holds them to the tools there are.
 * @param tools - All of them, and the operations of people.
 * @param placeOf - Where each item stands in its file, for messages; without it the item is named.
 * @throws {GuvnorError} `config_invalid`: the message names the first problem, `details.problems`
 *   up to 20, each with file, line and column and the nearest name.
 */
export function compilePolicy(
  settings: Pick<ProjectSettings, "policy" | "limits" | "tiers">,
  tools: readonly ToolType[],
  placeOf: PlaceOf = () => "",
): CompiledPolicy {
  const problems: ConfigProblem[] = [];
  const environments = new Map<string, ToolSet>();
  const matched = new Map<string, CompiledRule[]>(tools.map(({ name }) => [name, []]));
  const rules: CompiledRule[] = [];
  for (const [order, rule] of settings.policy.rules.entries()) {
    problems.push(...toolProblems("rules", rule, tools, placeOf));
    const names = matchTools(rule.on, tools);
    const set = toolSet(environments, names, tools);
    const condition = compileRule(rule, set, { placeOf, problems });
    const compiled: CompiledRule = {
      ...rule,
      order,
      condition,
      Facts: set.environment.Facts,
      needs: condition?.needs ?? new Set(),
      paths: condition?.paths ?? [],
    };
    rules.push(compiled);
    for (const { name } of names) matched.get(name)?.push(compiled);
  }
  for (const limit of settings.limits) {
    problems.push(...toolProblems("limits", limit, tools, placeOf));
  }
  if (problems.length > 0) throw configInvalid(problems);
  return {
    default: settings.policy.default,
    tiers: settings.tiers,
    rules,
    tools: new Map(
      tools.map((tool) => {
        const own = matched.get(tool.name) ?? [];
        const limits = settings.limits.filter(({ on }) => matchTools(on, [tool]).length > 0);
        const needs = new Set(own.flatMap((rule) => [...rule.needs]));
        return [tool.name, { tool, rules: own, needs, limits }];
      }),
    ),
  };
}

/** An environment, and the arguments that its tools disagree about. */
interface ToolSet {
  readonly environment: ExpressionEnvironment;
  readonly conflicts: ReadonlyMap<string, string>;
}

function toolSet(
  known: Map<string, ToolSet>,
  names: readonly ToolType[],
  tools: readonly ToolType[],
): ToolSet {
  const key = names.map(({ name }) => name).join(" ");
  const found = known.get(key);
  if (found !== undefined) return found;
  const { fields, conflicts } = uniteFields(names);
  const made = {
    environment: createEnvironment(
      fields,
      tools.map(({ name }) => name),
    ),
    conflicts: new Map(conflicts.map(({ name, message }) => [`input.${name}`, message])),
  };
  known.set(key, made);
  return made;
}

function compileRule(
  rule: PolicyRule,
  { environment, conflicts }: ToolSet,
  { placeOf, problems }: { placeOf: PlaceOf; problems: ConfigProblem[] },
): CompiledExpression | null {
  if (rule.when === null) return null;
  try {
    return compileExpression(rule.when, environment);
  } catch (error) {
    if (!(error instanceof ExpressionProblem)) throw error;
    const [, named] = /^there is no (input\.\w+)/.exec(error.message) ?? [];
    const message = (named === undefined ? undefined : conflicts.get(named)) ?? error.message;
    const place = placeOf("rules", rule.id, ["when"], error.offset);
    const column = place === "" ? `:${error.offset + 1}` : "";
    problems.push({ place, path: `policy.rules.${rule.id}.when${column}`, message });
    return null;
  }
}

function toolProblems(
  list: "rules" | "limits",
  { id, on }: PolicyRule | PolicyLimit,
  tools: readonly ToolType[],
  placeOf: PlaceOf,
): ConfigProblem[] {
  const unknown = unknownTool(on, tools);
  if (unknown === undefined) return [];
  const path = `${list === "rules" ? "policy.rules" : list}.${id}.on`;
  return [{ place: placeOf(list, id, ["on", unknown.index]), path, message: unknown.message }];
}

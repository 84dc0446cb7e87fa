import { didYouMean } from "../core/nearest-name.ts";
import type { ToolClass } from "../core/settings.ts";
import { type FieldType, typeText, unite } from "./field-types.ts";

/** What rules may know of a tool, or of an operation that only people can ask. */
export interface ToolType {
  readonly name: string;
  readonly class: ToolClass | "person";
  /** Its arguments; `fieldTypesOf` makes them of its JSON Schema. */
  readonly fields: Readonly<Record<string, FieldType>>;
  /** A call of it gives the agent its tier, so no tier can forbid it. */
  readonly registers?: true | undefined;
}

/**
 * The tools that a list of names and globs means. `*` alone stands for all that agents call: what
 * only people can ask has to be named, or no rule by mistake locks the people out.
 */
export function matchTools(on: readonly string[], tools: readonly ToolType[]): ToolType[] {
  const patterns = on.map(patternOf);
  const forAll = on.includes("*");
  return tools.filter(
    (tool) =>
      (forAll && tool.class !== "person") ||
      patterns.some((pattern, index) => on[index] !== "*" && pattern.test(tool.name)),
  );
}

/** The first entry that means no tool, with the nearest name. */
export function unknownTool(
  on: readonly string[],
  tools: readonly ToolType[],
): { readonly index: number; readonly message: string } | undefined {
  const index = on.findIndex((glob) => matchTools([glob], tools).length === 0);
  const glob = on[index];
  if (glob === undefined) return undefined;
  const near = didYouMean(
    glob,
    tools.map(({ name }) => name),
  ); // oxfmt keeps it on a line
  return { index, message: `no tool is called ${glob}${near}` };
}

/** Names are plain (the schema says so): only the star has a meaning. */
function patternOf(glob: string): RegExp {
  return new RegExp(`^${glob.split(/\*+/).join("[a-z0-9_]*")}$`);
}

/** An argument that tools have under one name with different types; a rule cannot name it. */
export interface FieldConflict {
  readonly name: string;
  readonly message: string;
}

/** The arguments that a rule for these tools may name: all that one of them has. */
export function uniteFields(tools: readonly ToolType[]): {
  readonly fields: Readonly<Record<string, FieldType>>;
  readonly conflicts: readonly FieldConflict[];
} {
  const owners = new Map<string, { type: FieldType; tool: string }>();
  const conflicts = new Map<string, FieldConflict>();
  for (const tool of tools) {
    for (const [name, type] of Object.entries(tool.fields)) {
      const known = owners.get(name);
      const united = known === undefined ? type : unite(known.type, type);
      if (known !== undefined && united === undefined) {
        const message = `input.${name} is ${typeText(known.type)} in ${known.tool} and ${typeText(type)} in ${tool.name}: name one of them under on`;
        conflicts.set(name, { name, message });
      } else if (united !== undefined) {
        owners.set(name, { type: united, tool: known?.tool ?? tool.name });
      }
    }
  }
  const fields = [...owners].filter(([name]) => !conflicts.has(name));
  return {
    fields: Object.fromEntries(fields.map(([name, { type }]) => [name, type])),
    conflicts: [...conflicts.values()],
  };
}

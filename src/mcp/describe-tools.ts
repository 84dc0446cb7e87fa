import type { Tool } from "@modelcontextprotocol/server";
import { toJSONSchema, type z } from "zod";

import type { ToolDefinition } from "../tools/define-tool.ts";

type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * How every refusal and error is told from an answer; clients check structuredContent against it. Said
 * with each tool, so it says no more than it must.
 */
const ERROR_SCHEMA = { type: "object", required: ["code", "message", "fix"] };

/** A tool as `tools/list` shows it. */
export function describeTool(tool: ToolDefinition): Tool {
  const { name, title, description, hints } = tool;
  return {
    name,
    title,
    description,
    inputSchema: inputSchemaOf(tool),
    outputSchema: outputSchemaOf(tool),
    annotations: {
      title,
      readOnlyHint: hints.readOnly,
      destructiveHint: hints.destructive,
      idempotentHint: hints.idempotent,
      openWorldHint: hints.openWorld,
    },
    ...(tool.alwaysLoad && { _meta: { "anthropic/alwaysLoad": true } }),
  };
}

function inputSchemaOf(tool: ToolDefinition): Tool["inputSchema"] {
  const { $schema: _, ...schema } = toJSONSchema(tool.input, {
    io: "input",
    override: leaveLengthsOut,
  });
  return asPublished({ ...schema, additionalProperties: false });
}

/** Answers may gain parts, such as an inbox, so the published shape of a success stays open. */
function outputSchemaOf(tool: ToolDefinition): Tool["inputSchema"] {
  const success = toJSONSchema(tool.output, { io: "output", override: leaveOpen });
  const { $schema: _, $defs, ...schema } = success;
  // References start at the root of the whole schema.
  return asPublished({ anyOf: [schema, ERROR_SCHEMA], ...($defs !== undefined && { $defs }) });
}

/** Two names for JSON Schema: zod's and the SDK's. */
function asPublished(schema: object): Tool["inputSchema"] {
  return { ...schema, type: "object" };
}

/**
 * How long a text may be is checked, and said to whoever exceeds it. No model counts characters, and all
 * of these numbers together would cost each of them as much as two more tools.
 */
function leaveLengthsOut({ jsonSchema }: { readonly jsonSchema: JsonSchema }): void {
  delete jsonSchema.maxLength;
}

function leaveOpen({ jsonSchema }: { readonly jsonSchema: JsonSchema }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  // That names are strings goes without saying.
  delete jsonSchema.propertyNames;
}

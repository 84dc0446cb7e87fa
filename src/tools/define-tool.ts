import type { z } from "zod";

import type { Operation, OperationClass } from "../engine/operation.ts";

/** Sets of tools that are switched on together (GUVNOR_TOOLSETS); the others need not burden a model. */
export const TOOLSETS = ["core", "coordination", "workflow"] as const;

export type Toolset = (typeof TOOLSETS)[number];

/** All four are stated for each tool: clients treat an absent hint as the dangerous one. */
interface ToolHints {
  readonly readOnly: boolean;
  readonly destructive: boolean;
  readonly idempotent: boolean;
  readonly openWorld: boolean;
}

/** One MCP tool: data and a handler, nothing of the SDK. */
export interface ToolDefinition<Input = unknown> extends Operation<Input> {
  readonly class: Exclude<OperationClass, "person">;
  readonly title: string;
  /** Said to the model; what matters comes first. */
  readonly description: string;
  readonly output: z.ZodType;
  readonly hints: ToolHints;
  readonly toolset: Toolset;
  /** The tools of the main loop are shown to the model without a search. */
  readonly alwaysLoad: boolean;
}

/** Ties the handler's input to the schema. */
export function defineTool<Input>(tool: ToolDefinition<Input>): ToolDefinition {
  return tool;
}

import { z } from "zod";

import { withoutSealed } from "../core/sealed-fields.ts";
import { fieldTypesOf } from "../policy/field-types.ts";
import type { ToolType } from "../policy/tool-types.ts";
import type { Operation } from "./operation.ts";

/** The tools as rules see them; made when the first rules are compiled, as it takes a while. */
export function createToolTypes(tools: readonly Operation[]): () => readonly ToolType[] {
  let made: readonly ToolType[] | undefined;
  return () =>
    (made ??= tools.map(({ name, class: toolClass, input, registers }) => ({
      name,
      class: toolClass,
      // What a rule says of a sealed argument would tell what it is.
      fields: withoutSealed(name, fieldTypesOf(z.toJSONSchema(input, { io: "input" }))),
      registers,
    })));
}

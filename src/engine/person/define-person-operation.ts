import type { z } from "zod";

import type { CallContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import type { Operation, Outcome, PrepareContext } from "../operation.ts";

/** Something that only people may do: the CLI asks for it, and no agent is offered it as a tool. */
export function definePersonOperation<Input>(operation: {
  readonly name: string;
  readonly input: z.ZodType<Input>;
  readonly prepare?: (ctx: PrepareContext, input: Input) => Promise<JsonObject>;
  readonly handle: (ctx: CallContext, input: Input) => Promise<Outcome>;
}): Operation {
  return { ...operation, class: "person" };
}

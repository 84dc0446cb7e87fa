import type { Operation } from "../operation.ts";

/** Ties the handler's input to the schema. */
export function personOperation<Input>(operation: Omit<Operation<Input>, "class">): Operation {
  // The governed call parses with `input` before `handle`, so the erased type is sound.
  return { ...operation, class: "person" } as unknown as Operation;
}

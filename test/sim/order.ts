import type { CallAnswer, JsonObject } from "../../src/engine/call.ts";
import type { Machine } from "./machine.ts";
import type { SimProcess } from "./sim-process.ts";

export interface Person {
  readonly machine: Machine;
  readonly process: SimProcess;
  readonly name: string;
}

/** A command of a person's. */
export async function order(
  person: Person,
  operation: string,
  args: JsonObject,
): Promise<CallAnswer | undefined> {
  return await person.process.call({
    who: `${person.name} (person)`,
    operation,
    args,
    caller: { kind: "person", channel: "cli", name: person.name, verified: true },
  });
}

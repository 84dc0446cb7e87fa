import type { Agent } from "../core/agent.ts";
import type { CallContext, WriteContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import type { Call } from "./read-call.ts";
import { actorOf } from "./record-call.ts";

/** A call as its handler sees it. @param facts - What was found outside, or what was approved with it. */
export function contextOf(
  write: WriteContext,
  { call, agent }: { readonly call: Call; readonly agent: Agent | undefined },
  facts: JsonObject,
): CallContext {
  const { callId, incoming } = call;
  const actor = actorOf(incoming, agent);
  return { ...write, callId, caller: incoming.caller, agent, actor, facts };
}

/** Does it and undoes it. @throws What it is refused with. */
export async function tryOut(
  ctx: CallContext,
  work: (ctx: CallContext) => Promise<unknown>,
): Promise<void> {
  await ctx.tx.savepoint(async () => {
    await work({ ...ctx, effects: [] });
    return { keep: false, value: undefined };
  });
}

import type { WriteContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";

/** Something that people outside are to be told; channels deliver it from here. */
export async function emitEvent(ctx: WriteContext, kind: string, body: JsonObject): Promise<void> {
  const number = await ctx.tx.nextNumber("event");
  await ctx.tx.outbox.insert({ number, kind, body, atMs: ctx.nowMs });
}

import type { CallContext } from "./call-context.ts";

/** Who says something to agents. No agent's name has a colon, so none can pass for a person. */
export function speakerOf(ctx: Pick<CallContext, "agent" | "actor">): string {
  return ctx.agent === undefined ? `person:${ctx.actor}` : ctx.agent.name;
}

import { revokeToken } from "../../core/token.ts";
import type { NamedToken } from "../../store/store.ts";
import type { WriteContext } from "../call-context.ts";
import { sendToInbox } from "../inbox.ts";
import { forgetUse } from "./limits.ts";
import { emitEvent } from "./outbox.ts";
import { takeTasks } from "./take-tasks.ts";
import { shortOf, tokenOf } from "./tokens.ts";

/**
 * Takes an agent's token and its tasks: from its next call on it is refused, and others can go on
 * with what it held. Other agents of its connection are left alone.
 * @returns False where it was revoked already, or is not known.
 */
export async function revokeAgent(ctx: WriteContext, name: string, why: string): Promise<boolean> {
  const agent = await ctx.tx.agents.get(name);
  if (agent === undefined || agent.state === "revoked") return false;
  for (const named of await ctx.tx.tokens.ofAgent(name)) {
    const token = revokeToken(named.token, why, ctx.nowMs);
    if (token !== named.token) await ctx.tx.tokens.save({ ...named, token });
  }
  await ctx.tx.agents.save({ ...agent, state: "revoked" });
  ctx.effects.push({ type: "agent", id: name, event: "revoked", why });
  await takeTasks(ctx, name, why);
  await emitEvent(ctx, "agent_revoked", { agent: name, why });
  ctx.tx.wake();
  return true;
}

/** A credential, and all agents that go by it. @returns Their names. */
export async function revokeEnrolment(
  ctx: WriteContext,
  enrolment: NamedToken,
  why: string,
): Promise<readonly string[]> {
  const token = revokeToken(enrolment.token, why, ctx.nowMs);
  await ctx.tx.tokens.save({ ...enrolment, token });
  const { name } = enrolment;
  ctx.effects.push({ type: "token", id: shortOf(token), event: "revoked", name });
  const agents = [];
  for (const agent of await ctx.tx.agents.list()) {
    const own = await tokenOf(ctx.tx, agent);
    if (own?.token.parent !== token.hash) continue;
    await revokeAgent(ctx, agent.name, why);
    agents.push(agent.name);
  }
  return agents;
}

/** A person gives it back: it may call again, and starts with nothing. */
export async function restoreAgent(ctx: WriteContext, name: string, by: string): Promise<void> {
  const agent = await ctx.tx.agents.get(name);
  if (agent?.state !== "revoked") return;
  // Without a token of its own it gets a new one at its next call.
  await ctx.tx.agents.save({ ...agent, state: "offline", tokenHash: null });
  await forgetUse(ctx, name);
  ctx.effects.push({ type: "agent", id: name, event: "restored", by });
  await sendToInbox(ctx, {
    to: name,
    from: by,
    kind: "message",
    subject: null,
    text: "You may work again: call request_task.",
  });
}

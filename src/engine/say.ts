import { GuvnorError } from "../core/errors.ts";
import { isAgentName, parseId } from "../core/ids.ts";
import { appendNote } from "./append-note.ts";
import { callingPerson, type CallContext } from "./call-context.ts";
import { requireTask } from "./find-rows.ts";
import { sendToInbox } from "./inbox.ts";
import { isPresent } from "./is-present.ts";
import type { Outcome } from "./operation.ts";
import { present } from "./task-view.ts";

export interface Saying {
  /** An agent, a task (T12), everybody (#all) or all of one role (#reviewer). */
  readonly to: string;
  readonly text: string;
}

/** A person's word, which rides on the agents' next answers. */
export async function say(ctx: CallContext, saying: Saying): Promise<Outcome> {
  callingPerson(ctx);
  if (parseId("task", saying.to) !== undefined) return await sayToTask(ctx, saying);
  const names = saying.to.startsWith("#")
    ? await channelMembers(ctx, saying.to)
    : [await requireAgent(ctx, saying.to)];
  const subject = saying.to.startsWith("#") ? saying.to : null;
  await deliver(ctx, names, { subject, text: saying.text });
  return { answer: { delivered_to: names }, target: saying.to };
}

/** To its holder; where nobody is there to hear it, it waits in the task's notes for the next one. */
async function sayToTask(ctx: CallContext, { to, text }: Saying): Promise<Outcome> {
  const task = await requireTask(ctx, to);
  const { holder } = task;
  if (holder !== null) await deliver(ctx, [holder], { subject: task.id, text });
  const isHeard = holder !== null && (await isPresent(ctx, holder));
  if (!isHeard) await appendNote(ctx, task, { from: ctx.actor, text });
  return {
    target: task.id,
    answer: present({
      delivered_to: holder === null ? [] : [holder],
      noted: isHeard ? null : task.id,
    }),
  };
}

async function deliver(
  ctx: CallContext,
  names: readonly string[],
  { subject, text }: { subject: string | null; text: string },
): Promise<void> {
  const from = ctx.actor;
  for (const to of names) await sendToInbox(ctx, { to, from, kind: "message", subject, text });
}

async function channelMembers(ctx: CallContext, channel: string): Promise<readonly string[]> {
  const role = channel.slice(1);
  const agents = (await ctx.tx.agents.list()).filter(
    (agent) => role === "all" || agent.role === role,
  );
  if (agents.length > 0) return agents.map(({ name }) => name);
  throw new GuvnorError(
    "agent_unknown",
    role === "all" ? "No agent is registered." : `No agent has the role "${role.slice(0, 64)}".`,
    'Use "#all" for every agent, or an agent\'s name.',
  );
}

async function requireAgent(ctx: CallContext, name: string): Promise<string> {
  if (isAgentName(name) && (await ctx.tx.agents.get(name)) !== undefined) return name;
  throw new GuvnorError(
    "agent_unknown",
    `No agent is called "${name.slice(0, 64)}".`,
    'Name a registered agent, a task such as T12, or "#all".',
  );
}

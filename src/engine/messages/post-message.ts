import type { Agent } from "../../core/agent.ts";
import { addressIn, channelOf, isPerson, textOfAddress, type Address } from "../../core/channel.ts";
import { MAX_UNREAD, recipientsOf } from "../../core/delivery.ts";
import { GuvnorError } from "../../core/errors.ts";
import { formatId } from "../../core/ids.ts";
import type { Post } from "../../core/message.ts";
import type { WriteContext } from "../call-context.ts";
import { whoMayRead } from "./may-read.ts";

interface Said {
  readonly address: Address;
  /** The agent that calls, or "person:pat". */
  readonly from: string;
  readonly text: string;
  readonly replyTo: string | null;
}

/** What became of a post. */
interface Posted {
  readonly post: Post;
  readonly deliveredTo: readonly string[];
  /** Members that read nothing: too much waits for them already. */
  readonly full: readonly string[];
  /** Members that a rule does not let read this channel. */
  readonly denied: readonly string[];
}

/**
 * Stores a post and puts its delivery into the inbox of each member. Only what agents say is bounded.
 * @throws {GuvnorError} `limited` or `policy_denied` where that leaves nobody who gets it.
 */
export async function postMessage(
  ctx: WriteContext,
  { address, from, text, replyTo }: Said,
): Promise<Posted> {
  const { tx, nowMs } = ctx;
  const channel = channelOf(address, from);
  const found = recipientsOf({
    address,
    from,
    members: await concerned(ctx, address),
    agents: await candidates(ctx, address),
    nowMs,
  });
  const sorted = await sortOut(ctx, found, { address, channel, from });
  const post: Post = {
    id: formatId("message", await tx.nextNumber("message")),
    channel,
    from,
    text,
    replyTo,
    atMs: nowMs,
  };
  await tx.posts.insert(post);
  const deliveredTo = namesOf(sorted.open);
  for (const agent of deliveredTo) {
    const subject = address.kind === "agent" ? null : addressIn(channel, agent);
    await tx.messages.deliver(post, { agent, subject });
  }
  const { full, denied } = { full: namesOf(sorted.full), denied: namesOf(sorted.denied) };
  ctx.effects.push({
    type: "message",
    id: post.id,
    event: "sent",
    channel,
    from,
    characters: text.length,
    to: deliveredTo,
    ...(full.length === 0 ? {} : { full }),
    ...(denied.length === 0 ? {} : { denied }),
  });
  tx.wake();
  return { post, deliveredTo, full, denied };
}

interface Sorted {
  readonly open: readonly Agent[];
  readonly full: readonly Agent[];
  readonly denied: readonly Agent[];
}

async function sortOut(
  ctx: WriteContext,
  found: readonly Agent[],
  { address, channel, from }: { address: Address; channel: string; from: string },
): Promise<Sorted> {
  const sorted = { open: [] as Agent[], full: [] as Agent[], denied: [] as Agent[] };
  const mayRead = await whoMayRead(ctx);
  for (const agent of found) {
    if (!(await mayRead(agent, { channel, from }))) sorted.denied.push(agent);
    else if (!isPerson(from) && (await isFull(ctx, agent))) sorted.full.push(agent);
    else sorted.open.push(agent);
  }
  if (sorted.open.length > 0 || found.length === 0) return sorted;
  const to = textOfAddress(address);
  if (sorted.full.length > 0) throw unread(to, namesOf(sorted.full));
  const fix = "Say it where they may read, or ask a person with request_escalation.";
  throw new GuvnorError("policy_denied", `No rule lets anybody read it who is at ${to}.`, fix);
}

async function isFull({ tx }: WriteContext, { name }: Agent): Promise<boolean> {
  return (await tx.messages.countWaiting(name, MAX_UNREAD)) >= MAX_UNREAD;
}

function unread(to: string, names: readonly string[]): GuvnorError {
  return new GuvnorError(
    "limited",
    `${MAX_UNREAD} messages wait unread for everybody at ${to}.`,
    "Go on without an answer, or ask a person with request_escalation.",
    { details: { unread: MAX_UNREAD, agents: names.slice(0, 20) } },
  );
}

async function candidates({ tx }: WriteContext, address: Address): Promise<readonly Agent[]> {
  if (address.kind !== "agent") return await tx.agents.list();
  const agent = await tx.agents.get(address.name);
  return agent === undefined ? [] : [agent];
}

/** Whoever joined; of a thread also those whom its task or topic concerns. */
async function concerned({ tx }: WriteContext, address: Address): Promise<ReadonlySet<string>> {
  if (address.kind === "agent" || address.kind === "person") return new Set();
  const joined = await tx.members.of(textOfAddress(address));
  if (address.kind === "channel") return new Set(joined);
  if (address.kind === "task") {
    const task = await tx.tasks.get(address.id);
    return new Set([...joined, task?.holder ?? "", task?.createdBy ?? ""]);
  }
  const topic = await tx.topics.get(address.id);
  return new Set([...joined, ...(topic?.electorate ?? []), topic?.openedBy ?? ""]);
}

function namesOf(agents: readonly Agent[]): string[] {
  return agents.map(({ name }) => name);
}

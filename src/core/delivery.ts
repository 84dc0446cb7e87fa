import type { Agent } from "./agent.ts";
import { EVERYBODY, type Address } from "./channel.ts";
import { slugName } from "./ids.ts";

/** An agent that reads nothing gets no more than this; its senders are told. */
export const MAX_UNREAD = 1000;
/** Whoever was not heard of for so long is no member of a channel any more. */
const FORGOTTEN_MS = 7 * 24 * 3_600_000;

/** When a delivery was first given, in numbers of readings: by any, and by one of all channels. */
export interface Given {
  readonly channel: string;
  readonly in: number;
  readonly inAll: number | null;
}

/** Deliveries up to one that an agent has taken in: those that it must have seen with it. */
export interface Seen {
  readonly channel: string | undefined;
  /** First given by this reading or an earlier one: of that channel, or of all where none is named. */
  readonly reading: number;
}

/**
 * What `after` acknowledges. A reading gives the oldest first and leaves nothing out of what it looks at. So
 * whoever has seen a message has seen with it all older ones that were given no later; of other
 * channels only where all were read. What came in an answer that was lost, and in no other, stays.
 */
export function seenWith(last: Given, channel: string | undefined): Seen {
  return channel === undefined && last.inAll !== null
    ? { channel: undefined, reading: last.inAll }
    : { channel: last.channel, reading: last.in };
}

/** What is known of a channel when something is said in it. */
interface Membership {
  readonly address: Address;
  readonly from: string;
  /** Those who joined, and those whom the task or topic concerns. */
  readonly members: ReadonlySet<string>;
  readonly agents: readonly Agent[];
  readonly nowMs: number;
}

/** Whom a post is for; never the one who says it. */
export function recipientsOf(known: Membership): readonly Agent[] {
  const { agents, from, nowMs } = known;
  return agents.filter(
    (agent) =>
      agent.name !== from &&
      agent.state !== "revoked" &&
      isMember(agent, known) &&
      (known.address.kind === "agent" || nowMs - agent.lastSeenMs < FORGOTTEN_MS),
  );
}

function isMember({ name, role }: Agent, { address, members }: Membership): boolean {
  if (address.kind === "agent") return address.name === name;
  if (members.has(name)) return true;
  if (address.kind !== "channel") return false;
  if (address.name === EVERYBODY) return true;
  // Roles are written freely: "Lead reviewer" is in #lead-reviewer.
  return role !== null && address.name === `#${slugName(role)}`;
}

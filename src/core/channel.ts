import { isAgentName, parseId } from "./ids.ts";

/** Whom or what a message is for, as it is written: `ben`, `#build`, `T12`, `B1`. */
export type Address =
  /** What a person and an agent say to each other is read under the person's name. */
  | { readonly kind: "person"; readonly name: string }
  | { readonly kind: "agent"; readonly name: string }
  /** `#all`, all of a role, or whoever has joined. */
  | { readonly kind: "channel"; readonly name: string }
  /** The thread of a task or a topic. */
  | { readonly kind: "task" | "topic"; readonly id: string };

export const EVERYBODY = "#all";

const PERSON = "person:";
const CHANNEL = /^#[a-z0-9][a-z0-9._-]{0,62}$/;
/** Between the two names of a conversation; no agent's name has it. */
const AND = "+";

/** Every address has one spelling, so that a rule about it cannot be passed by another. */
export function parseAddress(text: string): Address | undefined {
  if (isPerson(text)) return { kind: "person", name: text };
  if (CHANNEL.test(text)) return { kind: "channel", name: text };
  if (parseId("task", text) !== undefined) return { kind: "task", id: text };
  if (parseId("topic", text) !== undefined) return { kind: "topic", id: text };
  return isAgentName(text) ? { kind: "agent", name: text } : undefined;
}

/** How the address is written. */
export function textOfAddress(address: Address): string {
  return "name" in address ? address.name : address.id;
}

/** The channel that the address means to `self`: two who talk have one, whoever of them speaks. */
export function channelOf(address: Address, self: string): string {
  if (address.kind !== "agent" && address.kind !== "person") return textOfAddress(address);
  // An agent comes before a person, whose name may hold any character.
  const isFirst = address.kind === "person" || (isAgentName(self) && self < address.name);
  return isFirst ? `${self}${AND}${address.name}` : `${address.name}${AND}${self}`;
}

/** How `self` writes this channel. */
export function addressIn(channel: string, self: string): string {
  const at = channel.indexOf(AND);
  if (at < 0) return channel;
  const first = channel.slice(0, at);
  return first === self ? channel.slice(at + 1) : first;
}

export function isPerson(name: string): boolean {
  return name.startsWith(PERSON) && name.length > PERSON.length;
}

/** Who may read a conversation: the two. Undefined for a channel that anybody may read. */
export function partnersOf(channel: string): readonly [string, string] | undefined {
  const at = channel.indexOf(AND);
  return at < 0 ? undefined : [channel.slice(0, at), channel.slice(at + 1)];
}

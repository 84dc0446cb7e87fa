import type { Given, Seen } from "../core/delivery.ts";
import type { Message, Post } from "../core/message.ts";

export interface MessageTable {
  /** Unacknowledged ones for this agent, oldest first. */
  waiting(to: string, limit: number): Promise<Message[]>;
  /** Of those the deliveries of posts, of one channel if one is named, after an id. */
  waitingPosts(
    to: string,
    from: { readonly channel?: string | undefined; readonly afterId?: string | undefined },
    limit: number,
  ): Promise<Message[]>;
  /** How many wait for this agent, counted up to `max`. */
  countWaiting(to: string, max: number): Promise<number>;
  /** All deliveries of a post, in order of the recipient. */
  ofPost(id: string): Promise<Message[]>;
  /** A notice. */
  insert(message: Message): Promise<void>;
  /** A post's delivery; false where this agent had it already. */
  deliver(
    post: Post,
    to: { readonly agent: string; readonly subject: string | null },
  ): Promise<boolean>;
  /** An answer holds them; only the first reading of each kind is kept. */
  give(
    to: string,
    ids: readonly string[],
    reading: { readonly number: number; readonly isOfAll: boolean; readonly atMs: number },
  ): Promise<void>;
  /** How a delivery was given; undefined where it never was. */
  given(to: string, id: string): Promise<Given | undefined>;
  /** Unacknowledged ones up to this id that were seen with it, oldest first. */
  seen(to: string, upToId: string, seen: Seen): Promise<string[]>;
  acknowledge(to: string, ids: readonly string[], atMs: number): Promise<void>;
}

export interface PostTable {
  get(id: string): Promise<Post | undefined>;
  /** Newest first; of all channels where none is named. */
  list(channel: string | undefined, limit: number): Promise<Post[]>;
  insert(post: Post): Promise<void>;
}

export interface MemberTable {
  /** Agents that joined a channel, in order of name. */
  of(channel: string): Promise<string[]>;
  has(channel: string, agent: string): Promise<boolean>;
  add(channel: string, agent: string, atMs: number): Promise<void>;
}

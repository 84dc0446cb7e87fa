import { addressIn, partnersOf } from "../../src/core/channel.ts";
import type { JsonObject } from "../../src/engine/call.ts";
import type { ReadTx } from "../../src/store/store.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Effect, Entry, TaskModel, TopicModel } from "./task-model.ts";

/** Messages that an answer holds at most. */
const ROWS = 20;
const ALL = 100_000;

interface PostModel {
  readonly id: string;
  readonly channel: string;
  readonly from: string;
  readonly text: string;
}

/** Places in the ledger. */
interface DeliveryModel {
  readonly post: PostModel;
  readonly deliveredAt: number;
  acknowledgedAt: number | undefined;
  /** Some answer that held it has arrived. */
  isSeen: boolean;
}

interface Ledger {
  readonly entries: readonly Entry[];
  readonly tasks: ReadonlyMap<string, TaskModel>;
  readonly topics: ReadonlyMap<string, TopicModel>;
  readonly rules: { readonly revoked: ReadonlySet<string> };
}

/** What was said, as the ledger tells it, and what must hold of it. */
export class MessageModel {
  readonly posts = new Map<string, PostModel>();
  /** By agent: in order of delivery. */
  readonly #deliveries = new Map<string, Map<string, DeliveryModel>>();
  readonly #joined = new Map<string, Set<string>>();
  readonly #ledger: Ledger;
  readonly #chronicle: Chronicle;

  constructor(ledger: Ledger, chronicle: Chronicle) {
    this.#ledger = ledger;
    this.#chronicle = chronicle;
  }

  apply({ entry, args }: { entry: Entry; args: JsonObject }, effect: Effect): void {
    if (effect.type === "channel") {
      const agent = String(effect["agent"]);
      const before = this.#joined.get(effect.id) ?? new Set<string>();
      this.#joined.set(effect.id, before.add(agent));
      this.#chronicle.count("channel joined");
    } else if (effect.event === "sent") this.#send(entry, args, effect);
    else if (effect.event === "delivered") {
      for (const agent of namesOf(effect, "to")) this.#deliver(agent, this.posts.get(effect.id));
    } else if (effect.event === "given") this.#give(entry, effect);
    else if (effect.event === "acknowledged") this.#acknowledge(entry, effect);
  }

  /**
   * An answer of read_messages has arrived: it holds exactly what waited for the agent when it was
   * written, the oldest first, under the words that were sent.
   */
  arrived({ callId, body }: { callId: string; body: JsonObject }, args: JsonObject): void {
    const at = this.#ledger.entries.findLastIndex(({ call_id: id }) => id === callId);
    const agent = this.#ledger.entries[at]?.actor ?? "";
    const rows = body["messages"] as readonly JsonObject[];
    const mine = this.#deliveries.get(agent) ?? new Map<string, DeliveryModel>();
    const channel = args["channel"];
    const expected = [...mine.values()]
      .filter(
        ({ post, deliveredAt, acknowledgedAt = Infinity }) =>
          deliveredAt <= at &&
          acknowledgedAt > at &&
          (channel === undefined || addressIn(post.channel, agent) === channel),
      )
      .map(({ post }) => post)
      .toSorted((one, other) => numberOf(one.id) - numberOf(other.id))
      .slice(0, ROWS);
    const got = rows.map(({ id, from, body: text }) => ({
      id: String(id),
      from: String(from),
      text: String(text),
    }));
    if (listed(got) !== listed(expected)) {
      this.#chronicle.violate(
        "read_wrongly",
        `${agent}: ${listed(got)} and not ${listed(expected)}`,
      );
    }
    if (rows.some(({ again }) => again === true)) this.#chronicle.count("message given again");
    if (rows.length > 0) this.#chronicle.count("messages read");
    for (const { id } of got) {
      const delivery = mine.get(id);
      if (delivery !== undefined) delivery.isSeen = true;
    }
  }

  /** What nobody has acknowledged waits, and nothing else. */
  async check(tx: ReadTx): Promise<void> {
    const stored = (await tx.posts.list(undefined, ALL)).map(({ id }) => id).toReversed();
    const told = [...this.posts.keys()];
    if (stored.join() !== told.join()) {
      this.#chronicle.violate(
        "message_lost",
        `${told.join()} were sent, ${stored.join()} are there`,
      );
    }
    for (const [agent, mine] of this.#deliveries) {
      const waiting = (await tx.messages.waiting(agent, ALL))
        .filter(({ channel }) => channel !== null)
        .map(({ id }) => id);
      const expected = [...mine.values()]
        .filter(({ acknowledgedAt }) => acknowledgedAt === undefined)
        .map(({ post }) => post.id)
        .toSorted((one, other) => numberOf(one) - numberOf(other));
      if (waiting.join() === expected.join()) continue;
      const what = `${waiting.join()} wait for ${agent} and not ${expected.join()}`;
      this.#chronicle.violate("message_lost", what);
    }
  }

  #send(entry: Entry, args: JsonObject, effect: Effect): void {
    const channel = String(effect["channel"]);
    const post: PostModel = {
      id: effect.id,
      channel,
      from: String(effect["from"]),
      text: String(args["body"] ?? args["text"]),
    };
    const last = [...this.posts.keys()].at(-1);
    if (last !== undefined && numberOf(last) >= numberOf(post.id)) {
      this.#chronicle.violate("message_out_of_order", `${post.id} after ${last}`);
    }
    if (post.from !== entry.actor) {
      this.#chronicle.violate(
        "message_forged",
        `${post.id} of ${entry.actor} is from ${post.from}`,
      );
    }
    this.posts.set(post.id, post);
    this.#chronicle.count(`message to ${kindOf(channel)}`);
    const to = namesOf(effect, "to");
    for (const agent of to) this.#deliver(agent, post);
    const left = [...namesOf(effect, "full"), ...namesOf(effect, "denied")];
    const told = new Set([...to, ...left, post.from]);
    for (const member of this.#members(channel)) {
      if (told.has(member) || this.#ledger.rules.revoked.has(member)) continue;
      this.#chronicle.violate("message_not_delivered", `${post.id} to ${member} in ${channel}`);
    }
  }

  #deliver(agent: string, post: PostModel | undefined): void {
    if (post === undefined) return this.#chronicle.violate("message_of_nothing", agent);
    const isAll = post.channel === "#all";
    const isPartner = partnersOf(post.channel)?.includes(agent) ?? false;
    if (!isAll && !isPartner && !this.#members(post.channel).has(agent)) {
      this.#chronicle.violate("message_to_stranger", `${post.id} in ${post.channel} to ${agent}`);
    }
    if (agent === post.from) this.#chronicle.violate("message_to_itself", post.id);
    const mine = this.#deliveries.get(agent) ?? new Map<string, DeliveryModel>();
    if (mine.has(post.id)) this.#chronicle.violate("message_delivered_twice", post.id);
    const deliveredAt = this.#ledger.entries.length - 1;
    mine.set(post.id, { post, deliveredAt, acknowledgedAt: undefined, isSeen: false });
    this.#deliveries.set(agent, mine);
  }

  #give(entry: Entry, effect: Effect): void {
    if (this.#deliveries.get(entry.actor)?.has(effect.id) === true) return;
    this.#chronicle.violate("message_to_stranger", `${effect.id} is given to ${entry.actor}`);
  }

  #acknowledge(entry: Entry, effect: Effect): void {
    const delivery = this.#deliveries.get(entry.actor)?.get(effect.id);
    // A notice of guvnor's own.
    if (delivery === undefined) return;
    this.#chronicle.count("message acknowledged");
    delivery.acknowledgedAt = this.#ledger.entries.length - 1;
    const isShown = entry.action === "get_status" && delivery.post.from.startsWith("person:");
    if (isShown || delivery.isSeen) return;
    const what = `${effect.id} is acknowledged, and ${entry.actor} never saw it`;
    this.#chronicle.violate("message_lost", what);
  }

  /** Who must get what is said there. */
  #members(channel: string): Set<string> {
    const joined = this.#joined.get(channel) ?? new Set();
    const task = this.#ledger.tasks.get(channel);
    const topic = this.#ledger.topics.get(channel);
    const concerned = [
      task?.holder,
      task?.createdBy,
      topic?.openedBy,
      ...(topic?.electorate ?? []),
    ];
    const names = concerned.filter((name) => name !== undefined && name !== null);
    return new Set([
      ...joined,
      ...names.filter((name) => name !== "guvnor" && !name.includes(":")),
    ]);
  }
}

function listed(posts: readonly Omit<PostModel, "channel">[]): string {
  return posts.map(({ id, from, text }) => `${id} ${from} ${text}`).join(", ");
}

function kindOf(channel: string): string {
  if (partnersOf(channel) !== undefined) return "one";
  if (channel === "#all") return "all";
  return channel.startsWith("#") ? "a channel" : `a ${channel.startsWith("T") ? "task" : "topic"}`;
}

function namesOf(effect: Effect, name: string): readonly string[] {
  const found = effect[name];
  return Array.isArray(found) ? found.map(String) : [];
}

function numberOf(id: string): number {
  return Number(id.slice(1));
}

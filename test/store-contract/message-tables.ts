import { beforeEach, describe, expect, test } from "vitest";

import type { Post } from "../../src/core/message.ts";
import type { Scope, Store } from "../../src/store/store.ts";

const SCOPE: Scope = { tenant: "t", project: "p" };

function post(n: number, channel: string, replyTo: string | null = null): Post {
  return { id: `M${n}`, channel, from: "cleo", text: `text ${n}`, replyTo, atMs: n };
}

/** What each store promises of posts, deliveries and members. */
export function testMessageTables(open: () => Promise<Store>): void {
  describe("posts", () => {
    let store: Store;

    beforeEach(async () => {
      store = await open();
      return async () => await store.close();
    });

    test("a post is stored once and delivered to each of its recipients once", async () => {
      await store.write(SCOPE, async (tx) => {
        const posts = [post(1, "#a"), post(2, "#b"), post(3, "#a", "M1")];
        for (const each of posts) {
          await tx.posts.insert(each);
          const to = { agent: "ada", subject: each.channel };
          expect(await tx.messages.deliver(each, to)).toBe(true);
          expect(await tx.messages.deliver(each, to)).toBe(false);
        }
        expect(await tx.messages.deliver(post(1, "#a"), { agent: "bob", subject: null })).toBe(
          true,
        );
        expect(await tx.posts.get("M3")).toEqual(posts[2]);
        expect(await tx.posts.get("M9")).toBeUndefined();
        expect(ids(await tx.posts.list(undefined, 2))).toEqual(["M3", "M2"]);
        expect(ids(await tx.posts.list("#a", 9))).toEqual(["M3", "M1"]);
        expect(await tx.messages.waiting("ada", 9)).toEqual(
          posts.map(({ id, channel, from, text, replyTo, atMs }) => ({
            id,
            to: "ada",
            from,
            kind: "message",
            subject: channel,
            channel,
            replyTo,
            text,
            atMs,
            givenAtMs: null,
            acknowledgedAtMs: null,
          })),
        );
        expect((await tx.messages.ofPost("M1")).map(({ to }) => to)).toEqual(["ada", "bob"]);
        expect(await tx.messages.countWaiting("ada", 2)).toBe(2);
        expect(await tx.messages.countWaiting("ada", 9)).toBe(3);
        expect(await tx.messages.countWaiting("eve", 9)).toBe(0);
      });
    });

    test("deliveries come in order, of one channel or of all, until they are acknowledged", async () => {
      await store.write(SCOPE, async (tx) => {
        for (const n of [1, 2, 3, 4]) {
          const channel = n % 2 === 0 ? "#even" : "#odd";
          await tx.posts.insert(post(n, channel));
          await tx.messages.deliver(post(n, channel), { agent: "ada", subject: channel });
        }
        const posts = async (channel?: string, afterId?: string): Promise<string[]> =>
          ids(await tx.messages.waitingPosts("ada", { channel, afterId }, 9));
        expect(await posts()).toEqual(["M1", "M2", "M3", "M4"]);
        expect(await posts("#odd")).toEqual(["M1", "M3"]);
        expect(await posts("#even", "M2")).toEqual(["M4"]);
        expect(ids(await tx.messages.waitingPosts("ada", {}, 2))).toEqual(["M1", "M2"]);
        await tx.messages.acknowledge("ada", ["M1", "M9"], 9);
        expect(await posts()).toEqual(["M2", "M3", "M4"]);
        expect(await tx.messages.waiting("ada", 1)).toMatchObject([{ id: "M2", givenAtMs: null }]);
      });
    });

    test("what was given is remembered with its first reading, of any kind and of all channels", async () => {
      await store.write(SCOPE, async (tx) => {
        for (const n of [1, 2, 3, 4]) {
          const channel = n % 2 === 0 ? "#even" : "#odd";
          await tx.posts.insert(post(n, channel));
          await tx.messages.deliver(post(n, channel), { agent: "ada", subject: channel });
        }
        const give = async (given: string[], number: number, isOfAll: boolean): Promise<void> =>
          await tx.messages.give("ada", given, { number, isOfAll, atMs: number });
        expect(await tx.messages.given("ada", "M1")).toBeUndefined();
        await give(["M1", "M3"], 5, false);
        await give(["M1", "M2"], 6, true);
        await give(["M1"], 7, true);
        expect(await tx.messages.given("ada", "M1")).toEqual({ channel: "#odd", in: 5, inAll: 6 });
        expect(await tx.messages.given("ada", "M2")).toEqual({ channel: "#even", in: 6, inAll: 6 });
        expect(await tx.messages.given("ada", "M3")).toMatchObject({ in: 5, inAll: null });
        expect(await tx.messages.given("bob", "M1")).toBeUndefined();
        expect(await tx.messages.waiting("ada", 1)).toMatchObject([{ id: "M1", givenAtMs: 5 }]);
        const seen = async (upTo: string, reading: number, channel?: string): Promise<string[]> =>
          await tx.messages.seen("ada", upTo, { channel, reading });
        expect(await seen("M4", 6)).toEqual(["M1", "M2"]);
        expect(await seen("M1", 6)).toEqual(["M1"]);
        expect(await seen("M4", 5)).toEqual([]);
        expect(await seen("M4", 5, "#odd")).toEqual(["M1", "M3"]);
        expect(await seen("M4", 6, "#even")).toEqual(["M2"]);
        await tx.messages.acknowledge("ada", ["M1"], 9);
        expect(await seen("M4", 6)).toEqual(["M2"]);
        expect(await tx.messages.given("ada", "M1")).toBeDefined();
      });
    });

    test("agents join a channel once", async () => {
      await store.write(SCOPE, async (tx) => {
        await tx.members.add("#a", "bob", 1);
        await tx.members.add("#a", "ada", 2);
        await tx.members.add("#b", "cleo", 2);
        expect(await tx.members.of("#a")).toEqual(["ada", "bob"]);
        expect(await tx.members.has("#a", "ada")).toBe(true);
        expect(await tx.members.has("#b", "ada")).toBe(false);
      });
    });
  });
}

function ids(rows: readonly { id: string }[]): string[] {
  return rows.map((row) => row.id);
}

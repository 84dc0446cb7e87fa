import { formatId, parseId } from "../../core/ids.ts";
import type { Message, Post } from "../../core/message.ts";
import type { MemberTable, MessageTable, PostTable } from "../message-tables.ts";
import {
  IN_SCOPE,
  insert,
  number,
  numberOrNull,
  text,
  textOrNull,
  type Sql,
  type SqlParams,
  type SqlRow,
} from "../sql.ts";

/** A delivery has no body of its own. */
const POSTED = (column: string): string => `(select post.${column} from post
  where post.tenant = message.tenant and post.project = message.project and post.id = message.id
    and message.channel is not null)`;
const SELECT = `select message.*, coalesce(body, ${POSTED("body")}) as text,
  ${POSTED("reply_to")} as reply_to from message`;
const UNACKNOWLEDGED = `${IN_SCOPE} and recipient = @recipient and acknowledged_at_ms is null`;

const WAITING = `${SELECT} where ${UNACKNOWLEDGED} order by id limit @max_rows`;
const ANY_WAITING = `select id from message where ${UNACKNOWLEDGED} limit 1`;
const WAITING_POSTS = `${SELECT} where ${UNACKNOWLEDGED} and channel is not null and id > @after_id
  order by id limit @max_rows`;
const WAITING_IN_CHANNEL = `${SELECT} where ${UNACKNOWLEDGED} and channel = @channel and id > @after_id
  order by id limit @max_rows`;
const COUNT_WAITING = `select count(*) as found from
  (select 1 as one from message where ${UNACKNOWLEDGED} limit @max_rows) as those`;
const OF_POST = `${SELECT} where ${IN_SCOPE} and id = @id and channel is not null order by recipient`;
const GIVEN = `select channel, given_in, given_in_all from message
  where ${IN_SCOPE} and recipient = @recipient and id = @id and given_in is not null`;
const SEEN_IN_CHANNEL = `select id from message where ${UNACKNOWLEDGED} and id <= @up_to
  and channel = @channel and given_in <= @reading order by id`;
const SEEN_IN_ALL = `select id from message where ${UNACKNOWLEDGED} and id <= @up_to
  and given_in_all <= @reading order by id`;
const INSERT_MESSAGE = insert("message", [
  "tenant",
  "project",
  "id",
  "recipient",
  "sender",
  "kind",
  "subject",
  "channel",
  "body",
  "at_ms",
]);
const DELIVER = `${INSERT_MESSAGE} on conflict (tenant, project, id, recipient) do nothing`;
const GIVE = `update message set given_at_ms = coalesce(given_at_ms, @at_ms),
    given_in = coalesce(given_in, @reading), given_in_all = coalesce(given_in_all, @in_all)
  where ${IN_SCOPE} and recipient = @recipient and id = @id`;
const ACKNOWLEDGE = `update message set acknowledged_at_ms = @at_ms
  where ${IN_SCOPE} and recipient = @recipient and id = @id and acknowledged_at_ms is null`;

function numberOf(id: string): number {
  return parseId("message", id) ?? -1;
}

export function messageTable(sql: Sql): MessageTable {
  return {
    ...readings(sql),
    waiting: async (to, limit) => {
      // Asked in every call, and mostly for nothing: see IN_SCOPE for why not at once in order.
      if ((await sql.get(ANY_WAITING, { recipient: to })) === undefined) return [];
      return (await sql.all(WAITING, { recipient: to, max_rows: limit })).map(toMessage);
    },
    waitingPosts: async (to, { channel, afterId }, limit) => {
      const after = afterId === undefined ? 0 : numberOf(afterId);
      const params = { recipient: to, after_id: after, max_rows: limit };
      const rows =
        channel === undefined
          ? await sql.all(WAITING_POSTS, params)
          : await sql.all(WAITING_IN_CHANNEL, { ...params, channel });
      return rows.map(toMessage);
    },
    countWaiting: async (to, max) =>
      Number((await sql.get(COUNT_WAITING, { recipient: to, max_rows: max }))?.["found"]),
    ofPost: async (id) => (await sql.all(OF_POST, { id: numberOf(id) })).map(toMessage),
    insert: async (message) => {
      await sql.run(INSERT_MESSAGE, {
        id: numberOf(message.id),
        recipient: message.to,
        sender: message.from,
        kind: message.kind,
        subject: message.subject,
        channel: null,
        body: message.text,
        at_ms: message.atMs,
      });
    },
    deliver: async (post, { agent, subject }) => {
      const added = await sql.run(DELIVER, {
        id: numberOf(post.id),
        recipient: agent,
        sender: post.from,
        kind: "message",
        subject,
        channel: post.channel,
        body: null,
        at_ms: post.atMs,
      });
      return added > 0;
    },
  };
}

/** How deliveries are given and acknowledged. */
function readings(sql: Sql): Pick<MessageTable, "give" | "given" | "seen" | "acknowledge"> {
  const each = async (
    statement: string,
    ids: readonly string[],
    params: SqlParams,
  ): Promise<void> => {
    for (const id of ids) await sql.run(statement, { ...params, id: numberOf(id) });
  };
  return {
    give: async (to, ids, { number: reading, isOfAll, atMs }) => {
      const in_all = isOfAll ? reading : null;
      await each(GIVE, ids, { recipient: to, at_ms: atMs, reading, in_all });
    },
    given: async (to, id) => {
      const row = await sql.get(GIVEN, { recipient: to, id: numberOf(id) });
      if (row === undefined) return undefined;
      const inAll = numberOrNull(row, "given_in_all");
      return { channel: text(row, "channel"), in: number(row, "given_in"), inAll };
    },
    seen: async (to, upToId, { channel, reading }) => {
      const params = { recipient: to, up_to: numberOf(upToId), reading };
      const rows =
        channel === undefined
          ? await sql.all(SEEN_IN_ALL, params)
          : await sql.all(SEEN_IN_CHANNEL, { ...params, channel });
      return rows.map((row) => formatId("message", number(row, "id")));
    },
    acknowledge: async (to, ids, atMs) =>
      await each(ACKNOWLEDGE, ids, { recipient: to, at_ms: atMs }),
  };
}

function toMessage(row: SqlRow): Message {
  return {
    id: formatId("message", number(row, "id")),
    to: text(row, "recipient"),
    from: text(row, "sender"),
    kind: text(row, "kind") as Message["kind"],
    subject: textOrNull(row, "subject"),
    channel: textOrNull(row, "channel"),
    replyTo: messageIdOrNull(row, "reply_to"),
    text: text(row, "text"),
    atMs: number(row, "at_ms"),
    givenAtMs: numberOrNull(row, "given_at_ms"),
    acknowledgedAtMs: numberOrNull(row, "acknowledged_at_ms"),
  };
}

function messageIdOrNull(row: SqlRow, column: string): string | null {
  const found = numberOrNull(row, column);
  return found === null ? null : formatId("message", found);
}

const GET_POST = `select * from post where ${IN_SCOPE} and id = @id`;
const POSTS = `select * from post where ${IN_SCOPE} order by id desc limit @max_rows`;
const POSTS_OF_CHANNEL = `select * from post where ${IN_SCOPE} and channel = @channel
  order by id desc limit @max_rows`;
const INSERT_POST = insert("post", [
  "tenant",
  "project",
  "id",
  "channel",
  "sender",
  "body",
  "reply_to",
  "at_ms",
]);

export function postTable(sql: Sql): PostTable {
  return {
    get: async (id) => {
      const row = await sql.get(GET_POST, { id: numberOf(id) });
      return row === undefined ? undefined : toPost(row);
    },
    list: async (channel, limit) => {
      const rows =
        channel === undefined
          ? await sql.all(POSTS, { max_rows: limit })
          : await sql.all(POSTS_OF_CHANNEL, { channel, max_rows: limit });
      return rows.map(toPost);
    },
    insert: async (post) => {
      await sql.run(INSERT_POST, {
        id: numberOf(post.id),
        channel: post.channel,
        sender: post.from,
        body: post.text,
        reply_to: post.replyTo === null ? null : numberOf(post.replyTo),
        at_ms: post.atMs,
      });
    },
  };
}

function toPost(row: SqlRow): Post {
  return {
    id: formatId("message", number(row, "id")),
    channel: text(row, "channel"),
    from: text(row, "sender"),
    text: text(row, "body"),
    replyTo: messageIdOrNull(row, "reply_to"),
    atMs: number(row, "at_ms"),
  };
}

const MEMBERS = `select agent from channel_member where ${IN_SCOPE} and channel = @channel order by agent`;
const MEMBER = `select agent from channel_member where ${IN_SCOPE} and channel = @channel and agent = @agent`;
const ADD_MEMBER = insert("channel_member", [
  "tenant",
  "project",
  "channel",
  "agent",
  "joined_at_ms",
]);

export function memberTable(sql: Sql): MemberTable {
  return {
    of: async (channel) => (await sql.all(MEMBERS, { channel })).map((row) => text(row, "agent")),
    has: async (channel, agent) => (await sql.get(MEMBER, { channel, agent })) !== undefined,
    add: async (channel, agent, atMs) => {
      await sql.run(ADD_MEMBER, { channel, agent, joined_at_ms: atMs });
    },
  };
}

/**
 * What agents and people say is stored once (`post`); a row of `message` is its delivery to one of
 * them, under the post's id, and has no body of its own. So what waits for an agent is one look into one index.
 */
export function postsSchema(): string {
  const scope = "tenant text not null, project text not null";
  return `
create table post (
  ${scope}, id bigint not null, channel text not null, sender text not null, body text not null,
  reply_to bigint, at_ms bigint not null,
  primary key (tenant, project, id)
);
create index post_channel on post (tenant, project, channel, id);
create table channel_member (
  ${scope}, channel text not null, agent text not null, joined_at_ms bigint not null,
  primary key (tenant, project, channel, agent)
);
alter table message rename to message_of_one;
create table message (
  ${scope}, id bigint not null, recipient text not null, sender text not null, kind text not null,
  subject text, body text, at_ms bigint not null, acknowledged_at_ms bigint, channel text,
  given_at_ms bigint, given_in bigint, given_in_all bigint,
  primary key (tenant, project, id, recipient)
);
insert into message (tenant, project, id, recipient, sender, kind, subject, body, at_ms, acknowledged_at_ms)
  select tenant, project, id, recipient, sender, kind, subject, body, at_ms, acknowledged_at_ms
  from message_of_one;
drop table message_of_one;
create index message_waiting on message (tenant, project, recipient, id)
  where acknowledged_at_ms is null;
`;
}

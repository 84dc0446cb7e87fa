/** What keeps agents in bounds: counters and breakers, violations, approvals, stops, tokens. */
export function rulesSchema(): string {
  const scope = "tenant text not null, project text not null";
  return `
create table guard (
  ${scope}, subject text not null, kind text not null, name text not null, state text not null,
  primary key (tenant, project, subject, kind, name)
);
create table violation (
  ${scope}, id bigint not null, agent text not null, rule text, limit_id text,
  severity text not null, what text not null, action text not null, task_id bigint,
  at_ms bigint not null,
  primary key (tenant, project, id)
);
create index violation_agent on violation (tenant, project, agent, id);
create table approval (
  ${scope}, id bigint not null, action text not null, agent text not null, subject_hash text not null,
  state text not null, task_id bigint, body text not null, created_at_ms bigint not null,
  expires_at_ms bigint,
  primary key (tenant, project, id)
);
create index approval_open on approval (tenant, project, subject_hash, id)
  where state in ('requested', 'granted');
create table held_report (
  ${scope}, id bigint not null, agent text not null, body text not null, at_ms bigint not null,
  outcome text,
  primary key (tenant, project, id)
);
create index held_report_open on held_report (tenant, project, id) where outcome is null;
create table token (
  ${scope}, hash text not null, kind text not null, name text, parent text, agent text,
  body text not null, revoked_at_ms bigint,
  primary key (tenant, project, hash)
);
create index token_parent on token (tenant, project, parent) where parent is not null;
create index token_agent on token (tenant, project, agent) where agent is not null;
create unique index token_name on token (tenant, project, name) where name is not null;
alter table agent add column token_hash text;
`;
}

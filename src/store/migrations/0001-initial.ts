import type { Dialect } from "./dialect.ts";

/** Types are the ones that both stores read the same way: text, bigint, double precision. */
export function initialSchema(dialect: Dialect): string {
  const scope = "tenant text not null, project text not null";
  return `
create table project (
  ${scope}, name text not null, root text, policy_hash text, operator_key_hash text,
  created_at_ms bigint not null,
  primary key (tenant, project)
);
create table counter (
  ${scope}, kind text not null, value bigint not null,
  primary key (tenant, project, kind)
);
create table process (
  ${scope}, id text not null, host text not null, boot_id text not null, pid_namespace text not null,
  pid bigint not null, start_time text not null, parent_pid bigint not null,
  parent_start_time text not null, beat bigint not null, started_at_ms bigint not null,
  beat_at_ms bigint not null, ended_at_ms bigint, schema_number bigint not null,
  primary key (tenant, project, id)
);
create index process_present on process (tenant, project, id) where ended_at_ms is null;
create table agent (
  ${scope}, name text not null, role text, capabilities text not null, model text, tier text not null,
  principal text not null, state text not null, session_hash text not null, process_id text not null,
  worktree text, registered_at_ms bigint not null,
  last_seen_ms bigint not null,
  primary key (tenant, project, name)
);
create unique index agent_session on agent (tenant, project, session_hash);
create index agent_process on agent (tenant, project, process_id, name);
create table plan (
  ${scope}, id bigint not null, title text not null, state text not null, created_by text not null,
  created_at_ms bigint not null, ended_at_ms bigint, integrate bigint not null, branch text,
  base_commit text, head_commit text, next_head text,
  primary key (tenant, project, id)
);
create table task (
  ${scope}, id bigint not null, plan_id bigint, spec text not null, needs text not null,
  priority bigint not null, state text not null, created_by text not null,
  created_at_ms bigint not null, updated_at_ms bigint not null, ended_at_ms bigint,
  open_dependencies bigint not null, order_key bigint not null, ready_at_ms bigint,
  not_before_ms bigint, fence bigint not null, holder text, attempt_no bigint not null,
  progress_at_ms bigint, percent double precision, note text, blocker text, missing text not null,
  outputs text not null, artifacts text not null, commit_id text, failures bigint not null,
  lost_leases bigint not null, review_rounds bigint not null, preferred_agent text, failed_by text,
  verified_by text,
  primary key (tenant, project, id)
);
create index task_ready on task (tenant, project, needs, order_key desc, id) where state = 'ready';
create index task_not_before on task (tenant, project, not_before_ms)
  where state = 'ready' and not_before_ms is not null;
create index task_plan on task (tenant, project, plan_id, state, id);
create index task_state on task (tenant, project, state, id);
create index task_holder on task (tenant, project, holder, id) where holder is not null;
create table dependency (
  ${scope}, task_id bigint not null, after_id bigint not null,
  primary key (tenant, project, task_id, after_id)
);
create index dependency_after on dependency (tenant, project, after_id, task_id);
create table attempt (
  ${scope}, task_id bigint not null, no bigint not null, agent text not null, fence bigint not null,
  worktree text, base_commit text, head_commit text, started_at_ms bigint not null,
  ended_at_ms bigint, outcome text, needed_person bigint not null,
  primary key (tenant, project, task_id, no)
);
create index attempt_running on attempt (tenant, project, task_id, no) where ended_at_ms is null;
create table gate_run (
  ${scope}, id bigint not null, task_id bigint not null, fence bigint not null,
  attempt_no bigint not null, round bigint not null, gate text not null, kind text not null, plan_id bigint,
  commit_id text, state text not null, process_id text, slot bigint, tries bigint not null,
  queued_at_ms bigint not null, ended_at_ms bigint, evidence text,
  primary key (tenant, project, id)
);
create index gate_run_task on gate_run (tenant, project, task_id, fence, id);
create index gate_run_queued on gate_run (tenant, project, id) where state = 'queued';
create index gate_run_running on gate_run (tenant, project, id) where state = 'running';
create table topic (
  ${scope}, id bigint not null, title text not null, problem text not null, state text not null,
  method text, electorate text not null, quorum bigint not null, irreversible bigint not null,
  task_id bigint, opened_by text not null, created_at_ms bigint not null,
  propose_until_ms bigint not null, vote_until_ms bigint, vote_seconds bigint not null,
  ended_at_ms bigint, round bigint not null, ballot_ids text not null, passed text not null,
  decision text,
  primary key (tenant, project, id)
);
create index topic_open on topic (tenant, project, id)
  where state in ('proposing', 'voting');
create table solution (
  ${scope}, id bigint not null, topic_id bigint not null, author text not null, title text not null,
  body text not null, commit_id text, files text not null, evidence text not null,
  confidence double precision, created_at_ms bigint not null,
  primary key (tenant, project, id)
);
create index solution_topic on solution (tenant, project, topic_id, id);
create table ballot (
  ${scope}, topic_id bigint not null, round bigint not null, voter text not null,
  ranking text not null, abstain bigint not null, reason text not null, cast_at_ms bigint not null,
  primary key (tenant, project, topic_id, round, voter)
);
create table escalation (
  ${scope}, id bigint not null, kind text not null, severity text not null, summary text not null,
  detail text, task_id bigint, topic_id bigint, raised_by text not null, level text not null,
  state text not null, created_at_ms bigint not null, due_at_ms bigint not null,
  acknowledged_by text, resolved_by text, resolution text, ended_at_ms bigint,
  primary key (tenant, project, id)
);
create index escalation_state on escalation (tenant, project, state, id);
create index escalation_task on escalation (tenant, project, task_id, id)
  where task_id is not null;
create table message (
  ${scope}, id bigint not null, recipient text not null, sender text not null, kind text not null,
  subject text, body text not null, at_ms bigint not null, acknowledged_at_ms bigint,
  primary key (tenant, project, id)
);
create index message_waiting on message (tenant, project, recipient, id)
  where acknowledged_at_ms is null;
create table request (
  ${scope}, agent text not null, request_id text not null, digest text not null,
  answer text not null, call_id text not null, at_ms bigint not null,
  primary key (tenant, project, agent, request_id)
);
create table policy_set (
  ${scope}, hash text not null, source text not null, settings text not null,
  applied_by text not null, applied_at_ms bigint not null,
  primary key (tenant, project, hash)
);
create table audit_entry (
  ${scope}, seq bigint not null, prev_hash text not null, hash text not null, body text not null,
  actor text generated always as (${dialect.field("body", "actor")}) ${dialect.generated},
  action text generated always as (${dialect.field("body", "action")}) ${dialect.generated},
  target text generated always as (${dialect.field("body", "target")}) ${dialect.generated},
  decision text generated always as (${dialect.field("body", "decision")}) ${dialect.generated},
  at text generated always as (${dialect.field("body", "at")}) ${dialect.generated},
  primary key (tenant, project, seq)
);
create index audit_entry_target on audit_entry (tenant, project, target, seq)
  where target is not null;
create index audit_entry_actor on audit_entry (tenant, project, actor, seq);
create table audit_head (
  ${scope}, seq bigint not null, hash text not null,
  primary key (tenant, project)
);
create table audit_payload (
  ${scope}, seq bigint not null, nonce text not null, payload text not null,
  primary key (tenant, project, seq)
);
create table usage_entry (
  ${scope}, id bigint not null, agent text not null, task_id bigint, source text not null,
  tokens bigint not null, cost_usd double precision not null, at_ms bigint not null,
  primary key (tenant, project, id)
);
create table outbox (
  ${scope}, id bigint not null, kind text not null, body text not null, at_ms bigint not null,
  delivered_at_ms bigint,
  primary key (tenant, project, id)
);
`;
}

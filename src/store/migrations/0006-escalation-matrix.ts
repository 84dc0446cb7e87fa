/** Escalations climb, and end in one of several ways. What was there before stood before people. */
export function escalationMatrixSchema(): string {
  return `
alter table escalation add column for_people bigint not null default 1;
alter table escalation add column climbs text not null default '[]';
alter table escalation add column counted_from_ms bigint not null default 0;
alter table escalation add column resolved_how text;
alter table escalation add column valid_until_ms bigint;
update escalation set counted_from_ms = created_at_ms;
update escalation set resolved_how = 'answer' where resolution is not null;
create index escalation_climbing on escalation (tenant, project, id)
  where level <> 'L3' and ended_at_ms is null;
`;
}

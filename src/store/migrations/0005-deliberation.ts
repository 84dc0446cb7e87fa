/**
 * Topics that a mediator is asked about, what was on the ballot in the rounds before, and what is
 * measured on solutions before anybody votes on them.
 */
export function deliberationSchema(): string {
  return `
alter table topic add column earlier text not null default '[]';
alter table topic add column mediate text not null default 'last';
alter table topic add column mediation text;
alter table topic add column checks text;
alter table solution add column checks text not null default '[]';
alter table gate_run add column solution_id bigint;
create index gate_run_solution on gate_run (tenant, project, solution_id, id)
  where solution_id is not null;
update topic set earlier = '[{"round":1,"ballotIds":[' || (
    select string_agg('"S' || s.id || '"', ',') from solution s
    where s.tenant = topic.tenant and s.project = topic.project and s.topic_id = topic.id
  ) || ']}]'
  where round = 2;
`;
}

/** Topics that a mediator is asked about, and what was on the ballot in the rounds before. */
export function deliberationSchema(): string {
  return `
alter table topic add column earlier text not null default '[]';
alter table topic add column mediate text not null default 'last';
alter table topic add column mediation text;
update topic set earlier = '[{"round":1,"ballotIds":[' || (
    select string_agg('"S' || s.id || '"', ',') from solution s
    where s.tenant = topic.tenant and s.project = topic.project and s.topic_id = topic.id
  ) || ']}]'
  where round = 2;
`;
}

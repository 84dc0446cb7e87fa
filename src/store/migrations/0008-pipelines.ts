/** Pipelines: what is looked for by is in columns, the rest is read as a whole. */
export function pipelinesSchema(): string {
  const scope = "tenant text not null, project text not null";
  return `
create table pipeline (
  ${scope}, id bigint not null, state text not null, topic_id bigint, body text not null,
  primary key (tenant, project, id)
);
create index pipeline_open on pipeline (tenant, project, id)
  where state in ('running', 'orchestrating');
create index pipeline_topic on pipeline (tenant, project, topic_id) where topic_id is not null;
`;
}

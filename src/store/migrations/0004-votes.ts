/** Who may veto and which models vote, as it stood when a topic was opened; the vetoes on a ballot. */
export function votesSchema(): string {
  return `
alter table topic add column veto text not null default '[]';
alter table topic add column models text not null default '{}';
alter table ballot add column veto text not null default '[]';
`;
}

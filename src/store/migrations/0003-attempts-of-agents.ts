/** How an agent's last attempts ended: its health is read from that once a minute. */
export function attemptsOfAgentsSchema(): string {
  return `
create index attempt_ended on attempt (tenant, project, agent, ended_at_ms) where ended_at_ms is not null;
`;
}

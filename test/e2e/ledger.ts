import { inDatabase } from "../store/database-file.ts";
import { type Body, databaseOf } from "./agent-process.ts";

/** One entry of the ledger, as far as these tests read it. */
export interface Entry {
  readonly actor: string;
  readonly principal: string;
  readonly action: string;
  readonly target: string | null;
  readonly decision: string;
  readonly reason: string | null;
  readonly effects: readonly Body[];
}

export interface TaskState {
  readonly id: string;
  readonly state: string;
  readonly holder: string | null;
  readonly fence: number;
}

/** All entries; throws where the chain does not hold. */
export function entriesOf(home: string): Entry[] {
  return inDatabase(databaseOf(home), (database) => {
    database.verify();
    return database
      .rows<{ body: string }>("select body from audit_entry order by seq")
      .map(({ body }) => JSON.parse(body) as Entry);
  });
}

export function tasksOf(home: string): TaskState[] {
  return inDatabase(databaseOf(home), ({ rows }) =>
    rows<TaskState>("select 'T' || id as id, state, holder, fence from task order by task.id"),
  );
}

export function processesOf(home: string): { pid: number; ended: boolean }[] {
  return inDatabase(databaseOf(home), ({ rows }) =>
    rows<{ pid: number; ended: number }>(
      "select pid, ended_at_ms is not null as ended from process",
    ).map(({ pid, ended }) => ({ pid, ended: ended === 1 })),
  );
}

export function agentsOf(home: string): string[] {
  return inDatabase(databaseOf(home), ({ rows }) =>
    rows<{ name: string }>("select name from agent order by name").map(({ name }) => name),
  );
}

/** Each claim in the ledger as "task/fence"; a fence that is there twice was given to two. */
export function claimsIn(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ effects }) =>
    effects
      .filter(({ type, event }) => type === "task" && event === "claimed")
      .map(({ id, fence }) => `${String(id)}/${String(fence)}`),
  );
}

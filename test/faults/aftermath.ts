import { expect } from "vitest";

import { inDatabase } from "../store/database-file.ts";
import { databaseIn, gitIn, openWorld } from "./fault-world.ts";
import { branchIn, workCommit } from "./file-git.ts";
import type { Scenario } from "./scenarios.ts";

const MAX_ROUNDS = 20;
const BRANCH = "refs/heads/guvnor/P1";

/** SHA-256 of all that the ledger holds, once it is found whole. */
export function stateOf(directory: string): string {
  return inDatabase(databaseIn(directory), (database) => {
    database.verify();
    return database.digest();
  });
}

/** Where ada died, nobody's work is lost or held twice, and bob alone brings all of it to its end. */
export async function expectRecovery(directory: string, scenario: Scenario): Promise<void> {
  expectConsistent(directory);
  const bob = await openWorld(directory, { name: "bob", gone: ["ada", "lead"] });
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const answer = await bob.ok("request_task");
    const { task } = answer as { task?: { id: string } };
    if (task !== undefined) {
      await bob.ok("report_progress", { task_id: task.id, status: "done", commit: task.id });
    }
    while (await bob.measure());
    expectConsistent(directory);
    if (answer["reason"] === "plan_finished") break;
  }
  await bob.end();
  expectAllDone(directory, scenario);
}

interface TaskRow {
  readonly id: number;
  readonly state: string;
  readonly holder: string | null;
  readonly fence: number;
  readonly attempt_no: number;
  readonly open_dependencies: number;
}

/** What must hold after every commit. */
function expectConsistent(directory: string): void {
  inDatabase(databaseIn(directory), (database) => {
    database.verify();
    for (const task of database.rows<TaskRow>("select * from task")) {
      const attempts = database.rows<{ no: number; agent: string; fence: number; open: number }>(
        "select no, agent, fence, ended_at_ms is null as open from attempt where task_id = ? order by no",
        task.id,
      );
      const open = attempts.filter((attempt) => attempt.open === 1);
      const held = ["running", "blocked", "review"].includes(task.state);
      expect({ ...task, held: task.holder !== null }).toMatchObject({ held });
      expect(open.map(({ no, agent, fence }) => ({ no, agent, fence }))).toEqual(
        held ? [{ no: task.attempt_no, agent: task.holder, fence: task.fence }] : [],
      );
      expect(attempts.map(({ no }) => no)).toEqual(attempts.map((_, index) => index + 1));
      expect(new Set(attempts.map(({ fence }) => fence)).size).toBe(attempts.length);
      const waits = database.rows(
        "select 1 from dependency d join task t on t.id = d.after_id where d.task_id = ? and t.state <> 'done'",
        task.id,
      ).length;
      expect(task.open_dependencies).toBe(waits);
      if (task.state === "ready") expect(waits).toBe(0);
      if (task.state === "pending") expect(waits).toBeGreaterThan(0);
    }
    const running = database.rows(
      "select holder from task where state = 'running' group by holder having count(*) > 1",
    );
    expect(running).toEqual([]);
    const orphans = database.rows(
      "select g.id from gate_run g join task t on t.id = g.task_id where g.state in ('queued', 'running') and t.state <> 'review'",
    );
    expect(orphans).toEqual([]);
    const sent = database
      .rows<{ body: string }>("select body from audit_entry order by seq")
      .flatMap(({ body }) => (JSON.parse(body) as { effects: Effect[] }).effects)
      .filter(({ event }) => event === "sent");
    const deliveries = database.rows<{ id: string }>(
      "select 'M' || post.id || ' ' || recipient as id from post left join message on message.id = post.id order by post.id, recipient",
    );
    expect(deliveries.map(({ id }) => id)).toEqual(
      sent.flatMap(({ id, to = [] }) => to.map((name) => `${id} ${name}`)),
    );
  });
}

interface Effect {
  readonly type: string;
  readonly id: string;
  readonly event?: string;
  readonly fence?: number;
  /** Of a message: who got it. */
  readonly to?: readonly string[];
}

function expectAllDone(directory: string, scenario: Scenario): void {
  inDatabase(databaseIn(directory), (database) => {
    const tasks = database.rows<TaskRow>("select * from task");
    expect(tasks.length).toBeGreaterThanOrEqual(3);
    expect(new Set(tasks.map(({ state }) => state))).toEqual(new Set(["done"]));
    const done = database.rows<{ task_id: number; n: number }>(
      "select task_id, count(*) as n from attempt where outcome = 'done' group by task_id",
    );
    expect(done).toEqual(tasks.map(({ id }) => ({ task_id: id, n: 1 })));
    expect(database.rows("select id from plan where state <> 'done'")).toEqual([]);
    // The ledger tells the same: each task ended once, and no lease was given twice.
    const effects = database
      .rows<{ body: string }>("select body from audit_entry order by seq")
      .flatMap(({ body }) => (JSON.parse(body) as { effects: Effect[] }).effects)
      .filter(({ type }) => type === "task");
    const ended = effects.filter(({ event }) => event === "verified").map(({ id }) => id);
    expect(ended.toSorted()).toEqual(tasks.map(({ id }) => `T${id}`).toSorted());
    const leases = effects
      .filter(({ event }) => event === "claimed")
      .map(({ id, fence }) => `${id}/${fence}`);
    expect(new Set(leases).size).toBe(leases.length);
  });
  if (!scenario.integrate) return;
  const { head, commits } = branchIn(gitIn(directory), BRANCH);
  for (const taskId of ["T1", "T2", "T3"]) expect(commits).toContain(workCommit(taskId));
  inDatabase(databaseIn(directory), ({ rows }) => {
    expect(rows("select head_commit from plan")).toEqual([{ head_commit: head }]);
  });
}

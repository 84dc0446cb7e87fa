import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";

import { deliberationSchema } from "../../src/store/migrations/0005-deliberation.ts";
import { MIGRATIONS } from "../../src/store/migrations/migrations.ts";
import { migrate } from "../../src/store/sqlite/migrate.ts";

/** A database as it was before a migration. */
function before(migration: () => string): Database.Database {
  const db = new Database(":memory:");
  migrate(db, 0, MIGRATIONS.slice(0, MIGRATIONS.indexOf(migration)));
  return db;
}

describe("a database from before topics remembered their rounds", () => {
  test("knows of a re-vote what was on the ballot first, of its own topic only", () => {
    const db = before(deliberationSchema);
    const topic = db.prepare(
      `insert into topic (tenant, project, id, title, problem, state, method, electorate, quorum, irreversible, task_id, opened_by, created_at_ms, propose_until_ms, vote_until_ms, vote_seconds, ended_at_ms, round, ballot_ids, passed, decision)
        values ('local', 'p', ?, 't', 'p', 'voting', null, '[]', 1, 0, null, 'ada', 1, 2, 3, 60, null, ?, '["S1"]', '[]', null)`,
    );
    topic.run(1, 1);
    topic.run(2, 2);
    const solution = db.prepare(
      "insert into solution values ('local', 'p', ?, ?, 'ada', 't', 'b', null, '[]', '[]', null, 1)",
    );
    for (const [id, of] of [
      [1, 1],
      [2, 2],
      [3, 2],
    ]) {
      solution.run(id, of);
    }
    migrate(db, 0);
    const rows = db
      .prepare<[], { earlier: string; mediate: string; checks: null }>(
        "select earlier, mediate, checks from topic order by id",
      )
      .all();
    expect(rows.map(({ earlier }): unknown => JSON.parse(earlier))).toEqual([
      [],
      [{ round: 1, ballotIds: ["S2", "S3"] }],
    ]);
    expect(rows[0]).toMatchObject({ mediate: "last", checks: null });
    db.close();
  });
});

import { join } from "node:path";

import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";

import { escalationMatrixSchema } from "../../src/store/migrations/0006-escalation-matrix.ts";
import { MIGRATIONS } from "../../src/store/migrations/migrations.ts";
import { migrate } from "../../src/store/sqlite/migrate.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

test("questions from before the matrix stand before people, as they did", async () => {
  const file = join(temporaryDirectory(), "guvnor.db");
  const before = MIGRATIONS.slice(0, MIGRATIONS.indexOf(escalationMatrixSchema));
  const db = new Database(file);
  migrate(db, 1, before);
  const row = db.prepare(`insert into escalation (tenant, project, id, kind, severity, summary,
    raised_by, level, state, created_at_ms, due_at_ms, resolved_by, resolution, ended_at_ms)
    values ('t', 'p', ?, 'question', 'low', 's', 'ada', 'L3', ?, 5, 9, ?, ?, ?)`);
  row.run(1, "open", null, null, null);
  row.run(2, "resolved", "person:pat", "Yes.", 7);
  db.close();
  const store = await openSqlite({ file });
  onTestFinished(async () => await store.close());
  await store.read({ tenant: "t", project: "p" }, async (tx) => {
    expect(await tx.escalations.get("E1")).toMatchObject({
      forPeople: true,
      climbs: [],
      countedFromMs: 5,
      resolution: null,
    });
    expect(await tx.escalations.get("E2")).toMatchObject({
      resolution: { how: "answer", text: "Yes.", untilMs: null },
    });
    expect(await tx.escalations.climbing()).toEqual([]);
  });
});

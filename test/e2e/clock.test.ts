import { join } from "node:path";

import { expect, test } from "vitest";

import { inDatabase } from "../store/database-file.ts";
import { databaseOf, startAgent, taskOf, temporaryDirectory, until } from "./agent-process.ts";
import { claimsIn, entriesOf, tasksOf } from "./ledger.ts";

const nodeArgs = ["--import", join(import.meta.dirname, "clock-fixture.ts")];

function beatTimes(home: string): Map<number, number> {
  return inDatabase(databaseOf(home), ({ rows }) => {
    const found = rows<{ pid: number; at: number }>("select pid, beat_at_ms as at from process");
    return new Map(found.map(({ pid, at }) => [pid, at]));
  });
}

test("a clock that steps back takes no lease, holds up no work and keeps the ledger whole", async () => {
  const home = temporaryDirectory();
  const back = await startAgent("back", { home, nodeArgs });
  const tasks = [
    { key: "a", title: "A" },
    { key: "b", title: "B", after: ["a"] },
    { key: "c", title: "C" },
  ];
  await back.ok("submit_plan", { title: "Work", tasks });
  expect(taskOf(await back.ok("request_task"))).toBe("T1");
  const other = await startAgent("other", { home });
  expect(taskOf(await other.ok("request_task"))).toBe("T3");
  const before = beatTimes(home).get(back.pid) ?? 0;
  back.signal("SIGUSR2");
  await until("a beat of the past", () => (beatTimes(home).get(back.pid) ?? 0) < before);

  // Nobody has lost anything, on either side of the step.
  expect(taskOf(await back.ok("request_task"))).toBe("T1");
  expect(taskOf(await other.ok("request_task"))).toBe("T3");
  // Work that became ready "in the past", and work that will be "in the future", can be had at once.
  await back.ok("report_progress", { task_id: "T1", status: "done" });
  await other.ok("report_progress", { task_id: "T3", status: "done" });
  expect(taskOf(await other.ok("request_task"))).toBe("T2");
  await other.ok("report_progress", { task_id: "T2", status: "released" });
  expect(taskOf(await back.ok("request_task"))).toBe("T2");
  // A wait ends when its time is over, and a dead process is noticed, whatever the clock says.
  back.signal("SIGKILL");
  expect(taskOf(await other.ok("request_task", { wait_seconds: 30 }))).toBe("T2");
  await other.ok("report_progress", { task_id: "T2", status: "done" });
  expect(tasksOf(home).map(({ state }) => state)).toEqual(["done", "done", "done"]);
  const claims = claimsIn(entriesOf(home));
  expect(new Set(claims).size).toBe(claims.length);
});

import { expect, test } from "vitest";

import { fenceOf, startAgent, suspend, taskOf, temporaryDirectory } from "./agent-process.ts";
import { agentsOf, claimsIn, entriesOf, tasksOf } from "./ledger.ts";

const TASKS = ["a", "b"].map((key) => ({ key, title: "T" }));

test("when one process is suspended for longer than its lease, its task goes to another, and its late report is refused as stale", async () => {
  const home = temporaryDirectory();
  const plain = await startAgent("plain", { home });
  await plain.ok("submit_plan", { title: "Work", tasks: TASKS });
  const lease = await plain.ok("request_task");
  const named = await startAgent("some-client", { home });
  await named.ok("register_agent", { name: "ada" });
  await named.ok("request_task");
  const others = [await startAgent("bob", { home }), await startAgent("cleo", { home })];
  // Both have been seen before, so that their silence can be noticed.
  for (const other of others) await other.ok("get_status");
  await suspend(home, [plain, named]);
  const taken = await Promise.all(
    others.map(async (other) => await other.ok("request_task", { wait_seconds: 35 })),
  );
  expect(new Set(taken.map(taskOf))).toEqual(new Set(["T1", "T2"]));
  expect(taken.map(fenceOf)).toEqual([2, 2]);
  plain.signal("SIGCONT");
  named.signal("SIGCONT");
  const late = { task_id: "T1", status: "done" };
  expect(await plain.refusal("report_progress", { ...late, fence: fenceOf(lease) })).toBe(
    "stale_lease",
  );
  expect(await plain.refusal("report_progress", late)).toBe("stale_lease");
  const lateNamed = { task_id: "T2", status: "done" };
  expect(await named.refusal("report_progress", lateNamed)).toBe("stale_lease");
  // They are who they were, and the work is the others'.
  expect(agentsOf(home)).toEqual(["ada", "bob", "cleo", "plain"]);
  expect(new Set(tasksOf(home).map(({ holder }) => holder))).toEqual(new Set(["bob", "cleo"]));
  expect(claimsIn(entriesOf(home)).toSorted()).toEqual(["T1/1", "T1/2", "T2/1", "T2/2"]);
  for (const [index, other] of others.entries()) {
    await other.ok("report_progress", { task_id: taskOf(taken[index] ?? {}), status: "done" });
  }
});

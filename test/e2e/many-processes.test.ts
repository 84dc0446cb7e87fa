import pLimit from "p-limit";
import { expect, test } from "vitest";

import { type AgentProcess, startAgent, taskOf, temporaryDirectory } from "./agent-process.ts";
import { claimsIn, entriesOf, processesOf, tasksOf } from "./ledger.ts";

const PROCESSES = 64;
const TASKS = 128;
/** Starting is bounded by the processors, not by what is tested. */
const STARTED_AT_ONCE = 8;
const TIMEOUT_MS = 180_000;

test(
  "64 processes at once claim and finish 128 tasks, each exactly once",
  { timeout: TIMEOUT_MS },
  async () => {
    const home = temporaryDirectory();
    const env = { GUVNOR_GATE_WORKERS: "0", NODE_COMPILE_CACHE: temporaryDirectory() };
    const lead = await startAgent("lead", { home, env });
    const tasks = Array.from({ length: TASKS }, (_, index) => ({ key: `k${index}`, title: "T" }));
    await lead.ok("submit_plan", { title: "Work", tasks });
    const turn = pLimit(STARTED_AT_ONCE);
    const agents = await Promise.all(
      Array.from(
        { length: PROCESSES },
        async (_, index) =>
          await turn(async () => await startAgent(`agent-${index}`, { home, env })),
      ),
    );
    const worked = await Promise.all(agents.map(workUntilFinished));

    const done = worked.flat();
    expect(new Set(done).size).toBe(TASKS);
    expect(done).toHaveLength(TASKS);
    const entries = entriesOf(home);
    const claims = claimsIn(entries);
    expect(claims.toSorted()).toEqual(tasks.map((_, index) => `T${index + 1}/1`).toSorted());
    expect(entries.filter(({ decision }) => decision === "error")).toEqual([]);
    expect(tasksOf(home).filter(({ state }) => state !== "done")).toEqual([]);
    expect(processesOf(home)).toHaveLength(PROCESSES + 1);
    expect(worked.filter((mine) => mine.length > 0).length).toBeGreaterThan(1);
  },
);

/** Takes tasks and reports them done until there is none; answers which it had. */
async function workUntilFinished(agent: AgentProcess): Promise<string[]> {
  const mine: string[] = [];
  for (;;) {
    const task = taskOf(await patiently(async () => await agent.ok("request_task")));
    if (task === undefined) return mine;
    mine.push(task);
    const report = { task_id: task, status: "done", fence: 1 };
    await patiently(async () => await agent.ok("report_progress", report));
  }
}

/** Does what `busy` says: nothing happened, so try again. On a crowded machine 5 s may pass. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let refused = 0; ; refused += 1) {
    try {
      return await ask();
    } catch (error) {
      if (refused === 5 || !String(error).includes('"busy"')) throw error;
    }
  }
}

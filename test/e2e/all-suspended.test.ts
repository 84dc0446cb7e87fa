import { setTimeout as pause } from "node:timers/promises";

import { expect, test } from "vitest";

import { PRESENCE_MS, TICK_MS } from "../../src/core/presence.ts";
import { inDatabase } from "../store/database-file.ts";
import {
  type AgentProcess,
  databaseOf,
  startAgent,
  suspend,
  taskOf,
  temporaryDirectory,
  until,
} from "./agent-process.ts";
import { claimsIn, entriesOf, tasksOf } from "./ledger.ts";

/** Longer than a process may be silent; here the time itself is what is tested. */
const SUSPENDED_MS = PRESENCE_MS + 2000;
const FIRST_ALONE_MS = 2 * TICK_MS;

function beatsOf(home: string): number[] {
  return inDatabase(databaseOf(home), ({ rows }) =>
    rows<{ beat: number }>("select beat from process order by id").map(({ beat }) => beat),
  );
}

/** Starts agents that hold a task each, T1, T2, … */
async function startHolders(home: string, names: readonly string[]): Promise<AgentProcess[]> {
  const agents: AgentProcess[] = [];
  for (const name of names) {
    const agent = await startAgent(name, { home });
    if (agents.length === 0) {
      const tasks = names.map((key) => ({ key, title: "T" }));
      await agent.ok("submit_plan", { title: "Work", tasks });
    }
    await agent.ok("request_task");
    agents.push(agent);
  }
  return agents;
}

test("when all processes are suspended for longer than a lease and go on, nobody has lost a lease or is given another's task", async () => {
  const home = temporaryDirectory();
  const agents = await startHolders(home, ["one", "two", "three"]);
  const held = tasksOf(home);
  expect(held.map(({ holder }) => holder)).toEqual(["one", "two", "three"]);
  const beats = beatsOf(home);
  await suspend(home, agents);
  await pause(SUSPENDED_MS);
  const [first, ...others] = agents;
  first?.signal("SIGCONT");
  // The first one to go on looks at those that still sleep: it must not take them for gone.
  await pause(FIRST_ALONE_MS);
  for (const agent of others) agent.signal("SIGCONT");
  // Each has looked at the others by now, and has had time to judge them.
  await until("all beat again", () =>
    beatsOf(home).every((beat, index) => beat > (beats[index] ?? 0)),
  );
  for (const [index, agent] of agents.entries()) {
    expect(taskOf(await agent.ok("request_task"))).toBe(`T${index + 1}`);
    await agent.ok("report_progress", { task_id: `T${index + 1}`, status: "done", fence: 1 });
  }
  expect(claimsIn(entriesOf(home))).toEqual(["T1/1", "T2/1", "T3/1"]);
  expect(tasksOf(home).map(({ state }) => state)).toEqual(["done", "done", "done"]);
});

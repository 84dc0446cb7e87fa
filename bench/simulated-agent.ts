/**
 * An agent whose work is to wait: started by rows/whole-work.ts, once with guvnor and once with a
 * parent that hands out the tasks from memory. Says when it is ready, begins at the first message,
 * and tells of each task that is done.
 */
import { setTimeout as pause } from "node:timers/promises";

import { taskIdOf } from "./answer.ts";
import { guvnorCommand } from "./servers.ts";
import { type StdioClient, startClient } from "./stdio-client.ts";

/** From the agent to its parent. */
export type AgentSays =
  | { readonly kind: "ready" }
  | { readonly kind: "ask" }
  | { readonly kind: "done"; readonly task: string };

/** From the parent; an undefined task is the end. */
export type ParentSays = { readonly task?: string };

const [home, name = "agent", taskMs = "250"] = process.argv.slice(2);

if (home === undefined || home === "") await workFromMemory();
else await workWithGuvnor(home);

async function workWithGuvnor(dataDirectory: string): Promise<void> {
  const options = { home: dataDirectory, cwd: process.cwd(), agent: name } as const;
  const client = await startClient(guvnorCommand({ ...options, durability: "full" }));
  await client.call("register_agent", {});
  say({ kind: "ready" });
  await heard();
  for (;;) {
    const task = await nextTask(client);
    if (task === undefined) break;
    await pause(Number(taskMs));
    await client.call("report_progress", { task_id: task, status: "done" });
    say({ kind: "done", task });
  }
  await client.close();
  process.disconnect();
}

/** Waits as agents are told to, until the plan is finished. */
async function nextTask(client: StdioClient): Promise<string | undefined> {
  for (;;) {
    const answer = await client.call("request_task", { wait_seconds: 2 });
    const task = taskIdOf(answer);
    if (task !== undefined || answer["reason"] === "plan_finished") return task;
  }
}

async function workFromMemory(): Promise<void> {
  say({ kind: "ready" });
  await heard();
  for (;;) {
    say({ kind: "ask" });
    const { task } = await heard();
    if (task === undefined) break;
    await pause(Number(taskMs));
    say({ kind: "done", task });
  }
  process.disconnect();
}

function say(message: AgentSays): void {
  process.send?.(message);
}

async function heard(): Promise<ParentSays> {
  return await new Promise((resolve) => {
    process.once("message", (message: ParentSays) => resolve(message));
  });
}

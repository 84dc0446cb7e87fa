import { readFileSync } from "node:fs";

import { createAttention } from "./agent-board.ts";
import { asBody, connect } from "./agent-connection.ts";
import { type AgentJob, agentJobSchema, doTask } from "./agent-work.ts";

// One agent of the demo, a process of its own: node agent.js JOB.json. It is a script, not a model;
// to guvnor it is a client like any other.

/** Short, so that what is said on the blackboard does not wait long. */
const WAIT_SECONDS = 2;

/** The loop that every agent is told to follow: register, get a task, do it, report, and again. */
async function work(job: AgentJob): Promise<void> {
  const { script, worktree } = job;
  const connection = await connect(script.name, worktree);
  try {
    const { name, role, capabilities } = script;
    const model = "none: a script of the demo";
    await connection.call("register_agent", { name, role, capabilities, model, worktree });
    const attend = createAttention(connection, script.says);
    for (;;) {
      await attend();
      const answer = await connection.call("request_task", { wait_seconds: WAIT_SECONDS });
      if (answer["task"] !== undefined)
        await doTask({ job, connection, attend, brief: asBody(answer["task"]) });
      else if (answer["reason"] === "plan_finished") return;
    }
  } finally {
    await connection.close();
  }
}

// Whoever started this process is gone when its end of the pipe is: nothing is left behind.
process.stdin.resume().on("end", () => process.exit(1));

try {
  await work(agentJobSchema.parse(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"))));
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}

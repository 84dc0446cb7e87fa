// One agent of the example, a process of its own: node agent.mjs NAME CAPABILITY PATCH GUVNOR WORKTREE.
// It is a script: it carries out its patch, and votes for its own solution until it reads that this failed.

import { execFileSync } from "node:child_process";

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [name, capability, patch, guvnor, worktree] = process.argv.slice(2);

process.stdin.resume().on("end", () => process.exit(0));

const client = new Client({ name, version: "1.0.0" });
await client.connect(
  new StdioClientTransport({
    command: process.execPath,
    args: [guvnor, "mcp"],
    cwd: worktree,
    stderr: "ignore",
    env: { ...process.env, GUVNOR_TOOLSETS: "core,workflow" },
  }),
);

await call("register_agent", { name, capabilities: [capability], worktree });
let givesWay = false;
for (;;) {
  const { task } = await call("request_task", { wait_seconds: 1 });
  if (task?.kind === "alpha" || task?.kind === "beta") await carryOut(task);
  else if (task?.kind === "mediate") await mediate(task);
  await vote();
}

async function carryOut(task) {
  givesWay = task.inputs.earlier_runs !== undefined;
  git("checkout", "--quiet", "--detach", "main");
  git("apply", patch);
  git("commit", "--quiet", "--all", "--message", task.title);
  const solution = `The patch ${patch.split("/").at(-1)}, which passes the tests.`;
  await call("report_progress", { task_id: task.id, status: "done", outputs: { solution } });
}

async function mediate(task) {
  const topicId = task.inputs.topic;
  await call("propose_solution", { topic_id: topicId, pass: true });
}

async function vote() {
  const { topics } = await call("read_board", {});
  for (const { id } of topics.filter(({ wants }) => wants === "vote")) {
    const { solutions } = await call("read_board", { topic_id: id });
    const ballot = solutions.toSorted((a, b) => liking(b) - liking(a)).map((each) => each.id);
    await call("vote", { topic_id: id, ballot, reason: "It is the one that I trust." });
  }
}

/** ben's has names for its rules: whoever gives way, or judges from outside, sees that. */
function liking({ author }) {
  const favourite = givesWay || patch === "" ? "ben" : name;
  return author === favourite ? 1 : 0;
}

async function call(tool, args) {
  const { isError, structuredContent } = await client.callTool({ name: tool, arguments: args });
  if (isError && structuredContent.code !== "state_conflict") {
    throw new Error(`${name}: ${tool}: ${JSON.stringify(structuredContent)}`);
  }
  return structuredContent;
}

function git(...args) {
  execFileSync("git", args, { cwd: worktree, stdio: ["ignore", "ignore", "inherit"] });
}

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { z } from "zod";

import { type Attend, decideTopic } from "./agent-board.ts";
import { asBody, asRows, type Body, type Connection } from "./agent-connection.ts";
import { mustRun, runProgram } from "./programs.ts";
import { agentSchema, loadRecipe, type Recipe, solutionDirectory } from "./sample.ts";

/** What an agent process is started with. */
export const agentJobSchema = z.strictObject({
  script: agentSchema,
  /** All agents' names. */
  agents: z.array(z.string()),
  /** Directory of the sample. */
  sample: z.string(),
  worktree: z.string(),
  /** Ids of the plan's tasks by their keys, as `guvnor plan submit` gave them. */
  taskIds: z.record(z.string(), z.string()),
});

export type AgentJob = z.infer<typeof agentJobSchema>;

/** A task as guvnor gave it, and what the agent has to do it with. */
export interface Assignment {
  readonly job: AgentJob;
  readonly connection: Connection;
  /** Called between steps: others may wait for this agent's word. */
  readonly attend: Attend;
  readonly brief: Body;
}

interface Work extends Assignment {
  readonly id: string;
  readonly key: string;
  readonly recipe: Recipe;
}

/** Answers of gates take less. */
const WAIT_SECONDS = 50;
/** Longer than the demo takes to kill it. */
const LIMBO_MS = 120_000;

/** Does a task from brief to end. What guvnor sends back is mended if there is a way. */
export async function doTask(assignment: Assignment): Promise<void> {
  const { job, brief } = assignment;
  const id = String(brief["id"]);
  const key = Object.entries(job.taskIds).find((entry) => entry[1] === id)?.[0];
  if (key === undefined) throw new Error(`${id} is not a task of the demo's plan.`);
  const recipe = loadRecipe(job.sample, key);
  const work: Work = { ...assignment, id, key, recipe };
  await startClean(work);
  const outputs = await makeChange(work);
  if (recipe.hold !== undefined) await hold(work, recipe.hold);
  await work.attend();
  await deliver(work, outputs);
}

/** The worktree stands at the commit that guvnor gave, on a branch of its own. */
async function startClean({ job, id, brief }: Work): Promise<void> {
  await git(job, "reset", "-q", "--hard");
  await git(job, "clean", "-fdq");
  const branch = `${job.script.name}/${id}`;
  await git(job, "checkout", "-q", "--no-track", "-B", branch, String(brief["base_commit"]));
}

async function git(job: AgentJob, ...args: string[]): Promise<string> {
  return await mustRun("git", args, { directory: job.worktree });
}

/** @returns the task's outputs. */
async function makeChange(work: Work): Promise<Body> {
  const { recipe, brief } = work;
  if (recipe.topic !== undefined) return await decide(work, recipe.topic);
  if (recipe.ask !== undefined) {
    const word = (await askPerson(work, recipe.ask)).split(/\W/)[0] ?? "";
    await applyAnswer(work, word);
  } else if (recipe.follows !== undefined) {
    const name = recipe.follows;
    const outputs = asRows(brief["after"]).map((each) => asBody(each["outputs"] ?? {}));
    const found = outputs.find((each) => each[name] !== undefined)?.[name];
    await applyAnswer(work, String(found));
  } else {
    await applySteps(work);
  }
  await commit(work);
  return {};
}

async function applyAnswer(work: Work, word: string): Promise<void> {
  const patches = work.recipe.answers[word];
  if (patches === undefined) throw new Error(`${work.key}: nothing is prepared for "${word}".`);
  await applyPatches(work, patches);
}

async function applySteps(work: Work): Promise<void> {
  const { recipe, brief, connection, id } = work;
  for (const [index, patch] of recipe.steps.entries()) {
    await applyPatches(work, [patch]);
    if (index + 1 === recipe.steps.length) break;
    await connection.call("report_progress", {
      task_id: id,
      status: "working",
      percent: Math.round((100 * (index + 1)) / recipe.steps.length),
      note: `${patch.replace(".patch", "")} written`,
    });
    const isFirst = String(brief["attempt"]).endsWith("/1");
    if (isFirst && recipe.killed_after_step === index + 1) await untilKilled();
    await work.attend();
  }
}

/** The demo kills this process here; if it does not, something is wrong. */
async function untilKilled(): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, LIMBO_MS));
  throw new Error("This agent was to be killed half way, and was not.");
}

async function applyPatches(work: Work, patches: readonly string[]): Promise<void> {
  const directory = solutionDirectory(work.job.sample, work.key);
  for (const patch of patches) await git(work.job, "apply", join(directory, patch));
}

async function commit({ job, recipe, id }: Work): Promise<void> {
  await git(job, "add", "-A");
  await git(job, "commit", "-q", "-m", `${recipe.commit} (${id})`);
}

async function decide(work: Work, topic: NonNullable<Recipe["topic"]>): Promise<Body> {
  const { job, connection, id } = work;
  const { method, record } = await decideTopic(connection, topic, {
    opinion: job.script.says,
    agents: job.agents,
    taskId: id,
  });
  const file = join(job.worktree, topic.writes);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, record);
  await commit(work);
  return { [topic.output]: method };
}

/** Says that it cannot go on without a person, waits for the answer, and goes on. */
async function askPerson(work: Work, ask: NonNullable<Recipe["ask"]>): Promise<string> {
  const { connection, id } = work;
  const asked = await connection.call("request_escalation", {
    // Only a person may answer it; a question that peers may answer would climb for hours.
    kind: "policy",
    severity: "medium",
    task_id: id,
    ...ask,
  });
  const escalation = String(asked["escalation_id"]);
  const blocker = { kind: "question", text: ask.summary, blocked_by: escalation };
  await connection.call("report_progress", { task_id: id, status: "blocked", blocker });
  const answered = await connection.call("request_escalation", {
    escalation_id: escalation,
    wait_seconds: WAIT_SECONDS,
  });
  if (answered["state"] !== "resolved") throw new Error(`${escalation} was not answered in time.`);
  await connection.call("report_progress", { task_id: id, status: "working", note: "answered" });
  return String(answered["resolution"]);
}

async function hold(work: Work, { task, until }: NonNullable<Recipe["hold"]>): Promise<void> {
  const uri = `guvnor://task/${work.job.taskIds[task] ?? ""}`;
  await work.connection.until(uri, (shown) => {
    if (until === "lost") return Number(shown["lost_leases"] ?? 0) > 0;
    if (until === "done") return shown["state"] === "done";
    return shown["state"] !== "pending" && shown["state"] !== "ready";
  });
}

/** Says "done" until it is, or until there is nothing prepared for what is missing. */
async function deliver(work: Work, outputs: Body): Promise<void> {
  const { connection, id } = work;
  let hasMended = false;
  for (;;) {
    const missing = await reportDone(work, outputs);
    if (missing === undefined) return;
    const mended = !hasMended && (await mend(work, missing));
    if (!mended) {
      const note = missing.map((item) => `${String(item["gate"])}: ${String(item["evidence"])}`);
      await connection.call("report_progress", {
        task_id: id,
        status: "failed",
        retryable: false,
        note: `Nothing is prepared for this. ${note.join("; ")}`.slice(0, 4000),
      });
      return;
    }
    hasMended = true;
  }
}

/** @returns what is missing; undefined when the task is out of this agent's hands. */
async function reportDone(work: Work, outputs: Body): Promise<readonly Body[] | undefined> {
  const { connection, id, job } = work;
  const done = { task_id: id, status: "done", outputs, wait_seconds: WAIT_SECONDS };
  const answer = await connection.call("report_progress", done);
  await work.attend();
  const { state } = asBody(answer["task"]);
  if (state === "running") return asRows(answer["missing"]);
  if (state !== "review") return undefined;
  // A slow machine: the gates take longer than a call may wait.
  const shown = await connection.until(`guvnor://task/${id}`, (task) => task["state"] !== "review");
  const isMine = shown["state"] === "running" && shown["holder"] === job.script.name;
  return isMine ? asRows(shown["missing"]) : undefined;
}

async function mend(work: Work, missing: readonly Body[]): Promise<boolean> {
  const { recipe } = work;
  const gates = missing.map((item) => item["gate"]);
  if (gates.includes("merge")) {
    return recipe.conflict !== undefined && (await doAgainOnTop(work, recipe.conflict));
  }
  if (recipe.sent_back === undefined) return false;
  await applyPatches(work, recipe.sent_back);
  await commit(work);
  return true;
}

/** Merges the plan's branch; what conflicts is replaced by the same change made on top of it. */
async function doAgainOnTop({ job, key, brief }: Work, directory: string): Promise<boolean> {
  const branch = `guvnor/${String(brief["plan"])}`;
  const merge = await runProgram("git", ["merge", "--no-edit", branch], {
    directory: job.worktree,
  });
  if (merge.exitCode !== 1) return false;
  cpSync(join(solutionDirectory(job.sample, key), directory), job.worktree, { recursive: true });
  await git(job, "add", "-A");
  await git(job, "commit", "-q", "--no-edit");
  return true;
}

import type { CallAnswer, JsonObject } from "../../src/engine/call.ts";
import { ask, codeOf, field, register, type SimAgent } from "./agent.ts";
import { dutyOnBoard } from "./board-duty.ts";
import { mediate } from "./mediate.ts";
import { talk } from "./message-duty.ts";
import { misbehave, reportFromFirstAttempt } from "./misbehave.ts";
import { answerQuestion, question } from "./questions.ts";
import { EXCLUSIVE, type Files } from "./repository.ts";
import type { TaskModel } from "./task-model.ts";

interface Assignment {
  readonly taskId: string;
  readonly fence: number;
  readonly planId: string | undefined;
  /** What it was made for, where it is a mediator's task. */
  readonly topicId: string | undefined;
  readonly paths: readonly string[];
  readonly baseCommit: string | undefined;
  /** What another agent asks. */
  readonly isQuestion: boolean;
  /** Gates that found something missing. */
  readonly missing: readonly string[];
}

/** Reports of done on one assignment, before an agent gives it up. */
const MAX_REPORTS = 6;
/** Pause after "none" where nothing comes up. */
const IDLE_MS = { wild: [8000, 30_000], calm: [30_000, 90_000] } as const;
/** An idle agent hears of what comes up after so long. */
const NAP_MS = [500, 4500] as const;

/** The life of an agent: register, ask for work, do it or not, say so or not, until all is over. */
export async function live(agent: SimAgent): Promise<void> {
  const { machine, process, client } = agent;
  const { random } = machine;
  if (client.capabilities.length > 0 || process.plan.agentName !== client.name) {
    await register(agent);
  }
  while (!machine.isOver) {
    if (!machine.isCalm && random.chance(0.12)) await misbehave(agent);
    await dutyOnBoard(agent);
    await talk(agent);
    await goOnWithBlocked(agent);
    if (!machine.isCalm && random.chance(0.1)) await question(agent, {});
    const assignment = await getWork(agent);
    if (assignment === undefined) await idle(agent);
    else await work(agent, assignment);
  }
}

/**
 * For a while, or until a task comes up that it could take, or a topic that wants its word: asking
 * again and again in vain costs much and shows little.
 */
async function idle(agent: SimAgent): Promise<void> {
  const { machine, process, client } = agent;
  const { random, queue } = machine;
  const sinceMs = queue.nowMs;
  const [shortestMs, longestMs] = IDLE_MS[machine.isCalm ? "calm" : "wild"];
  const untilMs = sinceMs + random.between(shortestMs, longestMs);
  const isNews = ({ movedAtMs, needs }: TaskModel): boolean =>
    movedAtMs >= sinceMs && needs.every((each) => client.capabilities.includes(each));
  const hasNews = (): boolean => readyTasks(agent).some(isNews) || isWanted(agent, sinceMs);
  do await process.sleep(random.between(...NAP_MS));
  while (!hasNews() && queue.nowMs < untilMs && !machine.isOver);
}

/** Whether a vote has opened on something that is its matter too. */
function isWanted({ machine, name }: SimAgent, sinceMs: number): boolean {
  return [...machine.ledger.topics.values()].some(
    ({ state, movedAtMs, electorate, mediator }) =>
      state === "voting" && movedAtMs >= sinceMs && [...electorate, mediator].includes(name),
  );
}

async function goOnWithBlocked(agent: SimAgent): Promise<void> {
  const { machine } = agent;
  const { ledger, random } = machine;
  for (const task of ledger.tasks.values()) {
    if (task.state !== "blocked" || task.holder !== agent.name) continue;
    if (!random.chance(machine.isCalm ? 0.6 : 0.15)) continue;
    await ask(agent, "report_progress", { task_id: task.id, status: "working" });
  }
}

async function getWork(agent: SimAgent): Promise<Assignment | undefined> {
  const { machine, client } = agent;
  const { random } = machine;
  const isWild = !machine.isCalm;
  const ready = readyTasks(agent);
  const named =
    isWild && ready.length > 0 && random.chance(0.1) ? random.pick(ready).id : undefined;
  const args = {
    ...(named === undefined ? {} : { task_id: named }),
    ...(isWild && random.chance(0.2) ? { wait_seconds: random.int(1, 8) } : {}),
    ...(isWild && random.chance(0.04) ? { capabilities: client.capabilities } : {}),
  };
  const options = {
    ...(isWild && random.chance(0.04) ? { isUndelivered: true } : {}),
    ...(isWild && random.chance(0.03) ? { cancelAfterMs: random.between(0, 3000) } : {}),
  };
  if (isWild && random.chance(0.05)) {
    machine.chronicle.count("race in one process");
    const both = [ask(agent, "request_task", args, options), ask(agent, "request_task", args)];
    const [first, second] = await Promise.all(both);
    return readAssignment(agent, first) ?? readAssignment(agent, second);
  }
  return readAssignment(agent, await ask(agent, "request_task", args, options));
}

function readAssignment(agent: SimAgent, answer: CallAnswer | undefined): Assignment | undefined {
  if (answer === undefined || answer.isError) return undefined;
  const task = field(answer.body, "task");
  const fence = field(answer.body["lease"], "fence");
  if (task === undefined || typeof fence !== "number") return undefined;
  const missing = (field(task, "missing") ?? []) as { gate: string }[];
  const taskId = String(field(task, "id"));
  agent.client.leases.push({ taskId, fence });
  return {
    taskId,
    fence,
    planId: field(task, "plan") as string | undefined,
    topicId: field(task, "kind") === "mediate" ? agent.machine.ledger.servedBy(taskId) : undefined,
    paths: (field(task, "paths") ?? []) as readonly string[],
    baseCommit: field(task, "base_commit") as string | undefined,
    isQuestion: field(task, "kind") === "escalation",
    missing: missing.map(({ gate }) => gate),
  };
}

async function work(agent: SimAgent, assignment: Assignment): Promise<void> {
  const { machine, process, client } = agent;
  const { random, repository } = machine;
  const { taskId, fence, topicId } = assignment;
  if (topicId !== undefined) return await mediate(agent, { taskId, fence, topicId });
  if (assignment.isQuestion) return await answerQuestion(agent, assignment);
  if (assignment.missing.length === 0 && assignment.baseCommit !== undefined) {
    repository.heads.set(client.worktree, assignment.baseCommit);
    repository.dirty.delete(client.worktree);
  }
  if (!machine.isCalm) await reportFromFirstAttempt(agent, assignment);
  if (!machine.isCalm && random.chance(0.06)) await takeAnother(agent);
  await process.sleep(random.between(300, machine.isCalm ? 3000 : 9000));
  if (random.chance(0.3)) {
    const percent = random.int(1, 99);
    const going = await report(agent, assignment, { status: "working", percent });
    if (codeOf(going) !== undefined) return;
  }
  const ways = { finish: 74, fail: 6, block: 6, release: 4, stall: 3, leave: 4, hurry: 3 } as const;
  switch (machine.isCalm ? "finish" : random.weighted(ways)) {
    case "finish":
      return await finish(agent, assignment);
    case "fail":
      await report(agent, assignment, {
        status: "failed",
        note: "It did not work.",
        ...(random.chance(0.15) ? { retryable: false } : {}),
      });
      return;
    case "block":
      return await block(agent, assignment);
    case "release":
      await report(agent, assignment, { status: "released" });
      return;
    case "stall":
      machine.chronicle.count("stalls");
      // Some do change files all the time: that is progress too.
      if (random.chance(0.4)) {
        machine.queue.after(machine.book.stallMs * 0.8, () => {
          repository.changedAtMs.set(client.worktree, machine.queue.nowMs);
        });
      }
      return await process.sleep(machine.book.stallMs * 1.5);
    case "leave":
      machine.chronicle.say(agent.name, `forgets ${taskId}`);
      return;
    case "hurry": {
      machine.chronicle.count("race in one process");
      commit(agent, assignment, true);
      await Promise.all([
        report(agent, assignment, { status: "done" }),
        report(agent, assignment, { status: random.chance(0.5) ? "failed" : "released" }),
      ]);
    }
  }
}

function readyTasks({ machine }: SimAgent): readonly TaskModel[] {
  return [...machine.ledger.tasks.values()].filter(({ state }) => state === "ready");
}

/** Asks for more while it has something to do; it is handed what it got when it is done with this. */
async function takeAnother(agent: SimAgent): Promise<void> {
  const { random } = agent.machine;
  const ready = readyTasks(agent);
  if (ready.length > 0) await ask(agent, "request_task", { task_id: random.pick(ready).id });
}

async function block(agent: SimAgent, assignment: Assignment): Promise<void> {
  const { random } = agent.machine;
  const answer = await report(agent, assignment, {
    status: "blocked",
    blocker: { kind: "question", text: "Which of the two?" },
  });
  if (codeOf(answer) !== undefined || random.chance(0.3)) return;
  await question(agent, { task_id: assignment.taskId });
}

/** Commits, says done, and mends what is missing as long as it is sent back at once. */
async function finish(agent: SimAgent, assignment: Assignment): Promise<void> {
  const { machine, process, client } = agent;
  const { random } = machine;
  // Some never do, until a person looks.
  const learns = random.chance(0.97);
  let missing = assignment.missing;
  for (let reports = 0; reports < MAX_REPORTS; reports += 1) {
    if (missing.includes("merge")) mergeBranch(agent, assignment);
    const said = client.waiting.get(assignment.taskId);
    const isSame = said !== undefined && random.chance(machine.isCalm ? 1 : 0.8);
    const isGood = machine.isCalm || (learns && (reports > 2 || random.chance(0.8)));
    const head = isSame ? said : commit(agent, assignment, isGood);
    const done = {
      status: "done",
      ...(isSame || random.chance(0.2) ? { commit: head } : {}),
      ...(random.chance(0.3) ? { wait_seconds: random.int(1, 6) } : {}),
    };
    const answer = await report(agent, assignment, done);
    if (codeOf(answer) === "approval_required") {
      client.waiting.set(assignment.taskId, head);
      await process.sleep(machine.isCalm ? 12_000 : random.between(0, 8000));
      // Holds it still, or again, once a person has said yes.
      if (machine.ledger.running(agent.name).some(({ id }) => id === assignment.taskId)) continue;
      return;
    }
    if (answer === undefined || answer.isError) return;
    client.waiting.delete(assignment.taskId);
    if (isSame && random.chance(0.2)) await report(agent, assignment, done);
    if (field(answer.body["task"], "state") !== "running") return;
    missing = ((answer.body["missing"] ?? []) as { gate: string }[]).map(({ gate }) => gate);
    await process.sleep(random.between(300, 3000));
  }
}

/** A new commit on top of the worktree's head; a bad one is claimed to be done all the same. */
function commit(agent: SimAgent, { taskId, paths }: Assignment, isGood: boolean): string {
  const { machine, client } = agent;
  const { repository, random } = machine;
  const isForgotten = !machine.isCalm && random.chance(0.04);
  repository.dirty.set(client.worktree, isForgotten ? ["src/forgotten"] : []);
  const head = repository.heads.get(client.worktree) ?? repository.root;
  const files = new Map(isGood ? mended(repository.filesOf(head)) : repository.filesOf(head));
  const kind = isGood ? (random.chance(0.12) && !machine.isCalm ? EXCLUSIVE : "good") : "bad";
  for (const path of paths) files.set(path, `${taskId} ${random.hex(1)} ${kind}`);
  if (!machine.isCalm && random.chance(0.03)) files.set("check/config", random.hex(1));
  const made = repository.commit([head], files);
  repository.heads.set(client.worktree, made);
  repository.changedAtMs.set(client.worktree, machine.queue.nowMs);
  return made;
}

function mended(files: Files): Files {
  return new Map(
    [...files].map(([path, content]) => [
      path,
      content.replace("bad", "mended").replace(EXCLUSIVE, "mended"),
    ]),
  );
}

function mergeBranch(agent: SimAgent, { planId }: Assignment): void {
  const { ledger, repository, chronicle } = agent.machine;
  const branch = ledger.plans.get(planId ?? "")?.branch;
  const theirs = repository.refs.get(branch ?? "");
  const { worktree } = agent.client;
  const ours = repository.heads.get(worktree);
  if (theirs === undefined || ours === undefined || repository.isAncestor(theirs, ours)) return;
  chronicle.count("conflict solved by the agent");
  repository.heads.set(worktree, repository.mergeByHand(ours, theirs));
}

async function report(
  agent: SimAgent,
  { taskId, fence }: Assignment,
  said: JsonObject,
): Promise<CallAnswer | undefined> {
  const { machine } = agent;
  const withFence = machine.random.chance(0.7) ? { fence } : {};
  const answer = await ask(agent, "report_progress", { task_id: taskId, ...withFence, ...said });
  const code = codeOf(answer);
  if (code === "stale_lease") machine.chronicle.count("stale fence refused");
  // It did not understand, and says it again.
  if (code === "stopped" && !machine.isCalm && machine.random.chance(0.2)) {
    await ask(agent, "report_progress", { task_id: taskId, ...withFence, ...said });
  }
  if (code === "task_cancelled") machine.chronicle.count("holder told of the cancellation");
  return answer;
}

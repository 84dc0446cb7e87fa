import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { NO_SETTINGS } from "../../src/core/settings.ts";
import type { CallAnswer, JsonObject } from "../../src/engine/call.ts";
import type { EngineDeps } from "../../src/engine/deps.ts";
import { createGovernor } from "../../src/engine/governed-call.ts";
import { taskOperations } from "../../src/engine/person/task-operations.ts";
import { openGit } from "../../src/git/open-git.ts";
import { createGateRunner } from "../../src/runner/gate-runner.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { createFleet, type Fleet } from "../support/engine-harness.ts";
import { measureNext } from "../support/measure-next.ts";

const OPERATIONS = [...TOOLS, ...taskOperations];
// The gate of the tests: every file of numbers adds up to at most 10.
const CHECK = `import { readdirSync, readFileSync } from "node:fs";
let sum = 0;
for (const file of readdirSync(".").filter((name) => name.endsWith(".num"))) sum += Number(readFileSync(file, "utf8"));
console.log("sum", sum);
process.exit(sum <= 10 ? 0 : 1);
`;
const SETTINGS = `version: 1
gates:
  sum: { run: [${JSON.stringify(process.execPath)}, check.mjs], timeout: 1m, protected: ["check.mjs", "lock/**"] }
`;

let base = "";
let fleet: Fleet;

function git(directory: string, ...args: string[]): string {
  return execFileSync("git", ["-C", directory, ...args], { encoding: "utf8" }).trim();
}

function commit(directory: string, files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  git(directory, "add", "-A");
  git(directory, "commit", "-qm", `add ${Object.keys(files).join(", ")}`);
  return git(directory, "rev-parse", "HEAD");
}

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "guvnor-integrate-"));
  const main = join(base, "main");
  execFileSync("git", ["init", "-qb", "main", main]);
  git(main, "config", "user.email", "test@example.com");
  git(main, "config", "user.name", "Test");
  commit(main, { "check.mjs": CHECK, "README.md": "numbers\n" });
  fleet = await createFleet({ operations: OPERATIONS, guvnorYaml: SETTINGS });
});

afterEach(async () => {
  await fleet.close();
  rmSync(base, { recursive: true });
});

interface Worker {
  readonly directory: string;
  readonly deps: EngineDeps;
  ok(operation: string, args?: object): Promise<JsonObject>;
  call(operation: string, args?: object): Promise<CallAnswer>;
  /** Measures and merges until nothing is queued. */
  measure(): Promise<void>;
}

/** An agent with a worktree of its own, over real git and real gates. */
function worker(name: string): Worker {
  const directory = join(base, name);
  git(join(base, "main"), "worktree", "add", "-q", "-b", `agent/${name}`, directory);
  const commonDir = join(base, "main", ".git");
  const simulated = fleet.deps(name);
  const deps: EngineDeps = {
    ...simulated,
    git: openGit(commonDir),
    gates: createGateRunner({
      dataDir: join(base, "data"),
      commonDir,
      now: () => performance.now(),
    }),
    settings: { ...simulated.settings, directory },
  };
  const governor = createGovernor(deps, OPERATIONS);
  const call: Worker["call"] = async (operation, args = {}) =>
    await governor.call({
      operation,
      args,
      caller: { kind: "agent", channel: "stdio", clientName: name },
      signal: new AbortController().signal,
    });
  return {
    directory,
    deps,
    call,
    ok: async (...args) => {
      const answer = await call(...args);
      if (answer.isError) throw new Error(JSON.stringify(answer.body));
      return answer.body;
    },
    measure: async () => {
      while (await measureNext(deps, new AbortController().signal));
    },
  };
}

async function task(id: string): Promise<JsonObject> {
  return { ...(await fleet.read(async (tx) => await tx.tasks.get(id))) };
}

const TWO = [
  { key: "a", title: "A" },
  { key: "b", title: "B" },
];

describe("a plan that integrates", () => {
  test("merges done commits in order, measures the result, and leaves main alone", async () => {
    const [ada, bob] = [worker("ada"), worker("bob")];
    const mainBefore = git(join(base, "main"), "rev-parse", "main");
    await ada.ok("submit_plan", { title: "p", integrate: true, tasks: TWO });
    for (const [agent, file] of [
      [ada, "a.num"],
      [bob, "b.num"],
    ] as const) {
      const { task: brief } = await agent.ok("request_task");
      expect(brief).toMatchObject({ base_commit: mainBefore });
      commit(agent.directory, { [file]: "4" });
      await agent.ok("report_progress", { task_id: (brief as { id: string }).id, status: "done" });
    }
    await bob.measure();
    expect([await task("T1"), await task("T2")]).toMatchObject([
      { state: "done", verifiedBy: "gates" },
      { state: "done", verifiedBy: "gates" },
    ]);
    const files = git(join(base, "main"), "ls-tree", "--name-only", "guvnor/P1").split("\n");
    expect(files).toEqual(["README.md", "a.num", "b.num", "check.mjs"]);
    expect(git(join(base, "main"), "rev-parse", "main")).toBe(mainBefore);
    expect(git(join(base, "main"), "status", "--porcelain")).toBe("");
    const plan = await fleet.read(async (tx) => await tx.plans.get("P1"));
    expect(plan?.headCommit).toBe(git(join(base, "main"), "rev-parse", "guvnor/P1"));
  });

  test("the next task builds on what is merged", async () => {
    const ada = worker("ada");
    const tasks = [TWO[0], { key: "b", title: "B", after: ["a"] }];
    await ada.ok("submit_plan", { title: "p", integrate: true, tasks });
    await ada.ok("request_task");
    const done = commit(ada.directory, { "a.num": "1" });
    await ada.ok("report_progress", { task_id: "T1", status: "done" });
    await ada.measure();
    const { task: brief } = await ada.ok("request_task");
    expect(brief).toMatchObject({
      id: "T2",
      base_commit: done,
      after: [{ id: "T1", commit: done }],
    });
  });

  test("a conflict goes back to the holder, who solves it on top of the other", async () => {
    const [ada, bob] = [worker("ada"), worker("bob")];
    await ada.ok("submit_plan", { title: "p", integrate: true, tasks: TWO });
    await ada.ok("request_task");
    await bob.ok("request_task");
    commit(ada.directory, { "README.md": "ada\n" });
    commit(bob.directory, { "README.md": "bob\n" });
    await ada.ok("report_progress", { task_id: "T1", status: "done" });
    await bob.ok("report_progress", { task_id: "T2", status: "done" });
    await ada.measure();
    expect(await task("T1")).toMatchObject({ state: "done" });
    expect(await task("T2")).toMatchObject({
      state: "running",
      holder: "bob",
      fence: 1,
      missing: [{ gate: "merge", evidence: expect.stringContaining("README.md") }],
    });
    git(bob.directory, "reset", "-q", "--hard", "guvnor/P1");
    commit(bob.directory, { "README.md": "ada and bob\n" });
    await bob.ok("report_progress", { task_id: "T2", status: "done" });
    await bob.measure();
    expect(await task("T2")).toMatchObject({ state: "done" });
    expect(git(join(base, "main"), "show", "guvnor/P1:README.md")).toBe("ada and bob");
  });

  test("two green commits that are red together do not reach the branch together", async () => {
    const [ada, bob] = [worker("ada"), worker("bob")];
    await ada.ok("submit_plan", { title: "p", integrate: true, tasks: TWO });
    await ada.ok("request_task");
    await bob.ok("request_task");
    commit(ada.directory, { "a.num": "6" });
    commit(bob.directory, { "b.num": "6" });
    await ada.ok("report_progress", { task_id: "T1", status: "done" });
    await bob.ok("report_progress", { task_id: "T2", status: "done" });
    await ada.measure();
    const { missing } = await task("T2");
    expect(missing).toMatchObject([{ gate: "merge", evidence: expect.stringContaining("sum 12") }]);
    const files = git(join(base, "main"), "ls-tree", "--name-only", "guvnor/P1");
    expect(files).not.toContain("b.num");
  });

  test("a merge whose process died after moving the branch is finished, not repeated", async () => {
    const ada = worker("ada");
    await ada.ok("submit_plan", { title: "p", integrate: true, tasks: TWO });
    await ada.ok("request_task");
    const done = commit(ada.directory, { "a.num": "1" });
    await ada.ok("report_progress", { task_id: "T1", status: "done" });
    await measureNext(ada.deps, new AbortController().signal);
    git(join(base, "main"), "update-ref", "refs/heads/guvnor/P1", done);
    await ada.measure();
    expect(await task("T1")).toMatchObject({ state: "done" });
    expect(git(join(base, "main"), "rev-parse", "guvnor/P1")).toBe(done);
  });
});

test("a branch that somebody else moved is not trusted", async () => {
  const ada = worker("ada");
  await ada.ok("submit_plan", { title: "p", integrate: true, tasks: TWO });
  await ada.ok("request_task");
  commit(ada.directory, { "a.num": "1" });
  await ada.ok("report_progress", { task_id: "T1", status: "done" });
  const bob = worker("bob");
  const red = commit(bob.directory, { "b.num": "99" });
  git(bob.directory, "update-ref", "refs/heads/guvnor/P1", red);
  await ada.measure();
  expect(await task("T1")).toMatchObject({ state: "review" });
  git(bob.directory, "update-ref", "-d", "refs/heads/guvnor/P1");
  const accept = { task_id: "T1", reason: "put back" };
  await fleet.asPerson("tasks_accept", accept);
  await ada.measure();
  expect(await task("T1")).toMatchObject({ state: "done" });
});

describe("done in a worktree", () => {
  beforeEach(async () => {
    await worker("lead").ok("submit_plan", { title: "p", tasks: TWO });
  });

  test("with uncommitted changes stays running and says which", async () => {
    const ada = worker("ada");
    await ada.ok("request_task");
    writeFileSync(join(ada.directory, "new file.txt"), "x");
    expect(await ada.ok("report_progress", { task_id: "T1", status: "done" })).toMatchObject({
      accepted: false,
      task: { state: "running" },
      missing: [{ gate: "commit", evidence: expect.stringContaining("new file.txt") }],
    });
  });

  test("with a changed protected file waits for a person", async () => {
    const ada = worker("ada");
    await ada.ok("request_task");
    commit(ada.directory, { "check.mjs": "process.exit(0)", "a.num": "99" });
    await ada.ok("report_progress", { task_id: "T1", status: "done" });
    await ada.measure();
    expect(await task("T1")).toMatchObject({ state: "review" });
    const asked = await fleet.read(async (tx) => await tx.escalations.list(["open"], 9));
    expect(asked[0]?.detail).toContain("check.mjs");
  });

  test("is measured on the commit, not on what lies in the worktree afterwards", async () => {
    const ada = worker("ada");
    await ada.ok("request_task");
    commit(ada.directory, { "a.num": "11" });
    await ada.ok("report_progress", { task_id: "T1", status: "done" });
    writeFileSync(join(ada.directory, "a.num"), "1");
    await ada.measure();
    expect(await task("T1")).toMatchObject({ state: "running", missing: [{ gate: "sum" }] });
    expect(readFileSync(join(ada.directory, "a.num"), "utf8")).toBe("1");
  });

  test("a commit that is not there is refused, an abbreviated one is taken in full", async () => {
    const ada = worker("ada");
    await ada.ok("request_task");
    const report = { task_id: "T1", status: "done" };
    const unknown = await ada.call("report_progress", { ...report, commit: "nowhere" });
    expect(unknown.body).toMatchObject({ code: "input_invalid" });
    const option = await ada.call("report_progress", { ...report, commit: "--all" });
    expect(option.body).toMatchObject({ code: "input_invalid" });
    const full = commit(ada.directory, { "a.num": "1" });
    await ada.ok("report_progress", { ...report, commit: full.slice(0, 10) });
    expect(await task("T1")).toMatchObject({ state: "review", commit: full });
  });

  test("head equal to base is allowed and shown", async () => {
    const ada = worker("ada");
    await ada.ok("request_task");
    await ada.ok("report_progress", { task_id: "T1", status: "done" });
    await ada.measure();
    const head = git(ada.directory, "rev-parse", "HEAD");
    expect(await task("T1")).toMatchObject({ state: "done", commit: head });
  });

  test("a commit named HEAD is that of the agent's worktree, not of main", async () => {
    const ada = worker("ada");
    await ada.ok("request_task");
    const head = commit(ada.directory, { "a.num": "11" });
    await ada.ok("report_progress", { task_id: "T1", status: "done", commit: "HEAD" });
    expect(await task("T1")).toMatchObject({ state: "review", commit: head });
  });

  test("a protected file that was changed before the claim is found all the same", async () => {
    const ada = worker("ada");
    commit(ada.directory, { "check.mjs": "process.exit(0)" });
    await ada.ok("request_task");
    commit(ada.directory, { "a.num": "99" });
    await ada.ok("report_progress", { task_id: "T1", status: "done" });
    await ada.measure();
    expect(await task("T1")).toMatchObject({ state: "review" });
  });

  test("guvnor's own branch is no place to work", async () => {
    const ada = worker("ada");
    await ada.ok("request_task");
    git(ada.directory, "switch", "-q", "-c", "guvnor/P1");
    commit(ada.directory, { "a.num": "1" });
    expect(await ada.ok("report_progress", { task_id: "T1", status: "done" })).toMatchObject({
      accepted: false,
      missing: [{ gate: "branch" }],
    });
  });
});

test("a silent agent that still changes files keeps its task", async () => {
  const [ada, bob] = [worker("ada"), worker("bob")];
  await ada.ok("submit_plan", { title: "p", tasks: [{ key: "a", title: "A" }] });
  await ada.ok("request_task");
  // The fleet's clock stands at the start of 2026 and the files are of today: they are news to it.
  const askAt = async (now: () => number): Promise<JsonObject> => {
    const governor = createGovernor({ ...bob.deps, now }, OPERATIONS);
    const caller = { kind: "agent", channel: "stdio", clientName: "bob" } as const;
    const { signal } = new AbortController();
    return (await governor.call({ operation: "request_task", args: {}, caller, signal })).body;
  };
  expect(await askAt(() => Date.now())).toMatchObject({ reason: "nothing_ready" });
  const answer = await askAt(() => Date.now() + NO_SETTINGS.stall.afterMs + 1000);
  expect(answer).toMatchObject({ task: { id: "T1" }, lease: { fence: 2 } });
});

async function propose(author: Worker, text: string): Promise<void> {
  const id = commit(author.directory, { "a.num": text });
  const solution = { topic_id: "B1", title: text, body: text, commit: id.slice(0, 12) };
  await author.ok("propose_solution", solution);
}

describe("solutions of a topic", () => {
  test("are measured by the real gate on their commits, and merged to see what contradicts what", async () => {
    const [ada, bob] = [worker("ada"), worker("bob")];
    for (const each of [ada, bob]) await each.ok("read_board");
    const checks = { gates: ["sum"], files: ["a.num"] };
    await ada.ok("open_topic", { title: "Which number?", problem: "At most ten.", checks });
    await propose(ada, "4");
    await propose(bob, "40");
    await bob.measure();
    expect(await bob.ok("read_board", { topic_id: "B1" })).toMatchObject({
      topic: { state: "proposing", wants: "propose" },
    });
    await propose(bob, "5");
    await bob.measure();
    for (const each of [ada, bob]) {
      expect(await each.ok("read_board", { topic_id: "B1" })).toMatchObject({
        topic: { state: "voting" },
      });
      await each.ok("vote", { topic_id: "B1", ballot: ["S3", "S1"], reason: "r" });
    }
    expect(await ada.ok("read_board", { topic_id: "B1" })).toMatchObject({
      decision: { winner: "S3" },
      solutions: [{ id: "S1" }, { id: "S2", off_ballot: expect.stringContaining("sum") }, {}],
      // Bob's second commit is on top of his first: those two agree.
      conflicts: {
        count: 2,
        pairs: [
          { a: "S1", b: "S2", by: "merge" },
          { a: "S1", b: "S3", by: "merge" },
        ],
      },
    });
  });
});

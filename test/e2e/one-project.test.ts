import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { openAt } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { findProject } from "../../src/project-paths.ts";
import { commit, createRepository, git } from "../git/repository-fixture.ts";
import { startAgent, taskOf, temporaryDirectory } from "./agent-process.ts";
import { agentsOf, entriesOf, processesOf } from "./ledger.ts";

const LOG = { info: () => {}, warn: () => {}, error: () => {} };

/** What `guvnor init` does to the ledger; answers where it lies. */
async function initProject(directory: string): Promise<string> {
  const config = readConfig({});
  const paths = await findProject(config, directory, "create");
  if (paths === undefined) throw new Error(`no project can be at ${directory}`);
  const project = await openAt(paths, { config, directory, log: LOG });
  await project.close();
  return paths.dataDir;
}

test("a repository, its subfolders and its linked worktrees are one project", async () => {
  const main = createRepository({ "src/a.txt": "a\n" });
  const linked = join(temporaryDirectory(), "linked");
  git(main, "worktree", "add", "--quiet", "--detach", linked);
  mkdirSync(join(linked, "deep", "er"), { recursive: true });
  const home = await initProject(main);
  expect(home).toBe(join(main, ".git", "guvnor"));

  const places = [main, join(main, "src"), linked, join(linked, "deep", "er")];
  const agents = [];
  for (const [index, cwd] of places.entries()) {
    agents.push(await startAgent(`agent-${index}`, { cwd }));
  }
  const [first, ...others] = agents;
  const tasks = places.map((_, index) => ({ key: `k${index}`, title: "T" }));
  await first?.ok("submit_plan", { title: "Work", tasks });
  const got = [];
  for (const agent of [...others, first]) got.push(taskOf((await agent?.ok("request_task")) ?? {}));
  expect(got).toEqual(["T1", "T2", "T3", "T4"]);
  expect(agentsOf(home)).toHaveLength(4);
  expect(processesOf(home)).toHaveLength(4);
});

test("a bare repository and its worktrees are one project, and its ledger lies beside the objects", async () => {
  const source = createRepository();
  const bare = join(temporaryDirectory(), "project.git");
  git(source, "clone", "--quiet", "--bare", source, bare);
  const linked = ["one", "two"].map((name) => join(temporaryDirectory(), name));
  for (const path of linked) git(bare, "worktree", "add", "--quiet", "--detach", path, "main");
  const home = await initProject(linked[0] ?? "");
  expect(home).toBe(join(bare, "guvnor"));
  for (const [index, cwd] of [...linked, bare].entries()) {
    const { ok } = await startAgent(`agent-${index}`, { cwd });
    await ok("get_status", { scope: "project" });
  }
  expect(agentsOf(home)).toEqual(["agent-0", "agent-1", "agent-2"]);
});

test("git clean -fdx, a removed worktree and a checkout leave the ledger", async () => {
  const main = createRepository({ "a.txt": "a\n", ".gitignore": "ignored\n" });
  const linked = join(temporaryDirectory(), "linked");
  git(main, "worktree", "add", "--quiet", "--detach", linked);
  const home = await initProject(linked);
  const agent = await startAgent("ada", { cwd: linked });
  await agent.ok("submit_plan", { title: "Work", tasks: [{ key: "a", title: "A" }] });
  await agent.ok("request_task");
  for (const tree of [main, linked]) git(tree, "clean", "--quiet", "-ffdx");
  git(main, "stash", "--quiet", "--all");
  commit(main, { "b.txt": "b\n" });
  git(main, "reset", "--quiet", "--hard", "HEAD~1");
  git(main, "worktree", "remove", "--force", linked);
  git(main, "gc", "--quiet", "--prune=now");
  expect(existsSync(linked)).toBe(false);
  const entries = entriesOf(home).length;
  expect(entries).toBeGreaterThan(2);
  // The running process and a new one go on with it.
  expect(await agent.ok("get_status")).toMatchObject({ tasks: [{ id: "T1" }] });
  const later = await startAgent("bob", { cwd: main });
  expect(await later.ok("get_status", { scope: "task", id: "T1" })).toMatchObject({
    task: { holder: "ada" },
  });
  expect(entriesOf(home).length).toBe(entries + 2);
});

test("where no project was made, nothing is made by asking", async () => {
  const main = createRepository();
  const { refusal } = await startAgent("ada", { cwd: main });
  expect(await refusal("request_task")).toBe("no_project");
  expect(existsSync(join(main, ".git", "guvnor"))).toBe(false);
  expect(git(main, "status", "--porcelain", "--ignored")).toBe("");
  // Somebody runs `guvnor init` meanwhile: the same process finds it.
  await initProject(main);
  expect(await refusal("get_status", { scope: "task", id: "T1" })).toBe("task_not_found");
});

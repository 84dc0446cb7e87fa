import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { afterEach, describe, expect, it, vi } from "vitest";

import type {
  GateRunner,
  MeasureRequest,
  Measurement,
  PrepareCommand,
} from "../../src/engine/ports.ts";
import { createGateRunner } from "../../src/runner/gate-runner.ts";
import { commit, createRepository, git, temporaryDirectory } from "../git/repository-fixture.ts";
import { MIB, expectGone, killAtTheEnd, pidsIn, waitForLines } from "./process-fixture.ts";

const LIMITS = { timeoutMs: 60_000, maxMemoryBytes: 4096 * MIB, maxOutputBytes: 10 * MIB };

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A project with its runner; `sh` measures a shell script on a commit. */
interface Project {
  readonly root: string;
  readonly dataDir: string;
  readonly workspace: string;
  readonly runner: GateRunner;
  readonly sh: (
    script: string,
    change?: Partial<MeasureRequest>,
    signal?: AbortSignal,
  ) => Promise<Measurement>;
}

function openProject(
  root = createRepository({ "a.txt": "a\n", ".gitignore": "*.log\nnode_modules\n" }),
): Project {
  const dataDir = join(root, ".git/guvnor");
  let ms = 1000;
  const now = (): number => (ms += 50);
  const runner = createGateRunner({ dataDir, commonDir: join(root, ".git"), now });
  const workspace = join(dataDir, "workspaces/1");
  const sh: Project["sh"] = async (script, change = {}, signal = new AbortController().signal) => {
    const request = {
      runId: "G7",
      gate: { name: "tests", run: ["sh", "-c", script], ...LIMITS },
      prepare: undefined,
      commit: git(root, "rev-parse", "HEAD"),
      directory: root,
      slot: "1",
      cleanFully: false,
      ...change,
    };
    return await runner.measure(request, signal);
  };
  return { root, dataDir, workspace, runner, sh };
}

function prepareWith(script: string, key: readonly string[]): PrepareCommand {
  return { name: "prepare", run: ["sh", "-c", script], key, ...LIMITS };
}

describe("the verdict", () => {
  it("is pass for exit code 0, with the whole measurement", async () => {
    const project = openProject();
    expect(await project.sh("cat a.txt")).toEqual({
      verdict: "pass",
      summary: "sh -c cat a.txt exited with 0 after 0.1 s.",
      exitCode: 0,
      durationMs: 50,
      outputTail: "a\n",
      outputCut: false,
      inPlace: false,
    });
  });

  it.each([
    ["another exit code", "exit 3", {}, /^sh -c exit 3 exited with 3 after/, 3],
    ["the end by a signal", "kill -SEGV $$", {}, /ended by SIGSEGV/, null],
    [
      "taking too long",
      "sleep 1000",
      { timeoutMs: 100 },
      /took longer than 0\.1 s and was killed/,
      null,
    ],
    [
      "too much output",
      "yes",
      { maxOutputBytes: 1000 },
      /wrote more than 1000 bytes of output/,
      null,
    ],
    [
      "too much memory",
      "sleep 1000",
      { maxMemoryBytes: 1 },
      /took more than 1 bytes of memory/,
      null,
    ],
    ["much output", "yes", { maxOutputBytes: MIB }, /wrote more than 1 MiB of output/, null],
  ])("is fail for %s", async (...row) => {
    const [, script, limits, summary, exitCode] = row;
    const project = openProject();
    const gate = { name: "tests", run: ["sh", "-c", script], ...LIMITS, ...limits };
    const found = await project.sh("", { gate });
    expect(found).toMatchObject({ verdict: "fail", exitCode });
    expect(found.summary).toMatch(summary);
  });

  it("is indeterminate for a missing program", async () => {
    const gate = { name: "tests", run: ["no-such-program", "\u001B[31mx"], ...LIMITS };
    const found = await openProject().sh("", { gate });
    expect(found).toMatchObject({ verdict: "indeterminate", exitCode: null });
    expect(found.summary).toBe(
      "no-such-program x did not run: the program no-such-program was not found (ENOENT).",
    );
  });

  it("is indeterminate when it was stopped, before or meanwhile", async () => {
    const project = openProject();
    const before = await project.sh("true", {}, AbortSignal.abort());
    expect(before).toMatchObject({
      verdict: "indeterminate",
      summary: "The measurement was stopped.",
    });
    const pids = join(temporaryDirectory(), "pids");
    const abort = new AbortController();
    const running = project.sh(`echo $$ >> ${pids}; sleep 1000`, {}, abort.signal);
    await waitForLines(pids, 1);
    abort.abort();
    const found = await running;
    expect(found.verdict).toBe("indeterminate");
    expect(found.summary).toMatch(/was stopped after/);
    expectGone(pidsIn(pids));
  });

  it.each([
    [
      { commit: "0123456789012345678901234567890123456789" },
      /^Commit 0123.* is not in the repository/,
    ],
    [{ commit: "--help" }, /is not in the repository/],
    [{ slot: "../1" }, /is no name of a workspace/],
  ])("is indeterminate where nothing can be checked out (%j)", async (change, summary) => {
    const found = await openProject().sh("true", change);
    expect(found).toMatchObject({ verdict: "indeterminate", exitCode: null, durationMs: 0 });
    expect(found.summary).toMatch(summary);
  });

  it("is indeterminate when the data directory cannot be written", async () => {
    const { root } = openProject();
    const dataDir = join(temporaryDirectory(), "file");
    writeFileSync(dataDir, "");
    const runner = createGateRunner({ dataDir, commonDir: join(root, ".git"), now: () => 0 });
    const gate = { name: "tests", run: ["true"], ...LIMITS };
    const request = {
      runId: "G1",
      gate,
      prepare: undefined,
      directory: root,
      slot: "1",
      cleanFully: true,
    };
    const head = git(root, "rev-parse", "HEAD");
    const found = await runner.measure({ ...request, commit: head }, new AbortController().signal);
    expect(found).toMatchObject({
      verdict: "indeterminate",
      summary: expect.stringMatching(/ENOTDIR/),
    });
  });

  it("cuts long commands in its summary", async () => {
    const found = await openProject().sh(`true ${"x".repeat(500)}`);
    expect(found.summary).toMatch(/^sh -c true x{88,92}… exited with 0/);
  });
});

describe("in place, outside git", () => {
  it("runs in the directory itself, without preparing it", async () => {
    const directory = temporaryDirectory();
    const dataDir = join(directory, ".guvnor");
    const runner = createGateRunner({ dataDir, commonDir: null, now: () => 0 });
    const request = {
      runId: "G1",
      gate: { name: "tests", run: ["pwd"], ...LIMITS },
      prepare: prepareWith("touch prepared", []),
      commit: null,
      directory,
      slot: "1",
      cleanFully: true,
    };
    const { signal } = new AbortController();
    const found = await runner.measure(request, signal);
    expect(found).toMatchObject({ verdict: "pass", inPlace: true, outputTail: `${directory}\n` });
    expect(existsSync(join(directory, "prepared"))).toBe(false);
    const missing = await runner.measure({ ...request, directory: "/missing" }, signal);
    expect(missing).toMatchObject({ verdict: "indeterminate", inPlace: true });
    const onCommit = await runner.measure({ ...request, commit: "a".repeat(40) }, signal);
    expect(onCommit.summary).toBe("There is no repository to check a commit out from.");
  });
});

describe("a workspace", () => {
  it("shows exactly the commit, whatever runs before it left behind", async () => {
    const project = openProject();
    const { root, sh } = project;
    const first = git(root, "rev-parse", "HEAD");
    const second = commit(root, { "a.txt": "b\n", "sp ace\né.txt": "odd\n", "dir/file": "x" });
    const mess = `
      echo dirty > a.txt; rm -r dir; mkdir -p new/deep nested; echo junk > new/deep/junk; echo log > x.log
      git init -q nested; echo file > dir; echo 'new/' >> .git/info/exclude || mkdir .git/info
      git add --all; git update-index --skip-worktree a.txt; git config core.worktree ..`;
    await sh(mess, { commit: second });
    const found = await sh("cat a.txt dir/file sp*; ls -A; git status --porcelain", {
      commit: second,
    });
    expect(found.outputTail).toBe("b\nxodd\n.git\n.gitignore\na.txt\ndir\nsp ace\né.txt\nx.log\n");
    const older = await sh("ls -A; cat a.txt", { commit: first });
    expect(older.outputTail).toBe(".git\n.gitignore\na.txt\nx.log\na\n");
    const full = await sh("ls -A", { commit: first, cleanFully: true });
    expect(full.outputTail).toBe(".git\n.gitignore\na.txt\n");
  });

  it("is a repository of its own that knows the history and none of the user's refs", async () => {
    const { root, sh } = openProject();
    git(root, "worktree", "add", "--quiet", "--detach", join(temporaryDirectory(), "agent"));
    const before = [git(root, "for-each-ref"), git(root, "worktree", "list"), git(root, "status")];
    const head = commit(root, { "b.txt": "b" });
    const found = await sh(
      "git rev-parse HEAD; git log --format=%s; git for-each-ref; git status --short",
    );
    expect(found.outputTail).toBe(`${head}\nchange\nchange\n`);
    await sh(
      "git branch -f main HEAD~1; git tag evil; git push . HEAD:refs/heads/evil; git gc -q --prune=now",
    );
    git(root, "reset", "--quiet", "--hard", "HEAD~1");
    expect([git(root, "for-each-ref"), git(root, "worktree", "list"), git(root, "status")]).toEqual(
      before,
    );
  });

  it("does not let git find the project's repository when its own is removed", async () => {
    const found = await openProject().sh("rm -rf .git; git rev-parse --git-dir");
    expect(found).toMatchObject({ verdict: "fail", exitCode: 128 });
  });

  it("runs no hook: neither the project's, nor one that a command left behind", async () => {
    const project = openProject();
    const trace = join(temporaryDirectory(), "trace");
    const hook = join(project.root, ".git/hooks/post-checkout");
    mkdirSync(join(project.root, ".git/hooks"), { recursive: true });
    writeFileSync(hook, `#!/bin/sh\ntouch ${trace}\n`);
    chmodSync(hook, 0o755);
    await project.sh("true");
    const plant = `
      mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch ${trace}\\n' > .git/hooks/post-checkout
      chmod +x .git/hooks/post-checkout; git config core.hooksPath .git/hooks
      git config core.fsmonitor 'touch ${trace}; false'; git config filter.x.smudge 'touch ${trace}; cat'
      mkdir -p .git/info; echo '* filter=x' > .git/info/attributes`;
    await project.sh(plant);
    commit(project.root, { "a.txt": "changed" });
    rmSync(trace, { force: true });
    const found = await project.sh("ls .git/hooks 2>&1; cat a.txt; git status --short");
    expect(found.outputTail).toMatch(/^ls: .*hooks.*\nchanged$/);
    expect(existsSync(trace)).toBe(false);
  });

  it("is not misled by GIT_DIR in the environment, and neither is the gate", async () => {
    const project = openProject();
    const other = createRepository({ "other.txt": "other" });
    vi.stubEnv("GIT_DIR", join(other, ".git"));
    vi.stubEnv("GIT_INDEX_FILE", join(other, ".git/index"));
    const found = await project.sh("ls; git log --format=%s");
    expect(found).toMatchObject({ verdict: "pass", outputTail: "a.txt\nchange\n" });
  });

  it("does not disturb another one that is used at the same time", async () => {
    const project = openProject();
    const meeting = temporaryDirectory();
    const first = git(project.root, "rev-parse", "HEAD");
    const second = commit(project.root, { "a.txt": "b\n" });
    // Each waits for the other, so that both run at once.
    const script = (own: string, other: string): string => `
      echo here > ${meeting}/${own}; while [ ! -e ${meeting}/${other} ]; do sleep 0.01; done; cat a.txt`;
    const [one, two] = await Promise.all([
      project.sh(script("one", "two"), { slot: "1", commit: first }),
      project.sh(script("two", "one"), { slot: "2", commit: second }),
    ]);
    expect([one, two]).toMatchObject([
      { verdict: "pass", outputTail: "a\n" },
      { verdict: "pass", outputTail: "b\n" },
    ]);
  });

  it.each([
    ["its repository is damaged", (path: string) => writeFileSync(`${path}.git/index`, "broken")],
    ["its repository is gone", (path: string) => rmSync(`${path}.git`, { recursive: true })],
    ["the checkout is gone", (path: string) => rmSync(path, { recursive: true })],
    ["its record is cut short", (path: string) => writeFileSync(`${path}.json`, '{"state":')],
    ["its record is of another version", (path: string) => writeFileSync(`${path}.json`, "{}")],
    ["its git had not finished", (path: string) => writeFileSync(`${path}.git/index.lock`, "")],
  ])("is made anew when %s", async (_, damage) => {
    const { sh, workspace } = openProject();
    await sh("true");
    damage(workspace);
    expect(await sh("cat a.txt")).toMatchObject({ verdict: "pass", outputTail: "a\n" });
  });

  it("is made anew when a command replaced it by a link, whose target stays untouched", async () => {
    const { sh, workspace } = openProject();
    await sh("true");
    const precious = temporaryDirectory();
    writeFileSync(join(precious, "thesis.txt"), "words");
    rmSync(workspace, { recursive: true });
    symlinkSync(precious, workspace);
    expect(await sh("ls")).toMatchObject({ outputTail: "a.txt\n" });
    expect(readFileSync(join(precious, "thesis.txt"), "utf8")).toBe("words");
  });

  it("is made anew when its last user was killed, whose processes are ended first", async () => {
    const { root, dataDir, sh } = openProject();
    const pids = join(temporaryDirectory(), "pids");
    const module = JSON.stringify(new URL("../../src/runner/gate-runner.ts", import.meta.url).href);
    const run = [
      "sh",
      "-c",
      `touch half.log; echo $$ >> ${pids}; setsid sleep 1000 & echo $! >> ${pids}; wait`,
    ];
    const request = {
      runId: "G1",
      gate: { name: "tests", run, ...LIMITS },
      commit: git(root, "rev-parse", "HEAD"),
      directory: root,
      slot: "1",
      cleanFully: false,
    };
    const options = `{ dataDir: ${JSON.stringify(dataDir)}, commonDir: ${JSON.stringify(join(root, ".git"))}, now: Date.now }`;
    const script = `(await import(${module})).createGateRunner(${options})
      .measure(${JSON.stringify(request)}, new AbortController().signal);`;
    const user = spawn(process.execPath, ["--input-type=module", "-e", script]);
    await waitForLines(pids, 2);
    for (const pid of pidsIn(pids)) killAtTheEnd(pid);
    user.kill("SIGKILL");
    await once(user, "exit");
    expect(await sh("ls")).toMatchObject({ verdict: "pass", outputTail: "a.txt\n" });
    expectGone(pidsIn(pids));
  });

  it("holds the directories of submodules empty and leaves what a full cleaning does not cover", async () => {
    const library = createRepository();
    const project = openProject();
    git(
      project.root,
      "-c",
      "protocol.file.allow=always",
      "submodule",
      "--quiet",
      "add",
      library,
      "lib",
    );
    commit(project.root, {});
    const used = await project.sh(
      "ls -A lib; mkdir -p .git/modules/lib; touch lib/built .git/modules/lib/HEAD",
    );
    expect(used).toMatchObject({ verdict: "pass", outputTail: "" });
    const kept = await project.sh("ls -A lib .git/modules/lib");
    expect(kept.outputTail).toBe(".git/modules/lib:\nHEAD\n\nlib:\nbuilt\n");
    const clean = await project.sh("ls -A lib; test ! -e .git/modules", { cleanFully: true });
    expect(clean).toMatchObject({ verdict: "pass", outputTail: "" });
  });

  it("works for a bare repository with SHA-256 names whose path holds quotes and a newline", async () => {
    const source = createRepository({ "a.txt": "a\n" }, "--object-format=sha256");
    const bare = join(temporaryDirectory(), 'the "bare"\\\none.git');
    git(source, "clone", "--quiet", "--bare", source, bare);
    const runner = createGateRunner({
      dataDir: join(bare, "guvnor"),
      commonDir: bare,
      now: () => 0,
    });
    const request = {
      runId: "G1",
      gate: { name: "tests", run: ["git", "log", "--format=%s"], ...LIMITS },
      prepare: undefined,
      commit: git(source, "rev-parse", "HEAD"),
      directory: bare,
      slot: "1",
      cleanFully: false,
    };
    const found = await runner.measure(request, new AbortController().signal);
    expect(found).toMatchObject({ verdict: "pass", outputTail: "change\n" });
  });
});

const INSTALL =
  'mkdir -p node_modules; echo once >> node_modules/count; cat "lock é" > node_modules/lock';
const KEY = ["lock*", "packages/*/lock"];

function openWithLock(): Project {
  const project = openProject();
  commit(project.root, { "lock é": "1", "packages/x/lock": "1" });
  return project;
}

describe("prepare", () => {
  it("runs once, and again only when a key file or its own command changed", async () => {
    const { root, sh } = openWithLock();
    const prepare = prepareWith(INSTALL, KEY);
    const count = async (change: Partial<MeasureRequest> = {}): Promise<string> =>
      (await sh("wc -l < node_modules/count | tr -d ' \\n'", { prepare, ...change })).outputTail;
    expect(await count()).toBe("1");
    expect(await count()).toBe("1");
    commit(root, { "a.txt": "changed" });
    expect(await count()).toBe("1");
    commit(root, { "lock é": "2" });
    expect(await count()).toBe("2");
    commit(root, { "packages/x/lock": null });
    expect(await count()).toBe("3");
    expect(await count({ prepare: prepareWith(`${INSTALL}; true`, KEY) })).toBe("4");
    expect(await count({ slot: "2" })).toBe("1");
  });

  it("runs each time where everything ignored is removed", async () => {
    const { sh } = openWithLock();
    const request = { prepare: prepareWith(INSTALL, KEY), cleanFully: true };
    for (let round = 0; round < 2; round += 1) {
      const found = await sh("wc -l < node_modules/count | tr -d ' \\n'", request);
      expect(found).toMatchObject({ verdict: "pass", outputTail: "1" });
    }
  });

  it("runs again when what it had made is gone", async () => {
    const { root, sh } = openWithLock();
    const prepare = prepareWith(INSTALL, KEY);
    const gate = "wc -l < node_modules/count | tr -d ' \\n'; rm -r node_modules";
    expect(await sh(gate, { prepare })).toMatchObject({ outputTail: "1" });
    expect(await sh(gate.replace("rm -r", "ls -d"), { prepare })).toMatchObject({
      verdict: "pass",
    });
    // No longer ignored, so that cleaning takes it away.
    commit(root, { ".gitignore": "*.log\n" });
    expect(await sh(gate, { prepare })).toMatchObject({ verdict: "pass", outputTail: "1" });
  });

  it("runs each time where it makes what cleaning takes away", async () => {
    const { sh } = openWithLock();
    const counter = join(temporaryDirectory(), "count");
    const prepare = prepareWith(`echo once >> ${counter}; mkdir installed; touch installed/x`, KEY);
    await sh("ls installed", { prepare });
    expect(await sh("ls installed", { prepare })).toMatchObject({ verdict: "pass" });
    expect(readFileSync(counter, "utf8")).toBe("once\nonce\n");
  });

  it("makes the measurement indeterminate when it fails, and is tried again from nothing", async () => {
    const { sh } = openWithLock();
    const broken = prepareWith("touch half.log; echo no registry; exit 1", KEY);
    const found = await sh("true", { prepare: broken });
    expect(found).toMatchObject({
      verdict: "indeterminate",
      exitCode: 1,
      outputTail: "no registry\n",
    });
    expect(found.summary).toMatch(/^Preparing the workspace failed: sh -c .* exited with 1/);
    const again = await sh("test ! -e half.log", { prepare: prepareWith(INSTALL, KEY) });
    expect(again.verdict).toBe("pass");
  });

  it("counts as not run when it was stopped halfway", async () => {
    const { sh } = openWithLock();
    const pids = join(temporaryDirectory(), "pids");
    const abort = new AbortController();
    const slow = prepareWith(`${INSTALL}; echo $$ >> ${pids}; sleep 1000`, KEY);
    const running = sh("true", { prepare: slow }, abort.signal);
    await waitForLines(pids, 1);
    abort.abort();
    expect((await running).verdict).toBe("indeterminate");
    const again = await sh("cat node_modules/count", { prepare: prepareWith(INSTALL, KEY) });
    expect(again.outputTail).toBe("once\n");
  });

  it("makes the measurement indeterminate when its globs cannot be read", async () => {
    const { sh } = openWithLock();
    const found = await sh("true", { prepare: prepareWith("true", ["!lock"]) });
    expect(found.verdict).toBe("indeterminate");
    expect(found.summary).toMatch(/!lock/);
  });
});

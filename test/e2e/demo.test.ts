import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runDemo } from "../../src/cli/commands/demo.ts";
import { loadSample, shippedSample } from "../../src/cli/demo/sample.ts";
import { createView } from "../../src/cli/view.ts";
import { loadSettings } from "../../src/policy/load-settings.ts";
import { removeTree } from "../../src/runner/remove-tree.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
/** Many times what it takes, for machines that do something else beside. */
const LIMIT_MS = 200_000;

/** What must be the same on every run. */
interface Document {
  ok: boolean;
  problem?: string;
  directory?: string;
  plan: string;
  branch: string;
  tree: string;
  winner: { id: string; title: string };
  tasks: {
    key: string;
    state: string;
    verified_by: string;
    attempts: number;
    sent_back: { by: string; missing: string[] }[];
  }[];
  checks: { name: string; ok: boolean }[];
}

let scratch: string;
let tmpBefore: string | undefined;
const children: ChildProcess[] = [];

beforeEach(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), "demo-test-")));
  // Where the demo makes its directories, so that what it leaves can be seen.
  tmpBefore = process.env["TMPDIR"];
  process.env["TMPDIR"] = join(scratch, "tmp");
  mkdirSync(join(scratch, "tmp"));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  if (tmpBefore === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = tmpBefore;
  await removeTree(scratch);
});

function left(): string[] {
  return readdirSync(join(scratch, "tmp"));
}

/** Processes that were started for a demo of this test: all have its directory in their environment. */
function processesLeft(): string[] {
  if (process.platform !== "linux") {
    const table = execFileSync("ps", ["axeww", "-o", "pid=,command="], { encoding: "utf8" });
    return table.split("\n").filter((line) => line.includes(`HOME=${scratch}`));
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(`HOME=${scratch}`));
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    // It has ended, or is not ours.
    return "";
  }
}

function start(...args: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [MAIN, "demo", ...args], {
    cwd: scratch,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  return { child, output: () => output };
}

async function untilSaid(output: () => string, child: ChildProcess, what: string): Promise<void> {
  while (!output().includes(what)) {
    if (child.exitCode !== null) throw new Error(`It ended before it said ${what}: ${output()}`);
    await once(child.stdout ?? child, "data");
  }
}

/** The same in this process. */
async function perform(
  options: { sample?: string; keep?: string; json?: boolean } = {},
): Promise<{ exitCode: number; output: string }> {
  let output = "";
  const stdout = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      output += chunk.toString();
      done();
    },
  });
  const { json = true, ...rest } = options;
  const exitCode = await runDemo({
    ...rest,
    json,
    stdout,
    env: process.env,
    directory: scratch,
    view: createView({}, {}),
  });
  return { exitCode, output };
}

function parse(output: string): Document {
  return JSON.parse(output) as Document;
}

/** A copy of the shipped sample with one file changed. */
function brokenSample(file: string, change: (text: string) => string): string {
  const directory = join(scratch, "sample");
  cpSync(shippedSample(), directory, { recursive: true });
  const path = join(directory, file);
  const before = readFileSync(path, "utf8");
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
  return directory;
}

describe("the demo", () => {
  it(
    "comes to the same end on every run, shows it, and leaves nothing",
    { timeout: 2 * LIMIT_MS },
    async () => {
      const told = start("--keep", "kept");
      const [exitCode] = (await once(told.child, "exit")) as [number];
      const text = told.output();
      expect({ exitCode, text }).toMatchObject({ exitCode: 0 });
      expect(processesLeft()).toEqual([]);
      const git = ["-C", join(scratch, "kept", "repository"), "rev-parse", "guvnor/P1^{tree}"];
      const tree = execFileSync("git", git, { encoding: "utf8" }).trim();
      for (const said of [
        "kills cleo",
        "T3  fix-intervals: dan begins, attempt 2",
        "T4  fix-durations: sent back to ben: tests did not pass",
        "T12 wide-characters: sent back to dan: it conflicts",
        "S2 won",
        "The demo plays the person: guvnor escalations resolve E1",
        "audit verify: all",
        " init",
        '"mcpServers"',
      ]) {
        expect(text).toContain(said);
      }
      const wide = text.split("\n").filter((line) => line.length > 80 && !line.includes("/"));
      expect(wide).toEqual([]);
      // oxlint-disable-next-line no-control-regex -- no colours, and nothing else that a terminal obeys
      expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F]/);

      const { exitCode: again, output } = await perform();
      const document = parse(output);
      expect({ again, output }).toMatchObject({ again: 0 });
      expect(document.tree).toBe(tree);
      expect(document).toMatchObject({
        ok: true,
        plan: "P1",
        branch: "guvnor/P1",
        winner: { id: "S2", title: "linear: between the two neighbours" },
      });
      expect(document.checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(document.checks.length).toBe(11);
      expect(document.tasks.length).toBeGreaterThanOrEqual(12);
      for (const task of document.tasks) {
        const sentBack = {
          "fix-durations": [{ by: "ben", missing: ["tests"] }],
          "wide-characters": [{ by: "dan", missing: ["merge"] }],
        }[task.key];
        expect(task).toMatchObject({
          state: "done",
          verified_by: "gates",
          attempts: task.key === "fix-intervals" ? 2 : 1,
          sent_back: sentBack ?? [],
        });
      }
      expect(left()).toEqual([]);
      expect(processesLeft()).toEqual([]);
    },
  );

  it(
    "fails when a gate cannot pass, says which, and keeps the directory",
    { timeout: LIMIT_MS },
    async () => {
      const sample = brokenSample("project/src/group.mjs", (text) =>
        text.replace("group.length", "group.length + 1"),
      );
      const { exitCode, output } = await perform({ sample, json: false });
      expect(exitCode).toBe(1);
      expect(output).toMatch(/T\d+ \S+ cannot be done\. tests: node --test exited with 1/);
      const [kept, ...more] = left();
      expect(more).toEqual([]);
      expect(output.replaceAll(/\s/g, "")).toContain(join(scratch, "tmp", kept ?? "?"));
      expect(processesLeft()).toEqual([]);
    },
  );

  it("fails when what had to happen did not happen", { timeout: LIMIT_MS }, async () => {
    // The first try is right already: nothing is sent back by a gate.
    const sample = brokenSample("solutions/fix-durations/recipe.yaml", (text) =>
      text.replace("first-try.patch]", "first-try.patch, mend.patch]"),
    );
    const { exitCode, output } = await perform({ sample });
    const document = parse(output);
    expect(exitCode).toBe(1);
    expect(document.problem).toBeUndefined();
    expect(document.checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["sent back"]);
    expect(document.directory).toContain(scratch);
    expect(processesLeft()).toEqual([]);
  });

  it("fails when an agent's script ends early", { timeout: LIMIT_MS }, async () => {
    const sample = brokenSample("solutions/fix-durations/test.patch", () => "no patch\n");
    const { exitCode, output } = await perform({ sample });
    expect(exitCode).toBe(1);
    expect(parse(output).problem).toContain("Agent ben ended with 1");
    expect(processesLeft()).toEqual([]);
  });

  it("cleans up when it is interrupted", { timeout: LIMIT_MS }, async () => {
    const { child, output } = start();
    await untilSaid(output, child, "begins");
    child.kill("SIGINT");
    const [exitCode] = (await once(child, "exit")) as [number];
    expect({ exitCode, output: output() }).toMatchObject({ exitCode: 130 });
    expect(left()).toEqual([]);
    expect(processesLeft()).toEqual([]);
  });

  it("refuses a directory that is not empty, and a sample that is none", async () => {
    writeFileSync(join(scratch, "something"), "");
    await expect(perform({ keep: "." })).rejects.toMatchObject({ code: "input_invalid" });
    await expect(perform({ sample: "." })).rejects.toMatchObject({ code: "config_invalid" });
    expect(left()).toEqual([]);
  });
});

describe("the demo's sample", () => {
  it("has a gate for each task that does not pass before the work is done", () => {
    const { project, plan } = loadSample(shippedSample());
    const file = join(project, "guvnor.yaml");
    const { gates } = loadSettings(readFileSync(file, "utf8"), file);
    for (const { key, gates: named } of plan.tasks) {
      const passing = (named as string[]).filter((name) => {
        const [program = "", ...args] = gates[name]?.run ?? [];
        return passes(program === "node" ? process.execPath : program, args, project);
      });
      expect({ key, passing }).not.toEqual({ key, passing: named });
    }
  });
});

function passes(program: string, args: string[], cwd: string): boolean {
  try {
    execFileSync(program, args, { cwd, stdio: "ignore", timeout: 60_000 });
    return true;
  } catch {
    // It ended with another code than 0.
    return false;
  }
}

import { execFile } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import pLimit from "p-limit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { expectRecovery, stateOf } from "./aftermath.ts";
import { databaseIn, openWorld } from "./fault-world.ts";
import { prepare, type Scenario, SCENARIOS } from "./scenarios.ts";

const FIXTURE = join(import.meta.dirname, "crash-fixture.ts");
const FULL = process.env["GUVNOR_TEST_FULL"] === "1";
/** Of the points that are copied in one run, so many apart are also died at for real. */
const REAL_EVERY = FULL ? 1 : 12;
/** Where a commit stops changes nothing but bytes that nobody reads: some recoveries are enough. */
const RECOVER_EVERY = FULL ? 1 : 7;
const CHILD_LIMIT_MS = 30_000;
const TIMEOUT_MS = FULL ? 600_000 : 120_000;
const WAL_HEADER_BYTES = 32;
const FRAME_BYTES = 4096 + 24;

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "guvnor-faults-"));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

/** What the disk held when a statement was about to run, and how many commits came before it. */
interface Point {
  readonly statement: string;
  readonly commits: number;
  readonly directory: string;
}

/**
 * Copies the files whenever a statement is about to run, and once after the last one. A process
 * that is killed leaves exactly the bytes that it had written, so each copy is what `kill -9` at
 * that statement leaves behind, but for the shared memory, which the next process makes anew.
 */
async function copyAtEveryStatement(template: string, scenario: Scenario): Promise<Point[]> {
  const points: Point[] = [];
  const work = fresh(template);
  let commits = 0;
  const copy = (statement: string): void => {
    const directory = fresh(undefined);
    for (const name of ["guvnor.db", "guvnor.db-wal", "git.json"]) {
      if (existsSync(join(work, name))) copyFileSync(join(work, name), join(directory, name));
    }
    points.push({ statement, commits, directory });
    if (statement === "commit") commits += 1;
  };
  const ada = await openWorld(work, {
    name: "ada",
    verdict: scenario.verdict ?? "pass",
    onStatement: copy,
  });
  await scenario.operate(ada);
  copy("end");
  await ada.abandon();
  return points;
}

/** The statements of the operation, from a run that nothing disturbs. */
async function listStatements(template: string, scenario: Scenario): Promise<string[]> {
  const statements: string[] = [];
  const ada = await openWorld(fresh(template), {
    name: "ada",
    verdict: scenario.verdict ?? "pass",
    onStatement: (statement) => statements.push(statement),
  });
  await scenario.operate(ada);
  await ada.abandon();
  return [...statements, "end"];
}

/** Starts a process that dies at the n-th statement; answers the statements that it came to. */
async function dieAt(directory: string, scenario: Scenario, n: number): Promise<string[]> {
  return await new Promise((resolve, reject) => {
    const args = [FIXTURE, directory, scenario.name, String(n)];
    const options = { timeout: CHILD_LIMIT_MS, killSignal: "SIGTERM" } as const;
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error?.signal !== "SIGKILL") reject(new Error(`it did not kill itself: ${stderr}`));
      else resolve(stdout.split("\n").filter(Boolean).map(parseLine));
    });
  });
}

function parseLine(line: string): string {
  const parsed: unknown = JSON.parse(line);
  return String(parsed);
}

let directories = 0;

/** A directory of its own, with the files of another where one is named. */
function fresh(template: string | undefined): string {
  directories += 1;
  const directory = join(root, String(directories));
  if (template === undefined) mkdirSync(directory);
  else cpSync(template, directory, { recursive: true });
  return directory;
}

describe.each(SCENARIOS)("kill -9 in $name", { timeout: TIMEOUT_MS }, (scenario) => {
  let template = "";
  let statements: readonly string[] = [];
  let points: readonly Point[] = [];
  /** What the ledger holds after 0, 1, 2, … commits of the operation. */
  let states: readonly string[] = [];

  beforeAll(async () => {
    template = fresh(undefined);
    await prepare(template, scenario);
    statements = await listStatements(template, scenario);
    points = await copyAtEveryStatement(template, scenario);
    const after = points.filter(({ statement }) => statement === "commit" || statement === "end");
    states = after.map(({ directory }) => stateOf(fresh(directory)));
  });

  test("every statement was a point to be killed at", () => {
    expect(points.map(({ statement }) => statement)).toEqual(statements);
    const commits = statements.filter((statement) => statement === "commit").length;
    expect(commits).toBe(scenario.commits);
    expect(new Set(states).size).toBe(commits + 1);
  });

  test("leaves the operation whole or undone at every statement, and its work goes on", async () => {
    for (const [index, { statement, commits, directory }] of points.entries()) {
      const where = `statement ${index + 1} of ${points.length}: ${statement}`;
      // The copy stays as it is: recovery writes.
      const left = fresh(directory);
      expect({ where, state: stateOf(left) }).toEqual({ where, state: states[commits] });
      await at(where, expectRecovery(left, scenario));
    }
  });

  test("leaves it whole or undone wherever the commit's writing stops", async () => {
    for (const [index, { statement, commits, directory }] of points.entries()) {
      const next = points[index + 1];
      if (statement !== "commit" || next === undefined) continue;
      const whole = readFileSync(walIn(next.directory));
      const ends = cuts(sizeOf(walIn(directory)), whole.length);
      for (const [cut, bytes] of ends.entries()) {
        const torn = fresh(directory);
        writeFileSync(walIn(torn), whole.subarray(0, bytes));
        const where = `${bytes} of ${whole.length} bytes`;
        const expected = states[bytes === whole.length ? commits + 1 : commits];
        expect({ where, state: stateOf(torn) }).toEqual({ where, state: expected });
        if (cut % RECOVER_EVERY === 0) await at(where, expectRecovery(torn, scenario));
      }
    }
  });

  test("does the same to a real process", async () => {
    const turn = pLimit(2);
    const numbers = statements
      .map((_, index) => index + 1)
      .filter((n) => n % REAL_EVERY === 0 || n === statements.length);
    const visited = await Promise.all(
      numbers.map(
        async (n) =>
          await turn(async () => {
            const directory = fresh(template);
            const reached = await dieAt(directory, scenario, n);
            expect(reached).toEqual(statements.slice(0, n));
            const commits = reached.slice(0, -1).filter((each) => each === "commit").length;
            expect({ n, state: stateOf(directory) }).toEqual({ n, state: states[commits] });
            await at(`statement ${n}`, expectRecovery(directory, scenario));
            return reached.at(-1);
          }),
      ),
    );
    if (FULL) expect(visited).toEqual(statements);
  });
});

/** Says where it was that something does not hold. */
async function at(where: string, check: Promise<void>): Promise<void> {
  try {
    await check;
  } catch (error) {
    throw new Error(`after ${where}: ${String(error)}`, { cause: error });
  }
}

/** At each frame's end, in the middle of each, and at both ends. */
function cuts(from: number, to: number): number[] {
  const found = [from];
  let frame = Math.max(from, WAL_HEADER_BYTES);
  for (; frame < to; frame += FRAME_BYTES) {
    if (frame > from) found.push(frame);
    found.push(Math.min(frame + FRAME_BYTES / 2, to - 1));
  }
  return [...found, to];
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

function walIn(directory: string): string {
  return `${databaseIn(directory)}-wal`;
}

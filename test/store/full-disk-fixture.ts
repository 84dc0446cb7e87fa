/**
 * Works on a disk that gets full, and prints what it saw, a JSON object a line.
 *
 * usage: full-disk-fixture.ts <directory> ballast | limit | after
 *
 * ballast  fills the disk under the directory, which must be small, and empties it again
 * limit    writes until this process may not make its files any longer
 * after    a process that comes later, without that limit
 */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

import { GuvnorError } from "../../src/core/errors.ts";
import {
  databaseIn,
  type FaultWorld,
  gitIn,
  makeProject,
  openWorld,
} from "../faults/fault-world.ts";
import { createFileGit } from "../faults/file-git.ts";
import { aTask } from "../support/a-task.ts";
import { inDatabase } from "./database-file.ts";

const MAX_CALLS = 20_000;
const [directory = "", mode] = process.argv.slice(2);
const ballast = join(directory, "ballast");

function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function digest(): string {
  return inDatabase(databaseIn(directory), (database) => {
    database.verify();
    return database.digest();
  });
}

/** What a call came to, and whether the ledger is what it was before. */
async function observe(step: string, work: () => Promise<string>): Promise<void> {
  const before = digest();
  const outcome = await work();
  say({ step, outcome, changed: digest() !== before });
}

async function outcomeOf(world: FaultWorld, operation: string, args: object): Promise<string> {
  const { isError, body } = await world.call(operation, args);
  return isError ? String(body["code"]) : "ok";
}

/** Leaves no byte free. */
function fillDisk(): void {
  const handle = openSync(ballast, "a");
  for (let bytes = 65_536; bytes >= 1; bytes /= 2) {
    try {
      for (;;) writeSync(handle, Buffer.alloc(bytes));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    }
  }
  closeSync(handle);
}

const MANY = Array.from({ length: 300 }, (_, index) => ({
  key: `many-${index}`,
  title: "Many",
  body: "x".repeat(20_000),
}));

/** More than the page cache holds: the disk is full before the transaction's end. */
async function writeMuch(world: FaultWorld): Promise<string> {
  const { store, scope } = world.deps;
  let inside = "nothing";
  try {
    await store.write(scope, async (tx) => {
      await tx.savepoint(async () => {
        try {
          for (let n = 1000; n < 3000; n += 1) {
            await tx.tasks.insert(aTask({ id: `T${n}` }, { body: "x".repeat(20_000) }));
          }
        } catch (error) {
          inside = error instanceof GuvnorError ? error.code : String(error);
          throw error;
        }
        return { keep: true, value: undefined };
      });
    });
    return `written after ${inside}`;
  } catch (error) {
    return `${error instanceof GuvnorError ? error.code : String(error)} after ${inside}`;
  }
}

async function begin(): Promise<FaultWorld> {
  createFileGit(gitIn(directory), []);
  const world = await openWorld(directory, { name: "ada" });
  await makeProject(world, "version: 1\n");
  const tasks = [
    { key: "a", title: "A" },
    { key: "b", title: "B", after: ["a"] },
  ];
  await world.ok("submit_plan", { title: "Work", tasks });
  return world;
}

if (mode === "ballast") {
  const world = await begin();
  fillDisk();
  await observe("claim", async () => await outcomeOf(world, "request_task", {}));
  await observe("again", async () => await outcomeOf(world, "request_task", {}));
  rmSync(ballast);
  await observe("much", async () => await writeMuch(world));
  fillDisk();
  await observe("plan", async () => {
    return await outcomeOf(world, "submit_plan", { title: "Many", tasks: MANY });
  });
  await observe("checkpoint", async () => {
    return await world.deps.store.checkpoint().then(
      () => "ok",
      () => "failed",
    );
  });
  rmSync(ballast);
  await observe("freed", async () => await outcomeOf(world, "request_task", {}));
  await observe("done", async () => {
    return await outcomeOf(world, "report_progress", { task_id: "T1", status: "done" });
  });
  await world.end();
} else if (mode === "limit") {
  const world = await begin();
  await world.ok("request_task");
  const report = { task_id: "T1", status: "working", note: "x".repeat(10_000) };
  for (let calls = 0; calls < MAX_CALLS; calls += 1) {
    if ((await world.call("report_progress", report)).isError) break;
  }
  await observe("report", async () => await outcomeOf(world, "report_progress", report));
  await observe("plan", async () => {
    return await outcomeOf(world, "submit_plan", { title: "Many", tasks: MANY });
  });
  await world.abandon();
} else {
  const world = await openWorld(directory, { name: "bob", gone: ["ada"] });
  await observe("claim", async () => await outcomeOf(world, "request_task", {}));
  await observe("done", async () => {
    return await outcomeOf(world, "report_progress", { task_id: "T1", status: "done" });
  });
  await world.end();
}

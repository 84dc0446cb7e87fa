import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { onTestFinished, expect, test } from "vitest";

import { createWakeFile, type WakeSignal } from "../../src/store/sqlite/wake-file.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Longer than anything that is waited for; only a broken wake-up gets so far. */
const BOUND_MS = 20_000;

interface Commits {
  count: number;
}

/** One process' view: the commits that it can find by asking the database, if it asks. */
function open(path: string, commits: Commits = { count: 0 }): WakeSignal {
  const wake = createWakeFile(path, () => commits.count);
  onTestFinished(() => wake.close());
  return wake;
}

/** Answers "heard" at the next thing heard after this call; starts listening at once. */
async function hears(wake: WakeSignal): Promise<string> {
  return await new Promise<string>((resolve) => {
    const timer = setTimeout(() => {
      unlisten();
      resolve("nothing was heard");
    }, BOUND_MS);
    const unlisten = wake.listen(() => {
      clearTimeout(timer);
      unlisten();
      resolve("heard");
    });
  });
}

/** Raises until `heard` is there: a raise may come before the other's watcher is ready. */
async function raiseUntil(wake: WakeSignal, heard: Promise<string>): Promise<string> {
  const timer = setInterval(() => wake.raise(), 20);
  try {
    return await heard;
  } finally {
    clearInterval(timer);
  }
}

test("one process hears another through the file alone", async () => {
  const path = join(temporaryDirectory(), "guvnor.db.wake");
  const listener = open(path);
  expect(await raiseUntil(open(path), hears(listener))).toBe("heard");
  expect(listener.count()).toBeGreaterThan(0);
});

test("a process hears itself at once, without file or listener", () => {
  const wake = open(join(temporaryDirectory(), "guvnor.db.wake"));
  wake.raise();
  expect(wake.count()).toBe(1);
});

test("a deleted file costs no wake-up: commits are found by polling", async () => {
  const path = join(temporaryDirectory(), "guvnor.db.wake");
  const commits = { count: 0 };
  const wake = open(path, commits);
  const stay = wake.listen(() => {});
  const deleted = hears(wake);
  rmSync(path);
  // The deletion itself is heard: something may have happened with it.
  expect(await deleted).toBe("heard");
  const heard = hears(wake);
  commits.count += 1;
  expect(await heard).toBe("heard");
  stay();
});

test("a file deleted and made anew wakes whoever listens after that", async () => {
  const path = join(temporaryDirectory(), "guvnor.db.wake");
  const listener = open(path);
  const first = hears(listener);
  rmSync(path);
  expect(await first).toBe("heard");
  writeFileSync(path, "");
  expect(await raiseUntil(open(path), hears(listener))).toBe("heard");
});

test("where no file can be watched, commits are found by polling", async () => {
  const commits = { count: 0 };
  const wake = open(join(temporaryDirectory(), "missing", "guvnor.db.wake"), commits);
  const heard = hears(wake);
  commits.count += 1;
  expect(await heard).toBe("heard");
  // Raising where nothing can be written harms nobody.
  wake.raise();
  expect(wake.count()).toBe(2);
});

test("a watched file that stays silent does not hide a commit", async () => {
  const commits = { count: 0 };
  const wake = open(join(temporaryDirectory(), "guvnor.db.wake"), commits);
  const heard = hears(wake);
  commits.count += 1;
  expect(await heard).toBe("heard");
});

test("who has stopped listening is not called, and nothing stays open", () => {
  const wake = open(join(temporaryDirectory(), "guvnor.db.wake"));
  let calls = 0;
  const unlisten = wake.listen(() => (calls += 1));
  wake.raise();
  unlisten();
  unlisten();
  wake.raise();
  expect(calls).toBe(1);
});

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { onTestFinished } from "vitest";

/** A real path that lives as long as the test. */
export function temporaryDirectory(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "guvnor-test-")));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs git as a user of the repository would, without this machine's settings. */
export function git(directory: string, ...args: readonly string[]): string {
  const env = {
    PATH: process.env["PATH"],
    HOME: "/nowhere",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "Ada",
    GIT_AUTHOR_EMAIL: "ada@example.com",
    GIT_COMMITTER_NAME: "Ada",
    GIT_COMMITTER_EMAIL: "ada@example.com",
  };
  const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
  return execFileSync("git", ["-C", directory, ...args], { env, stdio, encoding: "utf8" }).trim();
}

export type Files = Readonly<Record<string, string | null>>;

/** Writes files, removes those that are null. */
export function write(directory: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    if (content === null) {
      rmSync(path);
    } else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  }
}

/** Commits all there is after writing the files; answers the commit. */
export function commit(directory: string, files: Files): string {
  write(directory, files);
  git(directory, "add", "--all");
  git(directory, "commit", "--quiet", "--allow-empty", "--message", "change");
  return git(directory, "rev-parse", "HEAD");
}

/** A repository with one commit on main. */
export function createRepository(files: Files = { "a.txt": "a\n" }, ...options: string[]): string {
  const path = join(temporaryDirectory(), "project");
  mkdirSync(path);
  git(path, "init", "--quiet", "--initial-branch=main", ...options);
  commit(path, files);
  return path;
}

/** Two branches from the head of main; answers the commits. Leaves main checked out. */
export function fork(directory: string, left: Files, right: Files): [string, string] {
  git(directory, "checkout", "--quiet", "-b", "left", "main");
  const leftCommit = commit(directory, left);
  git(directory, "checkout", "--quiet", "-b", "right", "main");
  const rightCommit = commit(directory, right);
  git(directory, "checkout", "--quiet", "main");
  return [leftCommit, rightCommit];
}

import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";

import { runGit } from "./run-git.ts";

/** The newest time at which a working tree changed: one of its `changed` files, the index, a commit. */
export async function lastChangeMs(
  directory: string,
  changed: readonly string[],
): Promise<number | undefined> {
  const places = await runGit(["-C", directory, "rev-parse", "--show-toplevel", "--git-dir"]);
  const [root, gitDir] = places.stdout.split("\n");
  if (places.exitCode !== 0 || root === undefined || gitDir === undefined) return undefined;
  const ofGit = ["index", "HEAD", join("logs", "HEAD")].map((name) =>
    join(resolve(directory, gitDir), name),
  );
  const files = changed.map((path) => join(root, path));
  const times = await Promise.all([...ofGit, ...files].map(modifiedMs));
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

async function modifiedMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    // Deleted meanwhile, or never there: it says nothing about when.
    return undefined;
  }
}

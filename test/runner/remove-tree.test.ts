import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import type * as FileSystem from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it, vi } from "vitest";

import { removeTree } from "../../src/runner/remove-tree.ts";
import { temporaryDirectory } from "../git/repository-fixture.ts";

// A superuser may remove anything: the first try is refused here, as it is for others.
const refusals: Error[] = [];
vi.mock("node:fs/promises", async (importOriginal) => {
  const real = await importOriginal<typeof FileSystem>();
  const rm: typeof real.rm = async (path, options) => {
    const refusal = refusals.pop();
    if (refusal !== undefined) throw refusal;
    await real.rm(path, options);
  };
  return { ...real, rm };
});

describe("removeTree", () => {
  it("removes a directory, a file and nothing", async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, "a/b"), { recursive: true });
    writeFileSync(join(root, "file"), "");
    for (const name of ["a", "file", "missing"]) await removeTree(join(root, name));
    expect([existsSync(join(root, "a")), existsSync(join(root, "file"))]).toEqual([false, false]);
  });

  it("removes read-only directories without following links out of them", async () => {
    const root = temporaryDirectory();
    const outside = temporaryDirectory();
    writeFileSync(join(outside, "kept"), "");
    chmodSync(outside, 0o500);
    mkdirSync(join(root, "a/b"), { recursive: true });
    writeFileSync(join(root, "a/b/file"), "");
    symlinkSync(outside, join(root, "a/link"));
    chmodSync(join(root, "a/b"), 0o500);
    chmodSync(join(root, "a"), 0o500);
    refusals.push(new Error("EACCES"));
    await removeTree(join(root, "a"));
    expect(existsSync(join(root, "a"))).toBe(false);
    expect(existsSync(join(outside, "kept"))).toBe(true);
  });
});

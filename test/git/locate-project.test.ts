import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it, vi } from "vitest";

import { locateProject } from "../../src/git/locate-project.ts";
import { createRepository, git, temporaryDirectory } from "./repository-fixture.ts";

describe("locateProject", () => {
  it("finds the same repository from the root, a subfolder and through a symbolic link", async () => {
    const root = createRepository({ "src/deep/a.txt": "a" });
    const link = join(temporaryDirectory(), "link");
    symlinkSync(root, link);
    const expected = {
      kind: "git",
      commonDir: join(root, ".git"),
      mainWorktree: root,
      worktree: root,
      linked: false,
    };
    expect(await locateProject(root)).toEqual(expected);
    expect(await locateProject(join(root, "src/deep"))).toEqual(expected);
    expect(await locateProject(join(link, "src"))).toEqual(expected);
  });

  it("finds the same repository from a linked worktree and its subfolders", async () => {
    const root = createRepository({ "src/a.txt": "a" });
    const worktree = join(temporaryDirectory(), "agent one\nsecond line");
    git(root, "worktree", "add", "--quiet", "--detach", worktree);
    const expected = {
      kind: "git",
      commonDir: join(root, ".git"),
      mainWorktree: root,
      worktree,
      linked: true,
    };
    expect(await locateProject(worktree)).toEqual(expected);
    expect(await locateProject(join(worktree, "src"))).toEqual(expected);
  });

  it("finds the repository from inside its git directory, without a worktree", async () => {
    const root = createRepository();
    const found = await locateProject(join(root, ".git", "objects"));
    expect(found).toEqual({
      kind: "git",
      commonDir: join(root, ".git"),
      mainWorktree: root,
      worktree: null,
      linked: false,
    });
  });

  it("finds the same bare repository from itself and from a worktree of it", async () => {
    const source = createRepository();
    const bare = join(temporaryDirectory(), "project.git");
    git(source, "clone", "--quiet", "--bare", source, bare);
    const worktree = join(temporaryDirectory(), "agent");
    git(bare, "worktree", "add", "--quiet", worktree, "main");
    const shared = { kind: "git", commonDir: bare, mainWorktree: null };
    expect(await locateProject(bare)).toEqual({ ...shared, worktree: null, linked: false });
    expect(await locateProject(worktree)).toEqual({ ...shared, worktree, linked: true });
  });

  it("names the main worktree of a submodule, whose git directory lies elsewhere", async () => {
    const library = createRepository();
    const root = createRepository();
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library, "lib");
    const commonDir = join(root, ".git/modules/lib");
    const submodule = { kind: "git", commonDir, mainWorktree: join(root, "lib"), linked: false };
    expect(await locateProject(join(root, "lib"))).toEqual({
      ...submodule,
      worktree: join(root, "lib"),
    });
    expect(await locateProject(commonDir)).toEqual({ ...submodule, worktree: null });
  });

  it("does not guess the main worktree of a separate git directory", async () => {
    const separate = join(temporaryDirectory(), "elsewhere");
    const root = createRepository({ "a.txt": "a" }, `--separate-git-dir=${separate}`);
    const worktree = join(temporaryDirectory(), "agent");
    git(root, "worktree", "add", "--quiet", "--detach", worktree);
    expect(await locateProject(root)).toMatchObject({ commonDir: separate, mainWorktree: root });
    expect(await locateProject(worktree)).toMatchObject({
      commonDir: separate,
      mainWorktree: null,
    });
  });

  it("is not misled by GIT_DIR and its like in the environment", async () => {
    const root = createRepository();
    const other = createRepository();
    vi.stubEnv("GIT_DIR", join(other, ".git"));
    vi.stubEnv("GIT_WORK_TREE", other);
    vi.stubEnv("GIT_CEILING_DIRECTORIES", "/");
    expect(await locateProject(root)).toMatchObject({ commonDir: join(root, ".git") });
    vi.unstubAllEnvs();
  });

  it("finds the nearest directory upward with .guvnor outside git", async () => {
    const outside = temporaryDirectory();
    expect(await locateProject(outside)).toEqual({ kind: "plain", root: null });
    mkdirSync(join(outside, "project/.guvnor"), { recursive: true });
    mkdirSync(join(outside, "project/src/deep"), { recursive: true });
    const root = join(outside, "project");
    expect(await locateProject(join(root, "src/deep"))).toEqual({ kind: "plain", root });
    expect(await locateProject(root)).toEqual({ kind: "plain", root });
  });

  it("treats a repository as a plain directory where git is not installed", async () => {
    const root = createRepository();
    mkdirSync(join(root, ".guvnor"));
    expect(await locateProject(root, { PATH: "/nowhere" })).toEqual({ kind: "plain", root });
  });

  it("refuses a worktree whose repository is gone instead of calling it plain", async () => {
    const root = createRepository();
    const worktree = join(temporaryDirectory(), "agent");
    git(root, "worktree", "add", "--quiet", "--detach", worktree);
    rmSync(root, { recursive: true });
    await expect(locateProject(worktree)).rejects.toMatchObject({ code: "git_unavailable" });
  });

  it("refuses a directory that does not exist", async () => {
    const missing = join(temporaryDirectory(), "missing");
    await expect(locateProject(missing)).rejects.toMatchObject({ code: "no_project" });
  });
});

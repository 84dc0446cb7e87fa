import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, describe, expect, it, vi } from "vitest";

import { openGit } from "../../src/git/open-git.ts";
import {
  commit,
  createRepository,
  fork,
  git,
  temporaryDirectory,
  write,
} from "./repository-fixture.ts";

const ODD_NAME = 'sp ace "quoted"\nnew line é 🐝.txt';
const NOWHERE = "0123456789012345678901234567890123456789";

afterEach(() => {
  vi.unstubAllEnvs();
});

function open(root: string): ReturnType<typeof openGit> {
  return openGit(join(root, ".git"));
}

async function headOf(root: string, directory: string): Promise<string | undefined> {
  return (await open(root).workingTree(directory, 1)).head;
}

async function uncommittedIn(
  root: string,
  directory: string,
  limit: number,
): Promise<readonly string[]> {
  return (await open(root).workingTree(directory, limit)).uncommitted;
}

describe("head", () => {
  it("is the commit of the worktree that holds the directory", async () => {
    const root = createRepository({ "src/a.txt": "a" });
    const worktree = join(temporaryDirectory(), "agent");
    git(root, "worktree", "add", "--quiet", "--detach", worktree);
    const own = commit(worktree, { "b.txt": "b" });
    expect(await headOf(root, join(worktree, "src"))).toBe(own);
    expect(await headOf(root, root)).toBe(git(root, "rev-parse", "main"));
  });

  it("is undefined before the first commit", async () => {
    const root = temporaryDirectory();
    git(root, "init", "--quiet");
    expect(await headOf(root, root)).toBeUndefined();
  });

  it("refuses a directory of another repository, and one that does not exist", async () => {
    const root = createRepository();
    const other = createRepository();
    const refused = { code: "git_unavailable" };
    await expect(headOf(root, other)).rejects.toMatchObject(refused);
    await expect(headOf(root, join(root, "missing"))).rejects.toMatchObject(refused);
  });
});

describe("branch", () => {
  it("is the full ref that is checked out, and undefined where HEAD is detached", async () => {
    const root = createRepository();
    const port = open(root);
    expect((await port.workingTree(root, 1)).branch).toBe("refs/heads/main");
    git(root, "switch", "--quiet", "--create", "guvnor/P3");
    expect((await port.workingTree(root, 1)).branch).toBe("refs/heads/guvnor/P3");
    git(root, "switch", "--quiet", "--detach");
    expect((await port.workingTree(root, 1)).branch).toBeUndefined();
  });

  it("is there before the first commit, when there is no head", async () => {
    const root = temporaryDirectory();
    git(root, "init", "--quiet", "--initial-branch", "first");
    expect(await open(root).workingTree(root, 1)).toMatchObject({
      head: undefined,
      branch: "refs/heads/first",
    });
  });
});

describe("whose working tree it is", () => {
  it("is looked at again when a directory has become another repository's", async () => {
    const root = createRepository();
    const worktree = join(temporaryDirectory(), "agent");
    git(root, "worktree", "add", "--quiet", "--detach", worktree);
    const port = open(root);
    await port.workingTree(worktree, 1);
    rmSync(join(worktree, ".git"));
    git(worktree, "init", "--quiet");
    const now = port.workingTree(worktree, 1);
    await expect(now).rejects.toMatchObject({ code: "git_unavailable" });
  });
});

describe("resolveCommit", () => {
  it("resolves names, expressions and tags to full ids", async () => {
    const root = createRepository();
    const first = git(root, "rev-parse", "HEAD");
    const second = commit(root, { "b.txt": "b" });
    git(root, "tag", "--annotate", "--message", "one", "v1", first);
    const port = open(root);
    expect(await port.resolveCommit("main")).toBe(second);
    expect(await port.resolveCommit("main~1")).toBe(first);
    expect(await port.resolveCommit("v1")).toBe(first);
    expect(await port.resolveCommit(second.slice(0, 10))).toBe(second);
    expect(await port.resolveCommit(second)).toBe(second);
  });

  it.each([
    "",
    "missing",
    NOWHERE,
    "main:a.txt",
    "main^{tree}",
    "^main",
    "main..main",
    "--all",
    "--git-dir",
    "-h",
    "ma\0in",
    "x".repeat(200_000),
  ])("answers undefined for what names no commit (%#)", async (revision) => {
    const root = createRepository();
    expect(await open(root).resolveCommit(revision)).toBeUndefined();
  });

  it("ignores replacement refs, which show other content under the same id", async () => {
    const root = createRepository();
    const first = git(root, "rev-parse", "HEAD");
    const second = commit(root, { "a.txt": "changed" });
    git(root, "replace", second, first);
    expect(await open(root).changedFiles(first, second)).toEqual(["a.txt"]);
  });
});

describe("uncommitted", () => {
  it("lists changed, staged, deleted, renamed and untracked paths exactly", async () => {
    const root = createRepository({
      "a.txt": "a",
      "b.txt": "b",
      "old.txt": "old",
      ".gitignore": "*.log",
    });
    expect(await uncommittedIn(root, root, 10)).toEqual([]);
    write(root, {
      "a.txt": "changed",
      "b.txt": null,
      [ODD_NAME]: "new",
      "x.log": "ignored",
      "dir/new": "",
    });
    git(root, "mv", "old.txt", "new.txt");
    const paths = ["a.txt", "b.txt", "new.txt", "old.txt", "dir/", ODD_NAME];
    const found = await uncommittedIn(root, root, 10);
    expect(found.toSorted()).toEqual(paths.toSorted());
    expect(await uncommittedIn(root, join(root, "dir"), 10)).toEqual(found);
    expect(await uncommittedIn(root, root, 2)).toHaveLength(2);
  });

  it("shows untracked files even where the user hides them from git status", async () => {
    const root = createRepository();
    git(root, "config", "status.showUntrackedFiles", "no");
    git(root, "config", "status.relativePaths", "true");
    write(root, { "new.txt": "new" });
    expect(await uncommittedIn(root, root, 10)).toEqual(["new.txt"]);
  });

  it("does not run a file system monitor or write the index", async () => {
    const root = createRepository();
    const trace = join(root, "..", "trace");
    git(root, "config", "core.fsmonitor", `touch '${trace}'; false`);
    const index = readFileSync(join(root, ".git/index"));
    write(root, { "a.txt": "a\n" });
    await uncommittedIn(root, root, 10);
    expect(existsSync(trace)).toBe(false);
    expect(readFileSync(join(root, ".git/index"))).toEqual(index);
  });

  it("fails inside the git directory, where there is no working tree", async () => {
    const root = createRepository();
    const inside = uncommittedIn(root, join(root, ".git"), 5);
    await expect(inside).rejects.toMatchObject({ code: "git_unavailable" });
  });
});

describe("changedFiles", () => {
  it("lists what the commit changed since the merge base, not what the base did since", async () => {
    const root = createRepository({
      "a.txt": "a",
      "gone.txt": "gone",
      "old.txt": "one\ntwo\nthree\n",
    });
    const [ours, theirs] = fork(
      root,
      { "a.txt": "theirs only" },
      { "gone.txt": null, "old.txt": null, "new.txt": "one\ntwo\nthree\n", [ODD_NAME]: "x" },
    );
    git(root, "config", "diff.renames", "copies");
    const found = await open(root).changedFiles(ours, theirs);
    expect(found.toSorted()).toEqual(["gone.txt", "new.txt", "old.txt", ODD_NAME].toSorted());
    expect(await open(root).changedFiles(theirs, theirs)).toEqual([]);
  });

  it("counts every difference when the histories share nothing", async () => {
    const root = createRepository({ "test/a.test.js": "test" });
    const main = git(root, "rev-parse", "main");
    git(root, "checkout", "--quiet", "--orphan", "fresh");
    git(root, "rm", "-r", "--quiet", "--cached", ".");
    rmSync(join(root, "test"), { recursive: true });
    const orphan = commit(root, { "b.txt": "b" });
    expect(await open(root).changedFiles(main, orphan)).toEqual(["b.txt", "test/a.test.js"]);
  });

  it("refuses what is not a full commit id", async () => {
    const port = open(createRepository());
    for (const name of ["main", "--output=x", "", NOWHERE.slice(1)]) {
      await expect(port.changedFiles(name, NOWHERE)).rejects.toMatchObject({
        code: "input_invalid",
      });
    }
    await expect(port.changedFiles(NOWHERE, NOWHERE)).rejects.toMatchObject({
      code: "git_unavailable",
    });
  });
});

describe("merge", () => {
  it("makes a commit of both, by guvnor, and touches no ref, index or file", async () => {
    const root = createRepository();
    const [ours, theirs] = fork(root, { "left.txt": "left" }, { "right.txt": "right" });
    git(root, "config", "commit.gpgSign", "true");
    git(root, "config", "gpg.program", "false");
    git(root, "config", "user.useConfigOnly", "true");
    const before = [git(root, "for-each-ref"), git(root, "status", "--porcelain")];
    const merged = await open(root).merge(ours, theirs, "Merge T1\n\nReviewed: é\n");
    if (merged.kind !== "merged") throw new Error(merged.kind);
    const shown = git(
      root,
      "show",
      "--no-patch",
      "--format=%P|%an <%ae>|%cn <%ce>|%B",
      merged.commit,
    );
    const guvnor = "guvnor <guvnor@localhost>";
    expect(shown).toBe(`${ours} ${theirs}|${guvnor}|${guvnor}|Merge T1\n\nReviewed: é`);
    const files = git(root, "ls-tree", "-r", "--name-only", merged.commit);
    expect(files).toBe("a.txt\nleft.txt\nright.txt");
    expect([git(root, "for-each-ref"), git(root, "status", "--porcelain")]).toEqual(before);
  });

  it("lists conflicting paths once each, odd names included", async () => {
    const root = createRepository({ [ODD_NAME]: "base\n", "b.txt": "base\n", "c.txt": "base\n" });
    const [ours, theirs] = fork(
      root,
      { [ODD_NAME]: "left\n", "b.txt": "left\n", "c.txt": "left\n" },
      { [ODD_NAME]: "right\n", "b.txt": null },
    );
    const merged = await open(root).merge(ours, theirs, "m");
    expect(merged).toEqual({ kind: "conflict", paths: ["b.txt", ODD_NAME] });
  });

  it("tells a fast-forward and a contained commit from a merge", async () => {
    const root = createRepository();
    const first = git(root, "rev-parse", "HEAD");
    const second = commit(root, { "b.txt": "b" });
    const port = open(root);
    expect(await port.merge(first, second, "m")).toEqual({ kind: "fast_forward", commit: second });
    expect(await port.merge(second, first, "m")).toEqual({ kind: "contained", commit: second });
    expect(await port.merge(second, second, "m")).toEqual({ kind: "contained", commit: second });
  });

  it("merges histories that share nothing as far as their files allow", async () => {
    const root = createRepository();
    const main = git(root, "rev-parse", "main");
    git(root, "checkout", "--quiet", "--orphan", "fresh");
    const orphan = commit(root, { "a.txt": "another\n" });
    expect(await open(root).merge(main, orphan, "m")).toEqual({
      kind: "conflict",
      paths: ["a.txt"],
    });
  });

  it("works in a bare repository, in a submodule's and with SHA-256 object names", async () => {
    const source = createRepository({ "a.txt": "a" }, "--object-format=sha256");
    const [ours, theirs] = fork(source, { "left.txt": "left" }, { "right.txt": "right" });
    const bare = join(temporaryDirectory(), "project.git");
    git(source, "clone", "--quiet", "--mirror", source, bare);
    git(bare, "config", "core.worktree", "../missing");
    const port = openGit(bare);
    const merged = await port.merge(ours, theirs, "m");
    if (merged.kind !== "merged") throw new Error(merged.kind);
    expect(merged.commit).toMatch(/^[0-9a-f]{64}$/);
    expect(await port.advanceRef("refs/heads/guvnor/P1", merged.commit, null)).toBe(true);
  });

  it("fails on a commit that is not there", async () => {
    const root = createRepository();
    const head = git(root, "rev-parse", "HEAD");
    const merged = open(root).merge(head, NOWHERE, "m");
    await expect(merged).rejects.toMatchObject({ code: "git_unavailable" });
  });

  it("fails, without an unfinished commit, on a message that git refuses", async () => {
    const root = createRepository();
    const [ours, theirs] = fork(root, { "left.txt": "left" }, { "right.txt": "right" });
    const merged = open(root).merge(ours, theirs, "NUL \0 inside");
    await expect(merged).rejects.toThrow(/commit-tree failed/);
  });
});

describe("advanceRef", () => {
  const ref = "refs/heads/guvnor/P1";

  it("creates, moves and refuses by comparing with what is expected", async () => {
    const root = createRepository();
    const first = git(root, "rev-parse", "HEAD");
    const second = commit(root, { "b.txt": "b" });
    const port = open(root);
    expect(await port.readRef(ref)).toBeUndefined();
    expect(await port.advanceRef(ref, first, second)).toBe(false);
    expect(await port.advanceRef(ref, first, null)).toBe(true);
    expect(await port.advanceRef(ref, second, null)).toBe(false);
    expect(await port.advanceRef(ref, second, second)).toBe(false);
    expect(await port.readRef(ref)).toBe(first);
    expect(await port.advanceRef(ref, second, first)).toBe(true);
    expect(await port.readRef(ref)).toBe(second);
  });

  it("lets exactly one of many win a race", async () => {
    const root = createRepository();
    const first = git(root, "rev-parse", "HEAD");
    const second = commit(root, { "b.txt": "b" });
    const rivals = Array.from({ length: 8 }, () => open(root));
    const created = await Promise.all(rivals.map((port) => port.advanceRef(ref, first, null)));
    expect(created.filter(Boolean)).toHaveLength(1);
    const moved = await Promise.all(rivals.map((port) => port.advanceRef(ref, second, first)));
    expect(moved.filter(Boolean)).toHaveLength(1);
  });

  it("runs no hook", async () => {
    const root = createRepository();
    const trace = join(root, "..", "trace");
    for (const name of ["reference-transaction", "post-checkout", "pre-merge-commit"]) {
      const hook = join(root, ".git/hooks", name);
      mkdirSync(join(root, ".git/hooks"), { recursive: true });
      writeFileSync(hook, `#!/bin/sh\ntouch '${trace}'\nexit 1\n`);
      chmodSync(hook, 0o755);
    }
    const head = git(root, "rev-parse", "HEAD");
    expect(await open(root).advanceRef(ref, head, null)).toBe(true);
    expect(existsSync(trace)).toBe(false);
  });

  it("replaces a symbolic ref instead of moving the branch it points to", async () => {
    const root = createRepository();
    const first = git(root, "rev-parse", "HEAD");
    git(root, "checkout", "--quiet", "-b", "work");
    const second = commit(root, { "b.txt": "b" });
    git(root, "symbolic-ref", ref, "refs/heads/main");
    expect(await open(root).advanceRef(ref, second, first)).toBe(true);
    expect(git(root, "rev-parse", "main")).toBe(first);
  });

  it("says what is in the way when a branch has the folder's name", async () => {
    const root = createRepository();
    git(root, "branch", "guvnor");
    const head = git(root, "rev-parse", "HEAD");
    const advanced = open(root).advanceRef(ref, head, null);
    await expect(advanced).rejects.toThrow(/refs\/heads\/guvnor/);
  });

  it("refuses short names, which git would resolve in its own order", async () => {
    const root = createRepository();
    const head = git(root, "rev-parse", "HEAD");
    const advanced = open(root).advanceRef("main", head, null);
    await expect(advanced).rejects.toMatchObject({ code: "input_invalid" });
  });

  it("reads a ref by its exact name only", async () => {
    const root = createRepository();
    git(root, "branch", "guvnor/P1/deeper");
    git(root, "branch", "refs/heads/guvnor/P1x");
    expect(await open(root).readRef(ref)).toBeUndefined();
    expect(await open(root).readRef("refs/heads/guvnor/P1x")).toBeUndefined();
  });
});

describe("git itself", () => {
  it("is asked with a clean environment", async () => {
    const root = createRepository();
    const other = createRepository({ "other.txt": "other" });
    vi.stubEnv("GIT_DIR", join(other, ".git"));
    vi.stubEnv("GIT_WORK_TREE", other);
    vi.stubEnv("GIT_INDEX_FILE", join(other, ".git/index"));
    vi.stubEnv("GIT_OBJECT_DIRECTORY", join(other, ".git/objects"));
    const port = open(root);
    expect((await port.workingTree(root, 1)).head).toBe(git(root, "rev-parse", "HEAD"));
    expect(await port.resolveCommit("main")).toBe(git(root, "rev-parse", "HEAD"));
    expect((await port.workingTree(root, 10)).uncommitted).toEqual([]);
  });

  it("is named as missing, and looked for again once it is there", async () => {
    const root = createRepository();
    const port = open(root);
    const path = process.env["PATH"] ?? "";
    vi.stubEnv("PATH", "/nowhere");
    await expect(port.readRef("refs/heads/main")).rejects.toThrow(/git was not found/);
    vi.stubEnv("PATH", path);
    expect(await port.readRef("refs/heads/main")).toBe(git(root, "rev-parse", "main"));
  });

  it.each([
    ["git version 2.37.9", "2.37.9"],
    ["git version 1.99.0 (Apple Git-1)", "1.99.0"],
    ["", "no known version"],
  ])("is refused when too old: %s", async (answer, named) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "git"), `#!/bin/sh\necho '${answer}'\n`);
    chmodSync(join(directory, "git"), 0o755);
    vi.stubEnv("PATH", directory);
    const head = open(directory).workingTree(directory, 1);
    await expect(head).rejects.toThrow(`guvnor needs git 2.38 or newer; this is`);
    await expect(open(directory).readRef("x")).rejects.toThrow(named);
  });

  it("is not needed to open, and an unusable repository is named", async () => {
    const port = openGit(join(temporaryDirectory(), "missing"));
    await expect(port.resolveCommit("main")).rejects.toThrow(/not a git repository/);
    await expect(port.readRef("refs/heads/main")).rejects.toMatchObject({
      code: "git_unavailable",
    });
  });
});

describe("files of a commit", () => {
  it("are listed by their very names, and directories are none", async () => {
    const root = createRepository({ "src/a.txt": "a", [ODD_NAME]: "odd", "-v": "dash" });
    const id = git(root, "rev-parse", "HEAD");
    const port = open(root);
    const asked = ["src/a.txt", "src", "src/*", "missing", ODD_NAME, "-v", ":(top)src/a.txt"];
    expect(new Set(await port.filesIn(id, asked))).toEqual(new Set(["src/a.txt", ODD_NAME, "-v"]));
    expect(await port.filesIn(id, [])).toEqual([]);
  });

  it("are read as they were committed, up to a size", async () => {
    const root = createRepository({ "src/a.json": '{"a":"é"}' });
    const id = git(root, "rev-parse", "HEAD");
    write(root, { "src/a.json": "changed" });
    const port = open(root);
    expect(await port.readFile(id, "src/a.json", 100)).toBe('{"a":"é"}');
    expect(await port.readFile(id, "src/a.json", 5)).toBeUndefined();
    expect(await port.readFile(id, "src", 100)).toBeUndefined();
    expect(await port.readFile(id, "missing", 100)).toBeUndefined();
  });
});

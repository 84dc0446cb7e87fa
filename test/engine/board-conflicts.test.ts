import { afterEach, describe, expect, test } from "vitest";

import { boardOperations } from "../../src/engine/person/board-operations.ts";
import type { GitPort, MergeResult } from "../../src/engine/ports.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, createFleet, type Fleet } from "../support/engine-harness.ts";

const OPERATIONS = [...TOOLS, ...boardOperations];

let fleet: Fleet;
let merges = 0;

afterEach(async () => {
  await fleet.close();
});

function commit(letter: string): string {
  return letter.repeat(40);
}

/** Commits "a" and "b" do not merge; all others do. */
function gitWith(merge: (pair: string) => MergeResult): GitPort {
  return {
    workingTree: async () =>
      await Promise.resolve({ head: undefined, branch: undefined, uncommitted: [] }),
    resolveCommit: async (revision) =>
      await Promise.resolve(/^[a-c]$/.test(revision) ? commit(revision) : undefined),
    changedFiles: async () => await Promise.resolve([]),
    merge: async (ours, theirs) => {
      merges += 1;
      return await Promise.resolve(merge(`${ours.charAt(0)}${theirs.charAt(0)}`));
    },
    advanceRef: async () => await Promise.resolve(false),
    readRef: async () => await Promise.resolve(undefined),
    filesIn: async () => await Promise.resolve([]),
    readFile: async () => await Promise.resolve(undefined),
    lastChangeMs: async () => await Promise.resolve(undefined),
  };
}

const GIT = gitWith((pair) =>
  pair === "ab"
    ? { kind: "conflict", paths: ["src/a.ts"] }
    : { kind: "merged", commit: commit("d") },
);

/** Three solutions of two members, and a vote that is a tie. */
async function topic(git: GitPort | undefined, commits: readonly string[]): Promise<void> {
  fleet = await createFleet({ operations: OPERATIONS, ...(git === undefined ? {} : { git }) });
  merges = 0;
  for (const name of ["ada", "bob"]) await fleet.ok(name, "read_board");
  await fleet.ok("ada", "open_topic", { title: "t", problem: "p" });
  const authors = ["ada", "ada", "bob"];
  for (const [index, author] of authors.entries()) {
    const named = commits[index] === undefined ? {} : { commit: commits[index] };
    const words = { topic_id: "B1", title: "t", body: "b", files: ["src/a.ts"] };
    await fleet.ok(author, "propose_solution", { ...words, ...named });
  }
}

async function conflicts(): Promise<unknown> {
  return (await fleet.ok("ada", "read_board", { topic_id: "B1" }))["conflicts"];
}

async function close(): Promise<void> {
  for (const [voter, id] of Object.entries({ ada: "S1", bob: "S3" })) {
    await fleet.ok(voter, "vote", { topic_id: "B1", ballot: [id], reason: "r" });
  }
  const word = { topic_id: "B1", none: true, reason: "enough" };
  bodyOf(await fleet.asPerson("board_decide", word));
}

describe("conflicts", () => {
  test("go by the merge where there are commits, by the votes, and are asked of git once", async () => {
    await topic(GIT, ["a", "b", "c"]);
    await close();
    const expected = {
      count: 2,
      pairs: [
        { a: "S1", b: "S2", of: "patches", by: "merge" },
        { a: "S1", b: "S3", of: "votes", why: "Round 1: 1 and 1 of 2 put them first." },
      ],
    };
    expect(await conflicts()).toMatchObject(expected);
    expect(await conflicts()).toMatchObject(expected);
    expect(merges).toBe(3);
    expect(bodyOf(await fleet.asPerson("board_show", { topic_id: "B1" }))).toMatchObject({
      conflicts: expected,
    });
  });

  test("are not shown before the vote is closed", async () => {
    await topic(GIT, ["a", "b", "c"]);
    expect(await conflicts()).toBeUndefined();
    await fleet.ok("ada", "vote", { topic_id: "B1", ballot: ["S1"], reason: "r" });
    expect(await conflicts()).toBeUndefined();
    expect(bodyOf(await fleet.asPerson("board_show", { topic_id: "B1" }))).not.toHaveProperty(
      "conflicts",
    );
    expect(merges).toBe(0);
  });

  test("go by the files where there are no commits, or git does not know them", async () => {
    await topic(GIT, ["a", "nowhere"]);
    await close();
    expect(await conflicts()).toMatchObject({
      count: 4,
      pairs: [{ by: "files" }, { by: "files" }, { by: "files" }, { by: "votes" }],
      not_merged: 1,
    });
  });

  test("outside git too", async () => {
    await topic(undefined, []);
    await close();
    expect(await conflicts()).toMatchObject({ count: 4 });
  });

  test("a topic is read all the same when git fails", async () => {
    const broken = gitWith(() => {
      throw new Error("git is away");
    });
    await topic(broken, ["a", "b", "c"]);
    await close();
    expect(await conflicts()).toMatchObject({ count: 4, not_merged: 3 });
  });
});

describe("complexity", () => {
  test("is shown to people for a topic about a task of a plan", async () => {
    fleet = await createFleet({ operations: OPERATIONS });
    await fleet.ok("ada", "register_agent", { name: "ada", capabilities: ["ts", "sql"] });
    await fleet.ok("ada", "submit_plan", {
      title: "p",
      tasks: [
        { key: "a", title: "a", estimate_minutes: 60, needs: ["ts"] },
        { key: "b", title: "b", estimate_minutes: 30, after: ["a"] },
        { key: "c", title: "c", estimate_minutes: 90 },
      ],
    });
    await fleet.ok("ada", "open_topic", { title: "t", problem: "p", task_id: "T1" });
    expect(bodyOf(await fleet.asPerson("board_show", { topic_id: "B1" }))).toMatchObject({
      complexity: {
        of: "P1",
        terms: { size: 0.3333, depth: 0.5, skills: 0.5, risk: 0.5 },
        unknown: ["spread", "risk", "novelty"],
      },
    });
  });
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { boardOperations } from "../../src/engine/person/board-operations.ts";
import { escalationOperations } from "../../src/engine/person/escalation-operations.ts";
import { stopOperations } from "../../src/engine/person/stop-operations.ts";
import type { GitPort } from "../../src/engine/ports.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, createFleet, type Fleet } from "../support/engine-harness.ts";

const OPERATIONS = [...TOOLS, ...boardOperations, ...escalationOperations, ...stopOperations];
const SETTINGS = `version: 1
gates:
  lint: { run: [lint], timeout: 1m }
  tests: { run: [tests], timeout: 1m, protected: ["check/**"] }
`;
const ELECTORATE = { electorate: { agents: ["ada", "bob"] } };
const MINUTES = 60_000;

/** Commits by their letter, with the files in them. */
const COMMITS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  a: { "src/a.ts": "a" },
  b: { "src/a.ts": "b", "report.json": '{"score":3}' },
  c: { "src/a.ts": "c", "report.json": '{"score":"high"}' },
  d: { "src/a.ts": "d", "check/rules": "mine" },
  0: {},
};

function commit(letter: string): string {
  return letter.repeat(40);
}

function filesOf(id: string): Readonly<Record<string, string>> {
  return COMMITS[id.charAt(0)] ?? {};
}

const GIT: GitPort = {
  workingTree: async () =>
    await Promise.resolve({ head: commit("0"), branch: undefined, uncommitted: [] }),
  resolveCommit: async (revision) => {
    if (revision === "HEAD") return await Promise.resolve(commit("0"));
    return Object.hasOwn(COMMITS, revision.charAt(0)) && revision !== "0"
      ? commit(revision.charAt(0))
      : undefined;
  },
  changedFiles: async (_, id) => await Promise.resolve(Object.keys(filesOf(id))),
  merge: async () => await Promise.resolve({ kind: "conflict", paths: [] }),
  advanceRef: async () => await Promise.resolve(false),
  readRef: async () => await Promise.resolve(undefined),
  lastChangeMs: async () => await Promise.resolve(undefined),
  filesIn: async (id, paths) =>
    await Promise.resolve(paths.filter((path) => Object.hasOwn(filesOf(id), path))),
  readFile: async (id, path) => await Promise.resolve(filesOf(id)[path]),
};

let fleet: Fleet;

beforeEach(async () => {
  fleet = await createFleet({ operations: OPERATIONS, guvnorYaml: SETTINGS, git: GIT });
});

afterEach(async () => {
  await fleet.close();
});

async function open(checks: object, args: object = {}): Promise<void> {
  for (const name of ["ada", "bob"]) await fleet.ok(name, "read_board");
  const asked = { title: "Parser", problem: "Which?", ...ELECTORATE, checks, ...args };
  await fleet.ok("ada", "open_topic", asked);
}

async function propose(author: string, said: object): Promise<Record<string, unknown>> {
  const words = "pass" in said ? {} : { title: `way of ${author}`, body: "b" };
  const solution = { topic_id: "B1", ...words, ...said };
  return await fleet.ok(author, "propose_solution", solution);
}

async function refused(author: string, said: object): Promise<unknown> {
  const solution = { topic_id: "B1", title: "t", body: "b", ...said };
  return await fleet.refusal(author, "propose_solution", solution);
}

async function board(): Promise<Record<string, unknown>> {
  return await fleet.ok("ada", "read_board", { topic_id: "B1" });
}

async function onBallot(): Promise<unknown> {
  return await fleet.read(async (tx) => (await tx.topics.get("B1"))?.ballotIds);
}

describe("gates before the vote", () => {
  test("are measured on each commit, and the vote opens with what passed", async () => {
    await open({ gates: ["tests", "lint"] });
    expect(await propose("ada", { commit: "a" })).toMatchObject({
      state: "proposing",
      checks: [
        { kind: "gate", name: "tests", state: "waiting" },
        { kind: "gate", name: "lint", state: "waiting" },
      ],
    });
    expect(await propose("bob", { commit: "b" })).toMatchObject({ state: "proposing" });
    expect(await fleet.measureAll("ada")).toBe(4);
    expect(new Set(fleet.gates.measured.map((request) => request.commit))).toEqual(
      new Set([commit("a"), commit("b")]),
    );
    expect(await board()).toMatchObject({ topic: { state: "voting" } });
    expect(await onBallot()).toEqual(["S1", "S2"]);
  });

  test("one that fails is told to its author, who may propose again", async () => {
    await open({ gates: ["tests"] });
    fleet.gates.verdicts.set("tests", "fail");
    await propose("ada", { commit: "a" });
    await fleet.measureAll("bob");
    expect(await fleet.inbox("ada")).toContainEqual({
      subject: "B1",
      text: expect.stringContaining(
        "S1 cannot be voted on. The gate tests failed: tests: fail Mend it and call propose_solution",
      ),
    });
    expect(await board()).toMatchObject({
      topic: { state: "proposing", wants: "propose" },
      solutions: [{ id: "S1", off_ballot: "The gate tests failed: tests: fail" }],
    });
    fleet.gates.verdicts.set("tests", "pass");
    await propose("ada", { commit: "b" });
    await propose("bob", { pass: true });
    await fleet.measureAll("bob");
    expect(await board()).toMatchObject({ topic: { state: "voting" } });
    expect(await onBallot()).toEqual(["S2"]);
    const rejected = { topic_id: "B1", ballot: ["S1"], reason: "r" };
    expect(await fleet.refusal("bob", "vote", rejected)).toBe("solution_unknown");
    for (const name of ["ada", "bob"]) {
      await fleet.ok(name, "vote", { topic_id: "B1", ballot: ["S2"], reason: "r" });
    }
    const effects = (await fleet.ledger()).flatMap((entry) => entry.effects);
    expect(effects.find(({ event }) => event === "decided")?.["record"]).toMatchObject({
      off_ballot: [{ id: "S1", why: "The gate tests failed: tests: fail" }],
    });
  });

  test("what could not be measured counts as not passed, and says so", async () => {
    await open({ gates: ["tests"] });
    fleet.gates.verdicts.set("tests", "indeterminate");
    await propose("ada", { commit: "a" });
    await propose("bob", { pass: true });
    await fleet.measureAll("ada");
    expect(await board()).toMatchObject({
      solutions: [
        { off_ballot: expect.stringContaining("could not be measured, which is no pass") },
      ],
    });
  });

  test("who changes the measure is not measured by it", async () => {
    await open({ gates: ["tests"] });
    await propose("ada", { commit: "d" });
    await fleet.measureAll("ada");
    expect(await board()).toMatchObject({
      solutions: [{ off_ballot: expect.stringContaining("protected files (check/rules)") }],
    });
  });

  test("after proposing the vote waits for what is measured, nobody proposes any more", async () => {
    await open({ gates: ["tests"] });
    await propose("ada", { commit: "a" });
    await fleet.advance(5 * MINUTES);
    await fleet.tick();
    expect(await board()).toMatchObject({
      topic: { state: "proposing", checks: { awaited: true }, until: "2026-01-01T00:15:00.000Z" },
    });
    expect((await board())["topic"]).not.toHaveProperty("wants");
    expect(await refused("bob", { commit: "b" })).toBe("topic_closed");
    const before = (await fleet.ledger()).length;
    await fleet.tick();
    expect((await fleet.ledger()).length).toBe(before);
    await fleet.measureAll("bob");
    expect(await board()).toMatchObject({ topic: { state: "voting" } });
  });

  test("but not for ever: what is not measured then is off the ballot", async () => {
    await open({ gates: ["tests"], schema: { type: "object" } });
    await propose("ada", { commit: "a", evidence: ["{}"] });
    await fleet.advance(5 * MINUTES);
    await fleet.tick();
    await fleet.advance(10 * MINUTES);
    await fleet.tick();
    expect(await board()).toMatchObject({
      topic: { state: "no_consensus" },
      decision: { reason: expect.stringContaining("No solution has passed its checks.") },
      solutions: [{ off_ballot: "The gate tests was not measured in time." }],
    });
    expect(await fleet.measureAll("ada")).toBe(0);
    const runs = await fleet.read(async (tx) => await tx.gateRuns.ofSolution("S1"));
    expect(runs).toMatchObject([{ state: "indeterminate" }]);
  });

  test("another process goes on where the one that measured is gone", async () => {
    await open({ gates: ["tests"] });
    await propose("ada", { commit: "a" });
    await propose("bob", { pass: true });
    await fleet.write(async (ctx) => {
      const [run] = await ctx.tx.gateRuns.ofSolution("S1");
      if (run === undefined) throw new Error("no run");
      const { processId } = fleet.deps("ada");
      await ctx.tx.gateRuns.save({ ...run, state: "running", processId, tries: 1, slot: 1 });
    });
    fleet.kill("ada");
    await fleet.advance(5000);
    await fleet.tick();
    expect(await fleet.measureAll("bob")).toBe(1);
    expect(await fleet.ok("bob", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { state: "voting" },
    });
  });

  test("an emergency stop gives the time back", async () => {
    await open({ gates: ["tests"] });
    await propose("ada", { commit: "a" });
    await fleet.advance(5 * MINUTES);
    await fleet.tick();
    await fleet.asPerson("stop", { reason: "stop" });
    await fleet.advance(20 * MINUTES);
    bodyOf(await fleet.asPerson("resume"));
    expect(await board()).toMatchObject({
      topic: { state: "proposing", until: "2026-01-01T00:35:00.000Z" },
    });
  });
});

describe("files and schemas", () => {
  test("a file that is not in the commit is known at once", async () => {
    await open({ files: ["src/a.ts", "report.json"], gates: ["tests"] });
    expect(await propose("ada", { commit: "a" })).toMatchObject({
      state: "proposing",
      next: expect.stringContaining("The file report.json failed: it is not in the commit."),
    });
    // Nothing is measured of what is off the ballot anyway.
    expect(await fleet.measureAll("ada")).toBe(0);
    await propose("ada", { commit: "b" });
    expect(await fleet.measureAll("ada")).toBe(1);
  });

  test("a JSON file that is asked for must fit the schema", async () => {
    const schema = {
      type: "object",
      properties: { score: { type: "number" } },
      required: ["score"],
    };
    await open({ files: ["report.json"], schema });
    expect(await propose("ada", { commit: "c" })).toMatchObject({
      checks: [{ state: "pass" }, { kind: "schema", name: "report.json", state: "fail" }],
      next: expect.stringContaining("report.json: score:"),
    });
    expect(await propose("bob", { commit: "b" })).toMatchObject({
      checks: [{ state: "pass" }, { state: "pass" }],
    });
  });

  test("without such a file the evidence must, and needs no commit", async () => {
    const schema = { type: "object", required: ["p95"], properties: { p95: { maximum: 50 } } };
    await open({ schema });
    expect(await propose("ada", { evidence: ["It is fast."] })).toMatchObject({
      next: expect.stringContaining("evidence: it is not JSON"),
    });
    await propose("ada", { evidence: ["It is fast:", '{"p95":12}'] });
    await propose("bob", { pass: true });
    expect(await onBallot()).toEqual(["S2"]);
  });

  test.each([
    [{ schema: { $ref: "https://example.com/s.json" } }, {}],
    [{ schema: { properties: { a: { items: { pattern: "(a+)+$" } } } } }, {}],
    [{ schema: { type: "number", maximum: "high" } }, {}],
    [{ schema: { type: "strange" } }, {}],
    [{ schema: { enum: ["x".repeat(9000)] } }, {}],
    [{ gates: ["nothing"] }, {}],
    [{ files: ["../secret"] }, {}],
    [{ files: ["/etc/passwd"] }, {}],
    [{ files: ["src/a.ts"] }, { options: ["left", "right"] }],
  ])("%j is refused when the topic is opened", async (checks, args) => {
    const asked = { title: "t", problem: "p", checks, ...args };
    expect(await fleet.refusal("ada", "open_topic", asked)).toBe("input_invalid");
  });

  test("a property may be called like a keyword", async () => {
    await open({ schema: { properties: { pattern: { type: "string" } } } });
    expect(await propose("ada", { evidence: ['{"pattern":"x"}'] })).toMatchObject({
      checks: [{ state: "pass" }],
    });
  });

  test.each([{}, { commit: "nowhere" }])(
    "without a commit (%j) nothing is checked",
    async (said) => {
      await open({ gates: ["tests"] });
      expect(await refused("ada", said)).toBe("input_invalid");
    },
  );

  test("outside git there is nothing to check", async () => {
    await fleet.close();
    fleet = await createFleet({ operations: OPERATIONS, guvnorYaml: SETTINGS });
    const asked = { title: "t", problem: "p", checks: { gates: ["tests"] } };
    expect(await fleet.refusal("ada", "open_topic", asked)).toBe("git_unavailable");
  });
});

describe("where nothing passed", () => {
  test("a mediator is asked, and what it proposes is measured too", async () => {
    await open({ gates: ["tests"] });
    await fleet.ok("max", "read_board");
    fleet.gates.verdicts.set("tests", "fail");
    await propose("ada", { commit: "a" });
    await propose("bob", { pass: true });
    await fleet.measureAll("ada");
    await propose("ada", { pass: true });
    expect(await board()).toMatchObject({
      topic: { round: 3, mediation: { why: "No solution has passed its checks." } },
    });
    await fleet.ok("max", "request_task");
    expect(await refused("max", {})).toBe("input_invalid");
    fleet.gates.verdicts.set("tests", "pass");
    expect(await propose("max", { commit: "b" })).toMatchObject({ state: "proposing" });
    expect(await refused("max", { commit: "c" })).toBe("not_holder");
    await fleet.measureAll("ada");
    expect(await board()).toMatchObject({ topic: { state: "voting", method: "majority" } });
    expect(await onBallot()).toEqual(["S2"]);
  });

  test("and the mediator's does not either: a person is asked", async () => {
    await open({ gates: ["tests"] });
    await fleet.ok("max", "read_board");
    fleet.gates.verdicts.set("tests", "fail");
    await propose("ada", { pass: true });
    await propose("bob", { commit: "a" });
    await fleet.measureAll("ada");
    await propose("bob", { pass: true });
    await fleet.ok("max", "request_task");
    await propose("max", { commit: "b" });
    await fleet.measureAll("ada");
    expect(await board()).toMatchObject({ topic: { state: "no_consensus" } });
    expect(bodyOf(await fleet.asPerson("escalations_list"))).toMatchObject({
      escalations: [{ topic: "B1" }],
    });
  });
});

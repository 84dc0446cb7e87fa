import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { tallyTopic } from "../../src/core/consensus/tally.ts";
import type { TopicRecord } from "../../src/core/topic-record.ts";
import { forceMediation } from "../../src/engine/board/advance-topic.ts";
import { requireTopic } from "../../src/engine/find-rows.ts";
import { boardOperations } from "../../src/engine/person/board-operations.ts";
import { escalationOperations } from "../../src/engine/person/escalation-operations.ts";
import { taskOperations } from "../../src/engine/person/task-operations.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, codeOf, createFleet, type Fleet } from "../support/engine-harness.ts";

const OPERATIONS = [...TOOLS, ...boardOperations, ...escalationOperations, ...taskOperations];
const ELECTORATE = { electorate: { agents: ["ada", "bob"] } };
const MINUTES = 60_000;

let fleet: Fleet;

beforeEach(async () => {
  fleet = await createFleet({ operations: OPERATIONS });
});

afterEach(async () => {
  await fleet.close();
});

async function present(...names: readonly string[]): Promise<void> {
  for (const name of names) await fleet.ok(name, "read_board");
}

async function open(args: object = {}): Promise<void> {
  const asked = { title: "Parser", problem: "Which parser?", ...ELECTORATE, ...args };
  await fleet.ok("ada", "open_topic", asked);
}

async function vote(voter: string, ballot: readonly string[]): Promise<unknown> {
  return await fleet.ok(voter, "vote", { topic_id: "B1", ballot, reason: `reason of ${voter}` });
}

async function propose(author: string, said: object = {}): Promise<unknown> {
  const words = "pass" in said ? {} : { title: `way of ${author}`, body: "b" };
  const solution = { topic_id: "B1", ...words, ...said };
  return await fleet.ok(author, "propose_solution", solution);
}

/** Two members who each want their own, twice. */
async function tieTwice(): Promise<void> {
  for (let round = 0; round < 2; round += 1) {
    await vote("ada", ["S1"]);
    await vote("bob", ["S2"]);
  }
}

async function board(): Promise<unknown> {
  return await fleet.ok("ada", "read_board", { topic_id: "B1" });
}

async function openTasks(): Promise<unknown> {
  const states = ["ready", "running", "blocked", "review"];
  return bodyOf(await fleet.asPerson("tasks_list", { states }))["tasks"];
}

async function escalations(): Promise<unknown> {
  return bodyOf(await fleet.asPerson("escalations_list"))["escalations"];
}

/** Max, from outside, holds the mediator's task of a topic with two solutions that nobody agrees on. */
async function mediating(): Promise<void> {
  await present("ada", "bob", "max");
  await open({ options: ["left", "right"] });
  await tieTwice();
  await fleet.ok("max", "request_task");
}

describe("after a failed re-vote", () => {
  test("an agent from outside gets the task, and what it proposes can win", async () => {
    await mediating();
    expect(await board()).toMatchObject({
      topic: {
        state: "proposing",
        round: 3,
        until: "2026-01-01T00:10:00.000Z",
        mediation: { task: "T1", best: ["S1", "S2"], why: "The vote is a tie." },
      },
    });
    expect(await fleet.ok("max", "request_task")).toMatchObject({
      task: { id: "T1", kind: "mediate", body: expect.stringContaining("S1 by ada: left") },
    });
    expect(await fleet.ok("max", "read_board")).toMatchObject({
      topics: [{ id: "B1", wants: "propose" }],
    });
    expect(await propose("max")).toMatchObject({ solution_id: "S3", state: "voting" });
    expect(await openTasks()).toEqual([]);
    expect(await board()).toMatchObject({
      topic: { round: 3, method: "schulze", ballots: { cast: 0, of: 3 } },
      solutions: [{}, {}, {}],
    });
    await vote("ada", ["S3", "S1"]);
    await vote("bob", ["S3", "S2"]);
    expect(await vote("max", ["S3"])).toMatchObject({
      state: "decided",
      decision: { winner: "S3", by: "vote" },
    });
    expect(await board()).toMatchObject({
      rounds: [{ round: 1 }, { round: 2 }, { round: 3, mediator: "max", cast: 3, winner: "S3" }],
    });
    expect(await escalations()).toEqual([]);
  });

  test("the mediator may pass: then its vote breaks the tie", async () => {
    await mediating();
    expect(await propose("max", { pass: true })).toMatchObject({ state: "voting" });
    expect(await board()).toMatchObject({ topic: { method: "majority", passed: ["max"] } });
    await vote("ada", ["S1"]);
    await vote("bob", ["S2"]);
    expect(await vote("max", ["S2"])).toMatchObject({ decision: { winner: "S2" } });
  });

  test("the record of the last round is enough to count again", async () => {
    await mediating();
    await propose("max");
    for (const name of ["ada", "bob", "max"]) await vote(name, ["S3"]);
    const effects = (await fleet.ledger()).flatMap((entry) => entry.effects);
    const decided = effects.find(({ event }) => event === "decided");
    const record: TopicRecord = JSON.parse(JSON.stringify(decided?.["record"]));
    const last = record.rounds.at(-1);
    if (last?.mediator === undefined) throw new Error("no mediator in the record");
    const { solutions, ballots, method, mediator } = last;
    const electorate = [...record.electorate, mediator];
    expect(
      tallyTopic({ solutions, ballots, electorate, quorum: record.quorum, method }),
    ).toMatchObject({ outcome: "decided", winner: "S3" });
  });

  test("a tie with the mediator goes to a person, who may decide", async () => {
    await mediating();
    await propose("max");
    await vote("ada", ["S1"]);
    await vote("bob", ["S2"]);
    expect(await vote("max", ["S3"])).toMatchObject({ state: "no_consensus" });
    expect(await escalations()).toMatchObject([{ topic: "B1", kind: "conflict" }]);
    const word = { topic_id: "B1", solution_id: "S3", reason: "good" };
    await fleet.asPerson("board_decide", word);
    expect(await board()).toMatchObject({ decision: { winner: "S3" }, rounds: [{}, {}, {}] });
  });

  test("a single solution that most reject is mediated too", async () => {
    await present("ada", "bob", "max");
    await open({ options: ["do it"] });
    await vote("ada", []);
    await vote("bob", []);
    expect(await board()).toMatchObject({ topic: { round: 3, mediation: { best: ["S1"] } } });
    await fleet.ok("max", "request_task");
    await propose("max");
    expect(await board()).toMatchObject({ topic: { method: "majority" } });
  });

  test("of an irreversible topic a person still confirms", async () => {
    await present("ada", "bob", "max");
    await open({ options: ["left", "right"], irreversible: true });
    await tieTwice();
    await fleet.ok("max", "request_task");
    await propose("max");
    for (const name of ["ada", "bob", "max"]) await vote(name, ["S3"]);
    expect(await board()).toMatchObject({
      topic: { state: "voting", awaits: "person" },
      decision: { winner: "S3", confirmed: false },
    });
  });
});

describe("who mediates", () => {
  test("no member and no author: with nobody else a person is asked at once", async () => {
    await present("ada", "bob");
    await open({ options: ["left", "right"] });
    await tieTwice();
    expect(await board()).toMatchObject({
      topic: { state: "no_consensus" },
      decision: { reason: "The vote is a tie. No agent is present that could mediate." },
    });
    expect(await escalations()).toMatchObject([{ topic: "B1" }]);
    expect(await openTasks()).toEqual([]);
  });

  test("an author outside the electorate is a party too", async () => {
    await present("ada", "bob", "eve");
    const asked = { title: "t", problem: "p", options: ["left", "right"], ...ELECTORATE };
    await fleet.ok("eve", "open_topic", asked);
    await tieTwice();
    expect(await board()).toMatchObject({ topic: { state: "no_consensus" } });
  });

  test("members are not offered the task, and cannot take it", async () => {
    await present("ada", "bob", "max");
    await open({ options: ["left", "right"] });
    await tieTwice();
    expect((await fleet.ok("ada", "request_task"))["task"]).toBeUndefined();
    expect(await fleet.refusal("ada", "request_task", { task_id: "T1" })).toBe("not_eligible");
  });

  test("only who holds the task may speak, and members may not vote meanwhile", async () => {
    await present("ada", "bob", "max", "moe");
    await open({ options: ["left", "right"] });
    await tieTwice();
    const said = { topic_id: "B1", title: "t", body: "b" };
    expect(await fleet.refusal("max", "propose_solution", said)).toBe("not_holder");
    await fleet.ok("max", "request_task");
    expect(await fleet.refusal("ada", "propose_solution", said)).toBe("not_holder");
    expect(await fleet.refusal("moe", "propose_solution", said)).toBe("not_holder");
    const ballot = { topic_id: "B1", ballot: ["S1"], reason: "r" };
    expect(await fleet.refusal("ada", "vote", ballot)).toBe("state_conflict");
    await propose("max");
    expect(await fleet.refusal("moe", "vote", ballot)).toBe("not_electorate");
  });

  test("saying done is no word: the task stays until the mediator has spoken", async () => {
    await mediating();
    const done = { task_id: "T1", status: "done" };
    expect(await fleet.ok("max", "report_progress", done)).toMatchObject({
      accepted: false,
      missing: [{ gate: "topic", evidence: expect.stringContaining("propose_solution") }],
    });
    expect(await board()).toMatchObject({ topic: { state: "proposing" } });
  });

  test("when the mediator dies another one takes over, and the first is too late", async () => {
    await mediating();
    await present("moe");
    fleet.kill("max");
    await fleet.advance(5000);
    await fleet.tick();
    expect(await fleet.ok("moe", "request_task")).toMatchObject({ task: { id: "T1" } });
    const said = { topic_id: "B1", title: "t", body: "b" };
    expect(await fleet.refusal("max", "propose_solution", said)).toBe("not_holder");
    expect(await propose("moe")).toMatchObject({ state: "voting" });
    expect(await board()).toMatchObject({ topic: { mediation: { mediator: "moe" } } });
  });
});

describe("a mediation ends", () => {
  test("at its deadline with a question to a person, and its task with it", async () => {
    await mediating();
    await fleet.advance(10 * MINUTES);
    await fleet.tick();
    expect(await board()).toMatchObject({
      topic: { state: "no_consensus" },
      decision: { reason: "No mediator has spoken in time." },
      rounds: [{ round: 1 }, { round: 2 }],
    });
    expect(await openTasks()).toEqual([]);
    expect(await fleet.inbox("max")).toContainEqual({
      subject: "T1",
      text: expect.stringContaining("T1 was cancelled"),
    });
    expect(await escalations()).toMatchObject([{ topic: "B1" }]);
  });

  test("is never shorter than a minute", async () => {
    await present("ada", "bob", "max");
    await open({ options: ["left", "right"], vote_seconds: 10 });
    await tieTwice();
    expect(await board()).toMatchObject({ topic: { until: "2026-01-01T00:01:00.000Z" } });
  });

  test("with a person's decision", async () => {
    await mediating();
    const word = { topic_id: "B1", solution_id: "S1", reason: "enough" };
    await fleet.asPerson("board_decide", word);
    expect(await openTasks()).toEqual([]);
  });

  test("when a person cancels the task: then a person is asked", async () => {
    await mediating();
    await fleet.asPerson("tasks_cancel", { task_id: "T1", reason: "no" });
    expect(await board()).toMatchObject({
      topic: { state: "no_consensus" },
      decision: { reason: "T1 is cancelled, and no mediator has spoken." },
    });
  });

  test("when the task fails for good", async () => {
    await mediating();
    const report = { task_id: "T1", status: "failed", retryable: false, note: "no idea" };
    await fleet.ok("max", "report_progress", report);
    expect(await board()).toMatchObject({ topic: { state: "no_consensus" } });
  });

  test("and its task cannot be opened again", async () => {
    await mediating();
    await propose("max");
    await fleet.asPerson("tasks_reopen", { task_id: "T1", reason: "again" });
    expect(await openTasks()).toEqual([]);
  });
});

describe("a mediator from the start", () => {
  test("is asked when the members have proposed, and votes on all with them", async () => {
    await present("ada", "bob", "max");
    await open();
    await fleet.write(async (ctx) => {
      const topic = await requireTopic(ctx, "B1");
      await ctx.tx.topics.save({ ...topic, mediate: "first" });
    });
    await propose("ada");
    await propose("bob");
    await fleet.ok("max", "request_task");
    expect(await propose("max")).toMatchObject({ state: "voting" });
    for (const name of ["ada", "bob", "max"]) await vote(name, ["S3", "S1"]);
    expect(await board()).toMatchObject({
      decision: { winner: "S3" },
      rounds: [{ round: 3, mediator: "max", solutions: [{}, {}, {}] }],
    });
  });

  test("and where nobody could mediate the members vote without one", async () => {
    await present("ada", "bob");
    await open();
    await fleet.write(async (ctx) => {
      const topic = await requireTopic(ctx, "B1");
      await ctx.tx.topics.save({ ...topic, mediate: "first" });
    });
    await propose("ada");
    expect(await propose("bob")).toMatchObject({ state: "voting" });
    expect(await openTasks()).toEqual([]);
    await tieTwice();
    expect(await board()).toMatchObject({ topic: { state: "no_consensus" }, rounds: [{}, {}] });
  });

  test("may be asked for in the middle of a vote, which is closed as it stands", async () => {
    await present("ada", "bob", "max");
    await open({ options: ["one", "two", "three"] });
    await vote("ada", ["S3", "S2"]);
    await fleet.write(async (ctx) => {
      await forceMediation(ctx, await requireTopic(ctx, "B1"), "Stuck for 30 s.");
    });
    expect(await board()).toMatchObject({
      topic: { state: "proposing", mediation: { why: "Stuck for 30 s.", best: ["S2", "S3"] } },
    });
    await fleet.ok("max", "request_task");
    await propose("max", { pass: true });
    for (const name of ["ada", "bob"]) await vote(name, ["S2"]);
    expect(await vote("max", ["S2"])).toMatchObject({ decision: { winner: "S2" } });
    expect(await board()).toMatchObject({
      rounds: [
        { round: 1, cast: 1, ballots: [{ voter: "ada" }] },
        { round: 3, solutions: [{ id: "S2" }, { id: "S3" }] },
      ],
    });
  });
});

describe("a person", () => {
  const word = { topic_id: "B1", reason: "not needed any more" };

  test("asks for a mediator, once and only where there is one", async () => {
    await present("ada", "bob");
    await open({ options: ["left", "right"] });
    expect(codeOf(await fleet.asPerson("board_mediate", word))).toBe("state_conflict");
    await present("max");
    expect(bodyOf(await fleet.asPerson("board_mediate", word))).toMatchObject({
      state: "proposing",
    });
    expect(codeOf(await fleet.asPerson("board_mediate", word))).toBe("state_conflict");
    expect(await fleet.refusal("ada", "board_mediate", word)).toBe("person_required");
  });

  test("withdraws a topic: nothing is asked of anybody any more", async () => {
    await mediating();
    expect(bodyOf(await fleet.asPerson("board_withdraw", word))).toMatchObject({
      state: "withdrawn",
      decision: { by: "person", reason: "not needed any more" },
    });
    expect(await openTasks()).toEqual([]);
    expect(await fleet.refusal("ada", "vote", { ...word, ballot: ["S1"] })).toBe("topic_closed");
    expect(await fleet.inbox("bob")).toEqual([
      { subject: "B1", text: expect.stringContaining("pat withdrew it: not needed any more") },
    ]);
    expect(codeOf(await fleet.asPerson("board_withdraw", word))).toBe("state_conflict");
    await fleet.advance(60 * MINUTES);
    await fleet.tick();
    expect(await board()).toMatchObject({ topic: { state: "withdrawn" } });
  });

  test("withdraws what nobody could agree on, which answers the question about it", async () => {
    await present("ada", "bob");
    await open({ options: ["left", "right"] });
    await tieTwice();
    await fleet.asPerson("board_withdraw", word);
    expect(await escalations()).toEqual([]);
    expect(await fleet.refusal("ada", "board_withdraw", word)).toBe("person_required");
  });
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { tallyTopic } from "../../src/core/consensus/tally.ts";
import type { RoundRecord, TopicRecord } from "../../src/core/topic-record.ts";
import { boardOperations } from "../../src/engine/person/board-operations.ts";
import { escalationOperations } from "../../src/engine/person/escalation-operations.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, codeOf, createFleet, type Fleet } from "../support/engine-harness.ts";

const OPERATIONS = [...TOOLS, ...boardOperations, ...escalationOperations];
const ALL = ["ada", "bob", "cyd"];

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
  await fleet.ok("ada", "open_topic", { title: "Parser", problem: "Which parser?", ...args });
}

async function vote(voter: string, ballot: readonly string[], topic = "B1"): Promise<unknown> {
  const args = { topic_id: topic, ballot, reason: `secret reason of ${voter}` };
  return await fleet.ok(voter, "vote", args);
}

/** The ids of rows, in the order in which they were answered. */
function idsOf(rows: unknown): readonly unknown[] {
  const list: readonly { id: unknown }[] = Array.isArray(rows) ? rows : [];
  return list.map(({ id }) => id);
}

async function effectsOf(type: string): Promise<readonly Record<string, unknown>[]> {
  const entries = await fleet.ledger();
  return entries.flatMap(({ effects }) => effects.filter((effect) => effect["type"] === type));
}

describe("from question to decision", () => {
  test("all propose, all vote, the topic is decided without any deadline", async () => {
    await present(...ALL);
    const opened = await fleet.ok("ada", "open_topic", { title: "Parser", problem: "Which?" });
    expect(opened).toMatchObject({
      topic_id: "B1",
      state: "proposing",
      electorate: ALL,
      quorum: 2,
      propose_until: "2026-01-01T00:05:00.000Z",
    });
    for (const name of ALL) {
      await fleet.ok(name, "propose_solution", { topic_id: "B1", title: name, body: "b" });
    }
    expect(await fleet.ok("bob", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { state: "voting", method: "schulze", wants: "vote", ballots: { cast: 0, of: 3 } },
    });
    await vote("ada", ["S2", "S1", "S3"]);
    expect(await vote("bob", ["S2", "S3", "S1"])).toMatchObject({
      accepted: true,
      ballots: { cast: 2, of: 3 },
      state: "voting",
    });
    expect(await vote("cyd", ["S3", "S2"])).toMatchObject({
      ballots: { cast: 3, of: 3 },
      state: "decided",
      decision: { winner: "S2", by: "vote" },
      next: "Follow S2.",
    });
    expect(await fleet.ok("ada", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { state: "decided", winner: "S2" },
      decision: { winner: "S2" },
      rounds: [
        {
          method: "schulze",
          cast: 3,
          winner: "S2",
          ballots: [
            { voter: "ada", ranking: ["S2", "S1", "S3"], reason: "secret reason of ada" },
            { voter: "bob" },
            { voter: "cyd" },
          ],
        },
      ],
    });
  });

  test("options are solutions at once, and two are settled by majority", async () => {
    await present("ada", "bob");
    expect(
      await fleet.ok("ada", "open_topic", {
        title: "Tabs",
        problem: "Tabs or spaces?",
        options: ["tabs", "spaces"],
      }),
    ).toMatchObject({
      state: "voting",
      method: "majority",
      vote_until: "2026-01-01T00:10:00.000Z",
      solutions: [
        { id: "S1", title: "tabs" },
        { id: "S2", title: "spaces" },
      ],
    });
    await vote("ada", ["S1"]);
    expect(await vote("bob", ["S1"])).toMatchObject({ decision: { winner: "S1" } });
  });

  test("one solution is a yes or no", async () => {
    await present("ada", "bob", "cyd");
    await open({ options: ["do it"], method: "schulze" });
    await vote("ada", []);
    await vote("bob", []);
    expect(await vote("cyd", ["S1"])).toMatchObject({ state: "no_consensus" });
  });

  test("who passes proposes nothing; when nobody proposed a person decides", async () => {
    await present("ada", "bob");
    await open();
    const pass = { topic_id: "B1", pass: true };
    const both = { ...pass, title: "t", body: "b" };
    expect(await fleet.refusal("bob", "propose_solution", both)).toBe("input_invalid");
    expect(await fleet.ok("ada", "propose_solution", pass)).toMatchObject({
      passed: true,
      state: "proposing",
    });
    expect(await fleet.ok("bob", "propose_solution", pass)).toMatchObject({
      state: "no_consensus",
    });
    expect(bodyOf(await fleet.asPerson("escalations_list"))).toMatchObject({
      escalations: [{ kind: "conflict", topic: "B1", raised_by: "guvnor" }],
    });
  });

  test.each([
    { electorate: { agents: [] } },
    { electorate: { roles: [], agents: ["ada"] } },
    { options: [] },
    { options: ["left", " "] },
    { title: "  " },
    { problem: "\n" },
  ])("a topic with %j is refused: it would be taken for something else", async (given) => {
    await present("ada", "bob");
    const topic = { title: "Which?", problem: "There are two.", ...given };
    expect(await fleet.refusal("ada", "open_topic", topic)).toBe("input_invalid");
  });

  test("who has passed may still propose while solutions are taken", async () => {
    await present("ada", "bob");
    await open();
    await fleet.ok("ada", "propose_solution", { topic_id: "B1", pass: true });
    const proposal = { topic_id: "B1", title: "t", body: "b" };
    await fleet.ok("ada", "propose_solution", proposal);
    const board = await fleet.ok("ada", "read_board", { topic_id: "B1" });
    expect(board["topic"]).not.toHaveProperty("passed");
  });

  test("votes cast at the same time are each counted once", async () => {
    await present(...ALL);
    await open({ options: ["x", "y"] });
    await Promise.all(ALL.map(async (name) => await vote(name, ["S1"])));
    expect(await fleet.ok("ada", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { state: "decided" },
      rounds: [{ cast: 3 }],
    });
  });

  test("a request_id for two different calls is refused under the agent's name", async () => {
    await present("ada", "bob");
    await open({ options: ["x", "y"] });
    const args = { topic_id: "B1", ballot: ["S1"], reason: "r", request_id: "once" };
    await fleet.ok("ada", "vote", args);
    expect(await fleet.refusal("ada", "vote", { ...args, ballot: ["S2"] })).toBe(
      "request_id_reused",
    );
    expect((await fleet.ledger()).at(-1)).toMatchObject({ actor: "ada", decision: "refuse" });
  });

  test("the same request twice is one ballot and the same answer", async () => {
    await present("ada", "bob");
    await open({ options: ["x", "y"] });
    const args = { topic_id: "B1", ballot: ["S1"], reason: "r", request_id: "once" };
    const first = await fleet.ok("ada", "vote", args);
    expect(await fleet.ok("ada", "vote", args)).toEqual(first);
  });
});

describe("refusals", () => {
  beforeEach(async () => {
    await present("ada", "bob", "eve");
    await open({ electorate: { agents: ["ada", "bob"] } });
  });

  const ballot = { topic_id: "B1", ballot: ["S1"], reason: "r" };
  const proposal = { topic_id: "B1", title: "t", body: "b" };

  async function openVote(): Promise<void> {
    await fleet.ok("ada", "propose_solution", proposal);
    await fleet.ok("bob", "propose_solution", proposal);
  }

  test("a vote before voting is open", async () => {
    expect(await fleet.refusal("bob", "vote", ballot)).toBe("state_conflict");
  });

  test("strangers neither propose nor vote", async () => {
    expect(await fleet.refusal("eve", "propose_solution", proposal)).toBe("not_electorate");
    await openVote();
    expect(await fleet.refusal("eve", "vote", ballot)).toBe("not_electorate");
  });

  test("a second ballot", async () => {
    await openVote();
    await vote("bob", ["S1"]);
    expect(await fleet.refusal("bob", "vote", ballot)).toBe("already_voted");
  });

  test("a solution after voting opened, a ballot after it closed", async () => {
    await openVote();
    expect(await fleet.refusal("bob", "propose_solution", proposal)).toBe("topic_closed");
    await vote("ada", ["S1"]);
    await vote("bob", ["S1"]);
    expect(await fleet.refusal("bob", "vote", ballot)).toBe("topic_closed");
  });

  test("a ballot after the last deadline, though nobody has looked since", async () => {
    await openVote();
    await fleet.advance(600_000);
    await fleet.tick();
    await fleet.advance(600_000);
    // A mediator is asked then, and has its own time.
    expect(await fleet.refusal("bob", "vote", ballot)).toBe("state_conflict");
    await fleet.tick();
    await fleet.advance(600_000);
    expect(await fleet.refusal("bob", "vote", ballot)).toBe("topic_closed");
  });

  test.each([
    [{ ...ballot, ballot: ["S9"] }, "solution_unknown"],
    [{ ...ballot, ballot: ["S1", "S1"] }, "input_invalid"],
    [{ ...ballot, abstain: true }, "input_invalid"],
    [{ topic_id: "B1", reason: "r" }, "input_invalid"],
    [{ ...ballot, topic_id: "B9" }, "topic_not_found"],
    [{ ...ballot, topic_id: "x" }, "topic_not_found"],
  ])("the ballot %j", async (args, code) => {
    await openVote();
    expect(await fleet.refusal("bob", "vote", args)).toBe(code);
  });

  test("a number that JSON cannot hold, as 1e999 arrives, is recorded as any refusal", async () => {
    const args = { topic_id: "B1", title: "t", body: "b", confidence: Infinity };
    const before = await fleet.ledger();
    expect(await fleet.refusal("bob", "propose_solution", args)).toBe("input_invalid");
    expect((await fleet.ledger()).slice(before.length)).toMatchObject([
      { actor: "bob", action: "propose_solution", decision: "refuse", reason: "input_invalid" },
    ]);
  });

  test("a solution without a body", async () => {
    const args = { topic_id: "B1", title: "t" };
    expect(await fleet.refusal("bob", "propose_solution", args)).toBe("input_invalid");
  });

  test("more solutions than a ballot may have", async () => {
    for (let count = 0; count < 20; count += 1) await fleet.ok("ada", "propose_solution", proposal);
    expect(await fleet.refusal("ada", "propose_solution", proposal)).toBe("state_conflict");
  });

  test("an unknown solution", async () => {
    expect(await fleet.refusal("ada", "read_board", { solution_id: "S9" })).toBe(
      "solution_unknown",
    );
  });

  test("a refused call leaves nothing but its entry", async () => {
    await openVote();
    const before = await fleet.ledger();
    await fleet.refusal("bob", "vote", { ...ballot, ballot: ["S9"] });
    const after = await fleet.ledger();
    expect(after.slice(before.length)).toMatchObject([
      { decision: "refuse", reason: "solution_unknown", effects: [] },
    ]);
  });
});

describe("who may vote", () => {
  test("by default those who are present, whoever is gone left out", async () => {
    await present(...ALL);
    fleet.kill("cyd");
    await open();
    const { topic } = await fleet.ok("bob", "read_board", { topic_id: "B1" });
    expect(topic).toMatchObject({ electorate: ["ada", "bob"] });
  });

  test("by name, role or capability; named agents may be away", async () => {
    await present("ada");
    await fleet.ok("bob", "register_agent", { role: "reviewer" });
    await fleet.ok("cyd", "register_agent", { capabilities: ["sql"] });
    await fleet.ok("dan", "register_agent", { role: "reviewer" });
    fleet.kill("dan");
    const electorate = { roles: ["reviewer"], capability: "sql" };
    await open({ electorate });
    expect(await fleet.ok("ada", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { electorate: ["bob", "cyd"] },
    });
    await open({ electorate: { agents: ["dan"] } });
    expect(await fleet.ok("ada", "read_board", { topic_id: "B2" })).toMatchObject({
      topic: { electorate: ["dan"], quorum: 1 },
    });
  });

  test.each([
    [{ electorate: { agents: ["nobody"] } }, "agent_unknown"],
    [{ electorate: { roles: ["poet"] } }, "input_invalid"],
    [{ quorum: 2 }, "input_invalid"],
    [{ options: ["x", "x"] }, "input_invalid"],
    [{ task_id: "T9" }, "task_not_found"],
  ])("%j is refused", async (args, code) => {
    await present("ada");
    const topic = { title: "t", problem: "p", ...args };
    expect(await fleet.refusal("ada", "open_topic", topic)).toBe(code);
  });

  test("a person may open a topic and has no vote", async () => {
    const asked = { title: "t", problem: "p", options: ["x", "y"] };
    expect(codeOf(await fleet.asPerson("open_topic", asked))).toBe("input_invalid");
    await present("ada");
    expect(bodyOf(await fleet.asPerson("open_topic", asked))).toMatchObject({
      electorate: ["ada"],
    });
    expect(codeOf(await fleet.asPerson("vote", { topic_id: "B1", ballot: [], reason: "r" }))).toBe(
      "agent_unknown",
    );
    expect(await vote("ada", ["S1"])).toMatchObject({ decision: { winner: "S1" } });
    expect(bodyOf(await fleet.asPerson("board_show", { topic_id: "B1" }))).toMatchObject({
      topic: { opened_by: "person:pat" },
    });
  });
});

describe("sealed ballots", () => {
  test("until closing nobody learns more than how many were cast, not even from the ledger", async () => {
    await present(...ALL);
    await open({ options: ["x", "y", "z"] });
    await vote("bob", ["S3", "S1"]);
    await vote("cyd", ["S2"]);
    const seen = JSON.stringify([
      await fleet.ok("ada", "read_board", { topic_id: "B1" }),
      await fleet.ok("ada", "read_board"),
      bodyOf(await fleet.asPerson("board_show", { topic_id: "B1" })),
      bodyOf(await fleet.asPerson("board_list")),
      await fleet.inbox("ada"),
      await fleet.ledger(),
    ]);
    expect(seen).toContain('"cast":2');
    expect(seen).not.toContain("secret reason");
    expect(seen).not.toContain("ranking");
    expect(seen).not.toContain("first_preferences");
    expect(await effectsOf("ballot")).toEqual([
      { type: "ballot", id: "B1/1/bob", topic: "B1", round: 1, voter: "bob" },
      { type: "ballot", id: "B1/1/cyd", topic: "B1", round: 1, voter: "cyd" },
    ]);
  });

  test("the first round stays sealed during the re-vote", async () => {
    await present("ada", "bob");
    await open({ options: ["x", "y"] });
    await vote("ada", ["S1"]);
    expect(await vote("bob", ["S2"])).toMatchObject({ state: "voting" });
    const board = await fleet.ok("ada", "read_board", { topic_id: "B1" });
    expect(board).toMatchObject({
      topic: { round: 2, revote: expect.stringContaining("S1 and S2") },
    });
    expect(JSON.stringify([board, await fleet.ledger()])).not.toContain("ranking");
  });

  test("each voter sees the solutions in an order of its own, after closing by id", async () => {
    const names = ["ada", "bob", "cyd", "dan", "eve", "fay"];
    await present(...names);
    await open({ options: ["1", "2", "3", "4", "5", "6", "7"] });
    const orderFor = async (name: string): Promise<string> => {
      const { solutions } = await fleet.ok(name, "read_board", { topic_id: "B1" });
      return idsOf(solutions).join(" ");
    };
    const orders = await Promise.all(names.map(orderFor));
    expect(new Set(orders).size).toBeGreaterThan(4);
    expect(await orderFor("ada")).toBe(orders[0]);
    await fleet.asPerson("board_decide", { topic_id: "B1", none: true, reason: "enough" });
    expect(await orderFor("bob")).toBe("S1 S2 S3 S4 S5 S6 S7");
  });
});

describe("no consensus", () => {
  test("a tie goes to one re-vote, a second one to a person", async () => {
    await present("ada", "bob");
    await open({ options: ["x", "y"] });
    await vote("ada", ["S1"]);
    await vote("bob", ["S2"]);
    await vote("ada", ["S1"]);
    expect(await vote("bob", ["S2"])).toMatchObject({ state: "no_consensus" });
    expect(await fleet.ok("ada", "read_board", { topic_id: "B1" })).toMatchObject({
      decision: { by: "vote", reason: expect.stringContaining("The vote is a tie.") },
      rounds: [
        { round: 1, no_winner: "tie", revote: { pair: ["S1", "S2"], picked_by: "only_two" } },
        { round: 2, no_winner: "tie" },
      ],
    });
    expect(bodyOf(await fleet.asPerson("escalations_list"))).toMatchObject({
      escalations: [{ topic: "B1", state: "open" }],
    });
  });

  test("of three the best two are left for the re-vote", async () => {
    const names = ["ada", "bob", "cyd", "dan"];
    await present(...names);
    await open({ options: ["x", "y", "z"] });
    await vote("ada", ["S1", "S2", "S3"]);
    await vote("bob", ["S1", "S2", "S3"]);
    await vote("cyd", ["S2", "S1", "S3"]);
    await vote("dan", ["S2", "S1", "S3"]);
    expect(
      await fleet.refusal("ada", "vote", { topic_id: "B1", ballot: ["S3"], reason: "r" }),
    ).toBe("solution_unknown");
    for (const name of names) await vote(name, ["S2"]);
    expect(await fleet.ok("ada", "read_board", { topic_id: "B1" })).toMatchObject({
      decision: { winner: "S2" },
    });
  });

  test("without a quorum at the deadline, twice", async () => {
    await present(...ALL);
    await open({ options: ["x", "y"] });
    await vote("ada", ["S1"]);
    await fleet.advance(600_000);
    expect(await fleet.ok("bob", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { state: "voting", round: 2, until: "2026-01-01T00:20:00.000Z" },
    });
    await fleet.advance(600_000);
    expect(await fleet.ok("bob", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { state: "no_consensus" },
      decision: { reason: expect.stringContaining("0 of 3 voted; the quorum is 2.") },
    });
  });

  test("absent members count as silent: the quorum is enough at the deadline", async () => {
    await present(...ALL);
    await open({ options: ["x", "y"] });
    await vote("ada", ["S1"]);
    await fleet.ok("bob", "vote", { topic_id: "B1", abstain: true, reason: "no idea" });
    fleet.kill("cyd");
    await fleet.advance(600_000);
    await fleet.tick();
    expect(await fleet.ok("ada", "read_board", { topic_id: "B1" })).toMatchObject({
      decision: { winner: "S1" },
      rounds: [{ abstained: ["bob"], cast: 2 }],
    });
  });

  test("nobody proposed at the deadline", async () => {
    await present("ada", "bob");
    await open();
    await fleet.advance(300_000);
    expect(await fleet.ok("ada", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { state: "no_consensus" },
      decision: { reason: "Nobody proposed a solution." },
    });
  });

  test("the ticker settles what nobody asks for, once", async () => {
    await present("ada", "bob");
    await open();
    await fleet.ok("ada", "propose_solution", { topic_id: "B1", title: "t", body: "b" });
    await fleet.advance(300_000);
    await fleet.tick();
    await fleet.tick();
    const moves = await effectsOf("topic");
    expect(moves.map(({ event }) => event)).toEqual(["opened", "voting_opened"]);
    expect(await fleet.read(async (tx) => await tx.topics.due(fleet.clock.now()))).toEqual([]);
  });
});

describe("irreversible", () => {
  test("two thirds only propose; a person confirms", async () => {
    await present(...ALL);
    await open({ options: ["drop", "keep"], irreversible: true });
    for (const name of ALL) await vote(name, ["S1"]);
    const board = await fleet.ok("ada", "read_board", { topic_id: "B1" });
    expect(board).toMatchObject({
      topic: { state: "voting", awaits: "person" },
      decision: { winner: "S1", confirmed: false },
      rounds: [{ two_thirds: true }],
    });
    await fleet.advance(10_000_000);
    await fleet.tick();
    expect(await fleet.refusal("ada", "vote", { topic_id: "B1", ballot: [], reason: "r" })).toBe(
      "topic_closed",
    );
    expect(bodyOf(await fleet.asPerson("escalations_list"))).toMatchObject({
      escalations: [{ kind: "policy", severity: "high", topic: "B1" }],
    });
    const word = { topic_id: "B1", solution_id: "S1", reason: "backed up" };
    expect(bodyOf(await fleet.asPerson("board_decide", word))).toMatchObject({
      state: "decided",
      decision: { winner: "S1", by: "person", reason: "backed up" },
    });
    expect(bodyOf(await fleet.asPerson("escalations_list"))).toEqual({ escalations: [] });
  });

  test("less than two thirds is no winner", async () => {
    const names = ["ada", "bob", "cyd", "dan", "eve"];
    await present(...names);
    await open({ options: ["drop", "keep"], irreversible: true });
    for (let round = 0; round < 2; round += 1) {
      for (const name of names) await vote(name, name < "d" ? ["S1"] : ["S2"]);
    }
    expect(await fleet.ok("ada", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { state: "no_consensus" },
      decision: { reason: expect.stringContaining("S1 leads with less than two thirds.") },
    });
  });
});

describe("a person's word", () => {
  test("ends a topic at any time, with what was cast so far in its record", async () => {
    await present("ada", "bob");
    await open({ options: ["x", "y"] });
    await vote("ada", ["S1"]);
    const word = { topic_id: "B1", solution_id: "S2", reason: "cheaper" };
    await fleet.asPerson("board_decide", word);
    expect(bodyOf(await fleet.asPerson("board_show", { topic_id: "B1" }))).toMatchObject({
      topic: { state: "decided" },
      decision: { winner: "S2", by: "person", reason: "cheaper" },
      rounds: [{ cast: 1, ballots: [{ voter: "ada", ranking: ["S1"] }] }],
    });
    expect(codeOf(await fleet.asPerson("board_decide", word))).toBe("state_conflict");
    expect(await fleet.inbox("bob")).toEqual([
      { subject: "B1", text: expect.stringContaining("pat decided for S2: cheaper") },
    ]);
  });

  test.each([
    [{ solution_id: "S1", none: true }, "input_invalid"],
    [{}, "input_invalid"],
    [{ solution_id: "S9" }, "solution_unknown"],
  ])("%j is no decision", async (args, code) => {
    await present("ada");
    await open();
    const word = { topic_id: "B1", reason: "r", ...args };
    expect(codeOf(await fleet.asPerson("board_decide", word))).toBe(code);
  });

  test("none of them is a decision too, and no agent can give it", async () => {
    await present("ada");
    await open();
    const word = { topic_id: "B1", none: true, reason: "not now" };
    expect(await fleet.refusal("ada", "board_decide", word)).toBe("person_required");
    expect(bodyOf(await fleet.asPerson("board_decide", word))).toMatchObject({ state: "decided" });
    expect(bodyOf(await fleet.asPerson("board_list", { state: "decided" }))).toMatchObject({
      topics: [{ id: "B1" }],
    });
  });
});

describe("inbox", () => {
  test("members hear what is wanted of them and how it ended, the one who acts does not", async () => {
    await present("ada", "bob", "eve");
    await open({ electorate: { agents: ["bob", "eve"] } });
    const texts = async (agent: string): Promise<readonly string[]> =>
      (await fleet.inbox(agent)).map(({ text }) => text.split(" ").slice(0, 3).join(" "));
    expect(await texts("ada")).toEqual([]);
    expect(await texts("bob")).toEqual(["Propose a solution"]);
    await fleet.ok("bob", "propose_solution", { topic_id: "B1", title: "t", body: "b" });
    expect(await texts("bob")).toEqual([]);
    await fleet.ok("eve", "propose_solution", { topic_id: "B1", pass: true });
    expect(await texts("bob")).toEqual(["Vote on B1"]);
    expect(await texts("eve")).toEqual([]);
    await vote("bob", ["S1"]);
    await vote("eve", ["S1"]);
    expect(await texts("ada")).toEqual(['B1 "Parser" is']);
    expect(await texts("bob")).toEqual(['B1 "Parser" is']);
    expect(await texts("eve")).toEqual([]);
  });
});

describe("the record", () => {
  test("in the ledger is enough to count again", async () => {
    await present(...ALL);
    await open({ options: ["x", "y", "z"] });
    await vote("ada", ["S3", "S1"]);
    await vote("bob", ["S3"]);
    await vote("cyd", ["S1", "S3"]);
    const decided = (await effectsOf("topic")).find(({ event }) => event === "decided");
    expect(decided?.["winner"]).toBe("S3");
    const record: TopicRecord = JSON.parse(JSON.stringify(decided?.["record"]));
    expect(record.rounds.map((round) => recount(record, round))).toEqual(["S3"]);
  });
});

test("the same calls at the same times give the same ledger", async () => {
  const run = async (): Promise<unknown> => {
    fleet = await createFleet({ operations: OPERATIONS, seed: 7 });
    await present(...ALL);
    await open({ options: ["x", "y"] });
    await Promise.all(ALL.map(async (name) => await vote(name, ["S1"])));
    const head = await fleet.read(async (tx) => await tx.audit.head());
    return head?.hash;
  };
  await fleet.close();
  const first = await run();
  await fleet.close();
  expect(await run()).toBe(first);
});

function recount(record: TopicRecord, { solutions, ballots, method }: RoundRecord): string | null {
  const { electorate, quorum } = record;
  const tally = tallyTopic({ solutions, ballots, electorate, quorum, method });
  return tally.outcome === "decided" ? tally.winner : null;
}

describe("waiting on the board", () => {
  beforeEach(async () => {
    await present(...ALL);
    await open({ options: ["x", "y"] });
  });

  const wait = { topic_id: "B1", wait_seconds: 25 };

  test("ends at once for who has yet to vote", async () => {
    expect(await fleet.ok("ada", "read_board", wait)).toMatchObject({ topic: { wants: "vote" } });
    expect(await fleet.ok("ada", "read_board", { wait_seconds: 25 })).toMatchObject({
      topics: [{ id: "B1", wants: "vote" }],
      next: expect.stringContaining("B1"),
    });
  });

  test("ends when the topic is decided", async () => {
    await vote("ada", ["S1"]);
    const waiting = fleet.ok("ada", "read_board", wait);
    await vote("bob", ["S1"]);
    await vote("cyd", ["S1"]);
    expect(await waiting).toMatchObject({ topic: { state: "decided" } });
    expect(await fleet.ok("ada", "read_board", wait)).toMatchObject({
      topic: { state: "decided" },
    });
  });

  test("ends when a deadline passes meanwhile, or when the time is over", async () => {
    await vote("ada", ["S1"]);
    const waiting = fleet.ok("ada", "read_board", wait);
    await fleet.advance(25_000);
    expect(await waiting).toMatchObject({ topic: { state: "voting", ballots: { cast: 1 } } });
    await fleet.advance(560_000);
    const later = fleet.ok("ada", "read_board", wait);
    await fleet.advance(15_000);
    expect(await later).toMatchObject({ topic: { state: "voting", round: 2, wants: "vote" } });
  });

  test("without a topic ends when one wants the caller's word", async () => {
    await vote("ada", ["S1"]);
    const waiting = fleet.ok("ada", "read_board", { wait_seconds: 25 });
    await fleet.ok("bob", "open_topic", { title: "t", problem: "p" });
    expect(await waiting).toMatchObject({ next: expect.stringContaining("B2") });
  });

  test("is the first thing an agent may do: the ledger names it all the same", async () => {
    const waiting = fleet.ok("fay", "read_board", { wait_seconds: 5 });
    await fleet.advance(5000);
    await waiting;
    expect((await fleet.ledger()).slice(-2)).toMatchObject([
      {
        actor: "fay",
        decision: "system",
        effects: [
          { type: "process", event: "started" },
          { type: "agent", id: "fay", event: "registered" },
          { type: "token", event: "issued", agent: "fay" },
        ],
      },
      { actor: "fay", decision: "allow", effects: [] },
    ]);
  });

  test("makes one entry", async () => {
    await vote("ada", ["S1"]);
    const before = (await fleet.ledger()).length;
    const waiting = fleet.ok("ada", "read_board", wait);
    await fleet.advance(25_000);
    await waiting;
    expect((await fleet.ledger()).length).toBe(before + 1);
  });
});

describe("long texts", () => {
  test("are cut with a mark in a topic, whole by solution_id and for people", async () => {
    await present("ada", "bob");
    await open();
    const body = "x".repeat(20_000);
    for (const title of ["a", "b", "c"]) {
      await fleet.ok("ada", "propose_solution", { topic_id: "B1", title, body });
    }
    const { solutions } = await fleet.ok("ada", "read_board", { topic_id: "B1" });
    expect(solutions).toContainEqual(
      expect.objectContaining({ id: "S1", cut: true, body: expect.stringMatching(/^x{13332}…$/) }),
    );
    const whole = { solutions: expect.arrayContaining([expect.objectContaining({ body })]) };
    expect(await fleet.ok("ada", "read_board", { solution_id: "S1" })).toMatchObject(whole);
    expect(bodyOf(await fleet.asPerson("board_show", { topic_id: "B1" }))).toMatchObject(whole);
  });

  test("lists show at most twenty topics, open ones first", async () => {
    await present("ada", "bob");
    await open();
    for (let count = 0; count < 21; count += 1) {
      await open({ options: ["x"], electorate: { agents: ["ada"] } });
      await vote("ada", [`S${count + 1}`], `B${count + 2}`);
    }
    const { topics, more } = await fleet.ok("ada", "read_board");
    expect(more).toBe(true);
    const ids = idsOf(topics);
    expect(ids).toHaveLength(20);
    expect(ids.slice(0, 3)).toEqual(["B1", "B22", "B21"]);
  });
});

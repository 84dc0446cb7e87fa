import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { boardOperations } from "../../src/engine/person/board-operations.ts";
import { escalationOperations } from "../../src/engine/person/escalation-operations.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { ReadTx, Store } from "../../src/store/store.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, codeOf, createFleet, type Fleet } from "../support/engine-harness.ts";

const OPERATIONS = [...TOOLS, ...boardOperations, ...escalationOperations];
const ALL = ["ada", "bob", "cyd"];
const ROLES = `version: 1
roles: { security: [cyd, zoe], operator: [pat] }
`;

let fleet: Fleet;

beforeEach(async () => {
  fleet = await createFleet({ operations: OPERATIONS, guvnorYaml: ROLES });
  for (const name of ALL) await fleet.ok(name, "read_board");
});

afterEach(async () => {
  await fleet.close();
});

async function open(args: object = {}): Promise<Record<string, unknown>> {
  const asked = { title: "Which?", problem: "One of them.", options: ["x", "y", "z"], ...args };
  return await fleet.ok("ada", "open_topic", asked);
}

async function vote(voter: string, args: object, topic = "B1"): Promise<Record<string, unknown>> {
  return await fleet.ok(voter, "vote", { topic_id: topic, reason: `as ${voter} thinks`, ...args });
}

async function decisionOf(topic = "B1"): Promise<Record<string, unknown>> {
  return await fleet.ok("ada", "read_board", { topic_id: topic });
}

describe("methods", () => {
  test("approval: the ballot is a set, and the greatest share above half wins", async () => {
    expect(await open({ method: "approval" })).toMatchObject({ method: "approval" });
    expect(await fleet.ok("bob", "read_board", { topic_id: "B1" })).toMatchObject({
      next: expect.stringContaining("all you approve"),
    });
    await vote("ada", { ballot: ["S3", "S1"] });
    await vote("bob", { ballot: ["S1", "S2"] });
    expect(await vote("cyd", { ballot: ["S1"] })).toMatchObject({ decision: { winner: "S1" } });
    expect(await decisionOf()).toMatchObject({
      rounds: [
        {
          method: "approval",
          approvals: [
            // Whoever opened it wrote all options, and so has no side.
            { id: "S1", approved: 3, counted: 3, left_out: [] },
            { id: "S2", approved: 1, counted: 3 },
            { id: "S3", approved: 1, counted: 3 },
          ],
        },
      ],
    });
  });

  test("approval: its re-vote is by majority, and asks for an order", async () => {
    await open({ method: "approval", options: ["x", "y"], electorate: { agents: ["ada", "bob"] } });
    await vote("ada", { ballot: ["S1"] });
    await vote("bob", { ballot: ["S2"] });
    expect(await fleet.ok("bob", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { round: 2, method: "majority" },
      next: expect.stringContaining("[best first]"),
    });
  });

  test("supermajority: more than half is not enough, nor in the re-vote", async () => {
    await fleet.ok("dan", "read_board");
    await fleet.ok("eve", "read_board");
    await open({ method: "supermajority", options: ["x", "y"] });
    const ballots = { ada: "S1", bob: "S1", cyd: "S1", dan: "S2", eve: "S2" };
    for (const [voter, id] of Object.entries(ballots)) await vote(voter, { ballot: [id] });
    expect(await decisionOf()).toMatchObject({
      topic: { state: "voting", round: 2, method: "supermajority" },
    });
    for (const [voter, id] of Object.entries(ballots)) await vote(voter, { ballot: [id] });
    expect(await decisionOf()).toMatchObject({
      topic: { state: "no_consensus" },
      decision: {
        reason: "No solution has two thirds of the votes. No agent is present that could mediate.",
      },
    });
  });

  test("unanimity stays unanimity in the re-vote, where all may come round", async () => {
    await open({ method: "unanimity" });
    await vote("ada", { ballot: ["S1"] });
    await vote("bob", { ballot: ["S1"] });
    await vote("cyd", { ballot: ["S2"] });
    await vote("ada", { ballot: ["S1"] });
    await vote("bob", { abstain: true });
    expect(await vote("cyd", { ballot: ["S1"] })).toMatchObject({ decision: { winner: "S1" } });
    expect(await decisionOf()).toMatchObject({
      rounds: [
        { method: "unanimity", no_winner: "no_majority" },
        { method: "unanimity", winner: "S1", abstained: ["bob"] },
      ],
    });
  });

  test("after approval and schulze the re-vote is by majority", async () => {
    await open({ method: "approval" });
    for (const name of ALL) await vote(name, { ballot: ["S1", "S2"] });
    expect(await decisionOf()).toMatchObject({ topic: { round: 2, method: "majority" } });
  });
});

describe("vetoes", () => {
  test("who has the role may veto, and what is vetoed does not win however many want it", async () => {
    expect(await open({ veto: ["security"] })).toMatchObject({
      veto: [{ role: "security", members: ["cyd"] }],
    });
    expect(await fleet.ok("cyd", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { veto: [{ role: "security", members: ["cyd"] }] },
      next: expect.stringContaining('"veto":'),
    });
    await vote("ada", { ballot: ["S1", "S2"] });
    await vote("bob", { ballot: ["S1", "S2"] });
    expect(await vote("cyd", { ballot: ["S3"], veto: ["S1"] })).toMatchObject({
      decision: { winner: "S2" },
    });
    expect(await decisionOf()).toMatchObject({
      rounds: [
        {
          vetoed: [{ id: "S1", by: ["cyd"] }],
          ballots: [{}, {}, { voter: "cyd", veto: ["S1"], reason: "as cyd thinks" }],
        },
      ],
    });
  });

  test("where everything is vetoed a person decides, and may decide for it all the same", async () => {
    await open({ veto: ["security"] });
    await vote("ada", { ballot: ["S1"] });
    await vote("bob", { ballot: ["S1"] });
    expect(await vote("cyd", { abstain: true, veto: ["S1", "S2", "S3"] })).toMatchObject({
      state: "no_consensus",
      decision: { reason: "Every solution was vetoed. No agent is present that could mediate." },
    });
    expect(await decisionOf()).toMatchObject({ rounds: [{ no_winner: "vetoed" }] });
    const word = { topic_id: "B1", solution_id: "S1", reason: "I answer for it" };
    expect(bodyOf(await fleet.asPerson("board_decide", word))).toMatchObject({ state: "decided" });
    expect(bodyOf(await fleet.asPerson("board_recompute", { topic_id: "B1" }))).toMatchObject({
      same: true,
      by: "person",
      winner: "S1",
    });
  });

  test("a vetoed solution is not in the re-vote", async () => {
    await open({ veto: ["security"], method: "majority" });
    await vote("ada", { ballot: ["S1"] });
    await vote("bob", { ballot: ["S2"] });
    await vote("cyd", { abstain: true, veto: ["S1"] });
    expect(await decisionOf()).toMatchObject({
      topic: { round: 2, revote: expect.stringContaining("S2 and S3") },
    });
  });

  test("an agent's own word for its role gives no veto, and others have none", async () => {
    await fleet.ok("bob", "register_agent", { role: "security" });
    await open({ veto: ["security"] });
    const cast = { topic_id: "B1", ballot: ["S2"], veto: ["S1"], reason: "r" };
    expect(await fleet.refusal("bob", "vote", cast)).toBe("not_eligible");
    expect(await fleet.ok("bob", "vote", { ...cast, veto: [] })).toMatchObject({ accepted: true });
    await open();
    const none = { topic_id: "B2", ballot: [], veto: ["S4"], reason: "r" };
    expect(await fleet.refusal("cyd", "vote", none)).toBe("not_eligible");
  });

  test.each([
    [{ ballot: ["S1"], veto: ["S1"] }, "input_invalid"],
    [{ ballot: ["S1"], veto: ["S2", "S2"] }, "input_invalid"],
    [{ ballot: ["S1"], veto: ["S9"] }, "solution_unknown"],
    [{ veto: ["S1"] }, "input_invalid"],
  ])("%j is no ballot", async (args, code) => {
    await open({ veto: ["security"] });
    const cast = { topic_id: "B1", reason: "r", ...args };
    expect(await fleet.refusal("cyd", "vote", cast)).toBe(code);
  });

  test.each([
    [{ veto: ["poets"] }, "guvnor.yaml has no role poets."],
    [{ veto: ["operator"] }, "Nobody in the electorate has the role operator: pat."],
    [{ veto: ["security"], electorate: { agents: ["ada"] } }, "Nobody in the electorate"],
  ])("a topic with %j is not opened", async (args, message) => {
    const asked = { title: "t", problem: "p", ...args };
    expect(codeOf(await fleet.call("ada", "open_topic", asked))).toBe("input_invalid");
    const { body } = await fleet.call("ada", "open_topic", asked);
    expect(body["message"]).toContain(message);
  });

  test("is frozen at the opening: who comes later with the role has none", async () => {
    await fleet.ok("zoe", "read_board");
    await open({ veto: ["security"], electorate: { agents: ["ada", "cyd"] } });
    const board = await decisionOf();
    expect(board["topic"]).toMatchObject({ veto: [{ role: "security", members: ["cyd"] }] });
    const cast = { topic_id: "B1", ballot: [], veto: ["S1"], reason: "r" };
    expect(await fleet.refusal("zoe", "vote", cast)).toBe("not_electorate");
  });
});

describe("how much the voters are worth", () => {
  test("is said with the decision, by the models that were registered at the opening", async () => {
    for (const name of ["ada", "bob"]) await fleet.ok(name, "register_agent", { model: "one" });
    await fleet.ok("cyd", "register_agent", { model: "two" });
    await open({ options: ["x", "y"] });
    await fleet.ok("bob", "register_agent", { model: "three" });
    for (const name of ALL) await vote(name, { ballot: ["S1"] });
    expect(await decisionOf()).toMatchObject({
      decision: { winner: "S1", n_eff: 1.67 },
      rounds: [{ n_eff: 1.67 }],
    });
    const ledger = JSON.stringify(await fleet.ledger());
    expect(ledger).toContain('"models":{"ada":"one","bob":"one","cyd":"two"}');
  });
});

async function recompute(topic = "B1"): Promise<Record<string, unknown>> {
  return bodyOf(await fleet.asPerson("board_recompute", { topic_id: topic }));
}

async function recomputeCode(topic: string): Promise<unknown> {
  return codeOf(await fleet.asPerson("board_recompute", { topic_id: topic }));
}

describe("recomputing from the ledger", () => {
  test("gives the same for a decision after a re-vote with a veto", async () => {
    await open({ veto: ["security"], method: "majority" });
    await vote("ada", { ballot: ["S1"] });
    await vote("bob", { ballot: ["S2"] });
    await vote("cyd", { abstain: true, veto: ["S1"] });
    for (const name of ALL) await vote(name, { ballot: ["S3"] });
    expect(await recompute()).toEqual({
      topic_id: "B1",
      same: true,
      entry: expect.any(Number),
      by: "vote",
      winner: "S3",
      rounds: [
        { round: 1, method: "majority", no_winner: "no_majority" },
        { round: 2, method: "majority", winner: "S3" },
      ],
    });
  });

  test("looks at the ledger and not at the tables", async () => {
    await open({ options: ["x", "y"] });
    for (const name of ALL) await vote(name, { ballot: ["S1"] });
    await fleet.write(async ({ tx }) => {
      const topic = await tx.topics.get("B1");
      if (topic === undefined || topic.decision === null) throw new Error("no decision");
      await tx.topics.save({ ...topic, quorum: 1, decision: { ...topic.decision, winner: "S2" } });
    });
    expect(await recompute()).toMatchObject({ same: true, winner: "S1" });
  });

  test("is refused while ballots are sealed, and for what is not there", async () => {
    await open();
    expect(await recomputeCode("B1")).toBe("state_conflict");
    expect(await recomputeCode("B9")).toBe("topic_not_found");
    for (const topic of ["B1", "B9"]) {
      const asked = { topic_id: topic };
      expect(await fleet.refusal("ada", "board_recompute", asked)).toBe("person_required");
    }
  });

  test.each([
    ["a ballot's choice", '"ranking":["S2"]', '"ranking":["S1"]', "rounds.0.winner"],
    ["who voted", '"voter":"bob"}', '"voter":"eve"}', "rounds"],
    ["the winner", '"winner":"S2"}],', '"winner":"S1"}],', "rounds.0.winner"],
    [
      "who wrote a solution",
      '"author":"ada","created',
      '"author":"bob","created',
      "rounds.0.S1.author",
    ],
    ["a quorum", '"quorum":2,"rounds"', '"quorum":1,"rounds"', "quorum"],
    ["a pair", '"prefer_b":2', '"prefer_b":1', "rounds.0.pairs"],
  ])("finds %s that was changed in the record", async (_what, from, to, field) => {
    await fleet.close();
    const store = rewriting(await openSqlite({ file: ":memory:" }), (body) =>
      body.includes('"record"') ? body.replaceAll(from, to) : body,
    );
    fleet = await createFleet({ operations: OPERATIONS, store });
    for (const name of ALL) await fleet.ok(name, "read_board");
    await open({ options: ["x", "y"] });
    await vote("ada", { ballot: ["S1"] });
    for (const name of ["bob", "cyd"]) await vote(name, { ballot: ["S2"] });
    const found = await recompute();
    expect(found["same"]).toBe(false);
    const fields = (found["differences"] as { field: string }[]).map((each) => each.field);
    expect(fields).toContain(field);
  });
});

/** A store whose ledger reads as if somebody had rewritten it. */
function rewriting(store: Store, change: (body: string) => string): Store {
  const list =
    (tx: ReadTx): ReadTx["audit"]["list"] =>
    async (...args) =>
      (await tx.audit.list(...args)).map(({ seq, prevHash, hash, body }) => {
        return { seq, prevHash, hash, body: change(body) };
      });
  return {
    ...store,
    read: async (scope, work) =>
      await store.read(
        scope,
        async (tx) => await work({ ...tx, audit: { ...tx.audit, list: list(tx) } }),
      ),
  };
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { VOTING_METHODS, type Ballot, type Solution, type Topic } from "../../src/core/board.ts";
import { canonicalJson, toJson } from "../../src/core/canonical-json.ts";
import { compare, recountTopic, type FoundRecord } from "../../src/core/recount-topic.ts";
import { dueMove, openVoting } from "../../src/core/topic-decisions.ts";

const MEMBERS = ["ada", "bob", "cyd", "dan"];
const LATE = 10_000_000;

interface Closed {
  readonly record: FoundRecord;
  readonly winner: string | null;
}

const closings: fc.Arbitrary<Closed> = fc
  .record({
    count: fc.integer({ min: 1, max: 4 }),
    method: fc.constantFrom(null, ...VOTING_METHODS),
    irreversible: fc.boolean(),
    quorum: fc.integer({ min: 0, max: 4 }),
  })
  .chain(({ count, ...rules }) => {
    const ids = Array.from({ length: count }, (_, index) => `S${index + 1}`);
    const ballot = fc.record({
      ranking: fc.shuffledSubarray(ids),
      abstain: fc.boolean(),
      veto: fc.subarray(ids, { maxLength: 1 }),
    });
    const rounds = fc.tuple(...[1, 2].map(() => fc.tuple(...MEMBERS.map(() => fc.option(ballot)))));
    return rounds.map((cast) => close(topicOf(rules), ids, cast));
  });

function topicOf(rules: Pick<Topic, "method" | "irreversible" | "quorum">): Topic {
  return {
    id: "B1",
    title: "t",
    problem: "p",
    state: "proposing",
    electorate: MEMBERS,
    veto: [{ role: "security", members: ["dan"] }],
    models: { ada: "m", bob: "m" },
    taskId: null,
    openedBy: "ada",
    createdAtMs: 0,
    proposeUntilMs: 1,
    voteUntilMs: null,
    voteSeconds: 60,
    endedAtMs: null,
    round: 1,
    ballotIds: [],
    earlier: [],
    checks: null,
    mediate: "last",
    mediation: null,
    passed: [],
    decision: null,
    ...rules,
  };
}

function solutionOf(id: string, author: string): Solution {
  return {
    id,
    topicId: "B1",
    author,
    title: id,
    body: "b",
    commit: null,
    files: [],
    evidence: [],
    confidence: null,
    createdAtMs: 1,
    checks: [],
  };
}

type Said = Pick<Ballot, "ranking" | "abstain" | "veto"> | null;

/** Lets deadlines pass until the topic is closed. */
function close(opened: Topic, ids: readonly string[], cast: readonly (readonly Said[])[]): Closed {
  const solutions = ids.map((id, index) => solutionOf(id, MEMBERS[index] ?? ""));
  let { topic } = openVoting({ topic: opened, solutions, ballots: [] }, 0);
  const ballots: Ballot[] = [];
  while (topic.decision === null) {
    const { round, ballotIds } = topic;
    for (const [index, said] of (cast[round - 1] ?? []).entries()) {
      const voter = MEMBERS[index] ?? "";
      if (said !== null) ballots.push(ballotOf(said, { voter, round, ballotIds }));
    }
    const move = dueMove({ topic, solutions, ballots }, LATE * round);
    if (move === undefined) throw new Error("the topic does not close");
    ({ topic } = move);
  }
  const record: FoundRecord = JSON.parse(canonicalJson(toJson(topic.decision.tally)));
  return { record, winner: topic.decision.winner };
}

/** Only what may be said: of what is on the ballot, either ranked or vetoed, and vetoed by dan. */
function ballotOf(
  said: NonNullable<Said>,
  { voter, round, ballotIds }: { voter: string; round: number; ballotIds: readonly string[] },
): Ballot {
  const veto = voter === "dan" ? said.veto.filter((id) => ballotIds.includes(id)) : [];
  const ranking = said.ranking.filter((id) => ballotIds.includes(id) && !veto.includes(id));
  const { abstain } = said;
  const cast = { ranking: abstain ? [] : ranking, abstain, veto };
  return { topicId: "B1", round, voter, reason: "r", castAtMs: 1, ...cast };
}

describe("a record of any topic", () => {
  test("is counted again with the same outcome", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(closings, ({ record, winner }) => {
        expect(recountTopic(record, { by: "vote", winner })).toEqual([]);
        for (const { method, no_winner: why } of record.rounds) {
          seen.add(method).add(typeof why === "string" ? why : "decided");
        }
        const vetoed = record.rounds.flatMap((round) => (round["vetoed"] ?? []) as object[]);
        if (winner !== null)
          expect(vetoed).not.toContainEqual(expect.objectContaining({ id: winner }));
      }),
      { numRuns: 500 },
    );
    const outcomes = ["decided", "no_majority", "quorum", "tie", "vetoed"];
    expect([...seen].toSorted()).toEqual([...VOTING_METHODS, ...outcomes].toSorted());
  });

  test("with another winner does not pass", () => {
    fc.assert(
      fc.property(closings, ({ record, winner }) => {
        const other = winner === null ? "S1" : null;
        const found = recountTopic(record, { by: "vote", winner: other });
        expect(found.map(({ field }) => field)).toEqual(["winner"]);
      }),
    );
  });

  test("decided by a person, whatever the person chose, is only counted again", () => {
    fc.assert(
      fc.property(closings, ({ record }) => {
        expect(recountTopic(record, { by: "person", winner: "S9" })).toEqual([]);
      }),
    );
  });
});

function ranked(ranking: string): NonNullable<Said> {
  return { ranking: ranking.split(" "), abstain: false, veto: [] };
}

describe("what was changed in a record is found", () => {
  const { record, winner } = close(
    topicOf({ method: null, irreversible: false, quorum: 2 }),
    ["S1", "S2", "S3"],
    [
      [ranked("S1 S2 S3"), ranked("S2 S3 S1"), ranked("S3 S1 S2"), null],
      [ranked("S1"), ranked("S2"), ranked("S1"), ranked("S1")],
    ],
  );

  /** The fields that differ, once something was changed. */
  function fieldsOf(change: (copy: FoundRecord) => object): string[] {
    const changed = { ...record, ...change(structuredClone(record)) };
    return recountTopic(changed, { by: "vote", winner }).map(({ field }) => field);
  }

  test("nothing where nothing was", () => {
    expect(record.rounds).toHaveLength(2);
    expect(fieldsOf(() => ({}))).toEqual([]);
  });

  test.each([
    ["cast", 9],
    ["n_eff", 4],
    ["winner", "S3"],
    ["margin", 0.5],
    ["dissent", []],
    ["pairs", []],
    ["first_preferences", []],
    ["abstained", ["dan"]],
    ["method", "approval"],
  ])("the round's %s", (field, value) => {
    const found = fieldsOf(({ rounds }) => ({
      rounds: rounds.map((round, index) =>
        index === 1 ? Object.assign(round, { [field]: value }) : round,
      ),
    }));
    expect(found).toContain(`rounds.1.${field}`);
  });

  test("a ballot", () => {
    const found = fieldsOf(({ rounds }) => ({
      rounds: rounds.map((round, index) =>
        index === 1
          ? Object.assign(round, {
              ballots: round.ballots.map((ballot) => ({ ...ballot, ranking: ["S2"] })),
            })
          : round,
      ),
    }));
    expect(found).toContain("rounds.1.winner");
  });

  test("the two of the re-vote, and a re-vote after a decision", () => {
    const swapped = fieldsOf(({ rounds }) => ({
      rounds: rounds.map((round, index) =>
        index === 0
          ? round
          : Object.assign(round, {
              solutions: round.solutions.map((each) =>
                each.id === "S2" ? { ...each, id: "S3" } : each,
              ),
              ballots: round.ballots.filter(({ voter }) => voter !== "bob"),
            }),
      ),
    }));
    expect(swapped).toContain("rounds.1.on_ballot");
    const decided = fieldsOf(({ rounds }) => ({
      rounds: rounds.map((round, index) =>
        index === 1
          ? round
          : Object.assign(round, {
              ballots: round.ballots.map((ballot) => ({ ...ballot, ranking: ["S1"] })),
            }),
      ),
    }));
    expect(decided).toContain("rounds.0.outcome");
  });

  test("fewer independent voters, the quorum, two thirds", () => {
    expect(fieldsOf(() => ({ models: {} }))).toContain("rounds.1.n_eff");
    expect(fieldsOf(() => ({ quorum: 5 }))).toContain("rounds.1.no_winner");
    expect(fieldsOf(() => ({ irreversible: true }))).toContain("rounds.1.two_thirds");
  });

  test("ballots that nobody can have cast are refused", () => {
    expect(() => fieldsOf(() => ({ electorate: ["ada"] }))).toThrow(
      expect.objectContaining({ code: "not_electorate" }),
    );
  });
});

test("an absent field is not the same as one that is there", () => {
  expect(compare("at", { a: 1, b: [2] }, { b: [2], c: null })).toEqual([
    { field: "at.a", recorded: 1, counted: null },
  ]);
});

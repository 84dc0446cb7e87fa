import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  VOTING_METHODS,
  type Ballot,
  type Solution,
  type SolutionCheck,
  type Topic,
  type VotingMethod,
} from "../../src/core/board.ts";
import { canonicalJson, toJson } from "../../src/core/canonical-json.ts";
import { defaultQuorum, fixMethod, tallyTopic } from "../../src/core/consensus/tally.ts";
import { isMediating, openMediation, withMediator } from "../../src/core/mediation.ts";
import {
  awaitsPerson,
  decideByPerson,
  dueMove,
  hasSpoken,
  isUnsealed,
  openVoting,
  requireMember,
  requireProposing,
  requireVoting,
  takesBallots,
} from "../../src/core/topic-decisions.ts";
import {
  hasTwoThirds,
  recordedIn,
  recordOf,
  tallyRound,
  votersOf,
  type Deliberation,
  type RoundRecord,
  type TopicRecord,
} from "../../src/core/topic-record.ts";

const NOW = 1_000_000;
const MEMBERS = ["ada", "bob", "cyd", "dan", "eve"];

function topicOf(fields: Partial<Topic> = {}): Topic {
  return {
    id: "B1",
    title: "t",
    problem: "p",
    state: "proposing",
    method: null,
    electorate: ["ada", "bob", "cyd"],
    veto: [],
    models: {},
    quorum: 2,
    irreversible: false,
    taskId: null,
    openedBy: "ada",
    createdAtMs: 0,
    proposeUntilMs: NOW + 1000,
    voteUntilMs: null,
    voteSeconds: 60,
    endedAtMs: null,
    round: 1,
    ballotIds: [],
    earlier: [],
    mediate: "last",
    mediation: null,
    checks: null,
    passed: [],
    decision: null,
    ...fields,
  };
}

function solutionOf(id: string, author: string, files = 0): Solution {
  return {
    id,
    topicId: "B1",
    author,
    title: id,
    body: "b",
    commit: null,
    files: Array.from({ length: files }, (_, index) => `f${index}`),
    evidence: [],
    confidence: null,
    createdAtMs: Number(id.slice(1)),
    checks: [],
  };
}

function ballotOf(voter: string, ranking: readonly string[], round = 1): Ballot {
  return {
    topicId: "B1",
    round,
    voter,
    ranking,
    veto: [],
    abstain: false,
    reason: "r",
    castAtMs: NOW,
  };
}

function abstention(voter: string, round: number): Ballot {
  return { ...ballotOf(voter, [], round), abstain: true };
}

function checked(id: string, author: string, state: SolutionCheck["state"]): Solution {
  return {
    ...solutionOf(id, author),
    checks: [{ kind: "gate", name: "tests", state, why: null }],
  };
}

/** A topic in voting, round 1, with solutions of outsiders and ballots such as "ada S1 S2". */
function voting(ids: string, cast: readonly string[], fields: Partial<Topic> = {}): Deliberation {
  const solutions = ids.split(" ").map((id) => solutionOf(id, `author-${id}`));
  const topic = openVoting({ topic: topicOf(fields), solutions, ballots: [] }, NOW).topic;
  const ballots = cast.map((line) => {
    const [voter = "", ...ranking] = line.split(" ");
    return ballotOf(voter, ranking);
  });
  return { topic, solutions, ballots };
}

type Phase = "proposing" | "voting" | "revote" | "mediating" | "mediated";

/** A topic that has just opened its vote, as it stands when it has come to this phase. */
function laterTopic(phase: Phase, { topic: opened, solutions, ballots }: Deliberation): Topic {
  if (phase === "proposing" || phase === "voting") return opened;
  const earlier = [{ round: 1, ballotIds: opened.ballotIds }];
  const revote: Topic = { ...opened, round: 2, ballotIds: opened.ballotIds.slice(0, 2), earlier };
  if (phase === "revote") return revote;
  const asked = openMediation({ topic: revote, solutions, ballots }, NOW, "A tie.").topic;
  if (phase === "mediating") return asked;
  const spoken = withMediator(asked, "max", NOW);
  return dueMove({ topic: spoken, solutions, ballots }, NOW)?.topic ?? spoken;
}

/** What a random fleet might have said to a topic so far. */
const deliberations: fc.Arbitrary<Deliberation> = fc
  .record({
    members: fc.subarray(MEMBERS, { minLength: 1 }),
    count: fc.integer({ min: 0, max: 5 }),
    irreversible: fc.boolean(),
    method: fc.constantFrom<VotingMethod | null>(null, ...VOTING_METHODS),
    quorum: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    phase: fc.constantFrom<Phase>("proposing", "voting", "revote", "mediating", "mediated"),
  })
  .chain(({ members, count, irreversible, method, quorum, phase }) => {
    const ids = Array.from({ length: count }, (_, index) => `S${index + 1}`);
    const isLate = phase !== "proposing" && phase !== "voting";
    const isOpen = phase === "proposing" || count === 0 || (isLate && count < 2);
    const rounds = { proposing: [1], voting: [1], revote: [1, 2], mediating: [1, 2] }[
      phase === "mediated" ? "revote" : phase
    ];
    if (phase === "mediated") rounds.push(3);
    return fc
      .record({
        authors: fc.tuple(...ids.map(() => fc.constantFrom(...MEMBERS, "zoe"))),
        files: fc.tuple(...ids.map(() => fc.nat(3))),
        passed: fc.subarray(members),
        cast: fc.tuple(...[1, 2, 3].map(() => fc.subarray(members))),
        rankings: fc.infiniteStream(fc.shuffledSubarray(ids)),
        abstentions: fc.infiniteStream(fc.boolean()),
      })
      .map(({ authors, files, passed, cast, rankings, abstentions }): Deliberation => {
        const solutions = ids.map((id, index) =>
          solutionOf(id, authors[index] ?? "zoe", files[index] ?? 0),
        );
        const pair = new Set(ids.slice(0, 2));
        const ballotsOf = (round: number): Ballot[] =>
          (cast[round - 1] ?? []).map((voter) => {
            const abstain: boolean = abstentions.next().value;
            const shuffled: readonly string[] = rankings.next().value;
            const ranking = shuffled.filter((id) => round === 1 || pair.has(id));
            return abstain ? abstention(voter, round) : ballotOf(voter, ranking, round);
          });
        const base = topicOf({
          electorate: members,
          quorum: Math.min(quorum ?? defaultQuorum(members.length), members.length),
          irreversible,
          method,
          passed,
        });
        if (isOpen) return { topic: base, solutions, ballots: [] };
        const opened = openVoting({ topic: base, solutions, ballots: [] }, NOW).topic;
        const ballots = rounds.flatMap(ballotsOf);
        return {
          topic: laterTopic(phase, { topic: opened, solutions, ballots }),
          solutions,
          ballots,
        };
      });
  });

const times = fc.constantFrom(NOW, NOW + 999, NOW + 1000, NOW + 60_000, NOW + 1_000_000);

function spoke(deliberation: Deliberation): boolean {
  return deliberation.topic.electorate.every((member) => hasSpoken(deliberation, member));
}

function allCast({ topic, ballots }: Deliberation): boolean {
  return votersOf(topic).every((member) =>
    ballots.some(({ round, voter }) => round === topic.round && voter === member),
  );
}

/** What no move may change. */
function constants({ electorate, quorum, passed, title, irreversible }: Topic): unknown {
  return { electorate, quorum, passed, title, irreversible };
}

/** Counts a printed round again, from nothing but what is printed. */
function recount(record: TopicRecord, round: RoundRecord): ReturnType<typeof tallyTopic> {
  const solutions = round.solutions.map(({ id, author, created_at_ms: createdAtMs, files }) => ({
    id,
    author,
    createdAtMs,
    ...(files === undefined ? {} : { fileCount: files }),
  }));
  const { electorate, quorum } = record;
  const { mediator } = round;
  return tallyTopic({
    solutions,
    ballots: round.ballots,
    electorate: mediator === undefined ? electorate : [...electorate, mediator],
    quorum,
    method: round.method,
  });
}

describe("any topic, at any time", () => {
  test("moves exactly when all spoke or cast, or the deadline is over", () => {
    fc.assert(
      fc.property(deliberations, times, (deliberation, nowMs) => {
        const { topic } = deliberation;
        const isDue =
          topic.state === "proposing"
            ? (spoke(deliberation) && !isMediating(topic)) || nowMs >= topic.proposeUntilMs
            : allCast(deliberation) || nowMs >= (topic.voteUntilMs ?? Infinity);
        expect(dueMove(deliberation, nowMs) !== undefined).toBe(isDue);
      }),
    );
  });

  test("needs nothing more at the moment after a move", () => {
    fc.assert(
      fc.property(deliberations, times, (deliberation, nowMs) => {
        const move = dueMove(deliberation, nowMs);
        fc.pre(move !== undefined);
        expect(dueMove({ ...deliberation, topic: move.topic }, nowMs)).toBeUndefined();
      }),
    );
  });

  test("ends after at most four moves, decided or with a question to a person", () => {
    fc.assert(
      fc.property(deliberations, (deliberation) => {
        let { topic } = deliberation;
        for (let round = 0; round < 4; round += 1) {
          const move = dueMove({ ...deliberation, topic }, NOW + 1_000_000 * (round + 1));
          if (move === undefined) break;
          const needsPerson = move.topic.state === "no_consensus" || awaitsPerson(move.topic);
          expect(move.ask !== undefined).toBe(needsPerson);
          ({ topic } = move);
        }
        expect(dueMove({ ...deliberation, topic }, Infinity)).toBeUndefined();
        expect(isUnsealed(topic)).toBe(true);
        expect(topic.endedAtMs === null).toBe(awaitsPerson(topic));
      }),
    );
  });

  test("keeps its question, its electorate and what was said", () => {
    fc.assert(
      fc.property(deliberations, times, (deliberation, nowMs) => {
        const after = dueMove(deliberation, nowMs)?.topic;
        fc.pre(after !== undefined);
        expect(constants(after)).toEqual(constants(deliberation.topic));
        expect(after.round).toBeGreaterThanOrEqual(deliberation.topic.round);
        expect(after.round).toBeLessThanOrEqual(3);
      }),
    );
  });

  test("shows nothing of what was cast before it is closed", () => {
    fc.assert(
      fc.property(deliberations, times, (deliberation, nowMs) => {
        const move = dueMove(deliberation, nowMs);
        fc.pre(move !== undefined && takesBallots(move.topic));
        expect(isUnsealed(move.topic)).toBe(false);
        expect(JSON.stringify(move)).not.toContain("ranking");
      }),
    );
  });

  test("does not depend on the order in which ballots came", () => {
    fc.assert(
      fc.property(deliberations, times, (deliberation, nowMs) => {
        const turned = { ...deliberation, ballots: deliberation.ballots.toReversed() };
        expect(dueMove(turned, nowMs)).toEqual(dueMove(deliberation, nowMs));
      }),
    );
  });

  test("is never decided by a vote when it is irreversible, nor for what is not on the ballot", () => {
    fc.assert(
      fc.property(deliberations, times, (deliberation, nowMs) => {
        const after = dueMove(deliberation, nowMs)?.topic;
        fc.pre(after !== undefined && after.decision !== null);
        const { winner } = after.decision;
        expect(after.irreversible && after.state === "decided").toBe(false);
        expect(winner === null || after.ballotIds.includes(winner)).toBe(true);
        expect(after.state === "no_consensus").toBe(winner === null);
      }),
    );
  });

  test("is recorded as plain JSON from which anybody counts the same", () => {
    fc.assert(
      fc.property(deliberations, (deliberation) => {
        const decided = dueMove(deliberation, NOW + 2_000_000)?.topic.decision;
        fc.pre(decided !== null && decided !== undefined);
        const record: TopicRecord = JSON.parse(canonicalJson(toJson(decided.tally)));
        expect(record).toEqual(decided.tally);
        for (const round of record.rounds) {
          const tally = recount(record, round);
          expect(tally.outcome === "decided" ? tally.winner : undefined).toBe(round.winner);
          expect(tally.firstPreferences).toEqual(round.first_preferences);
          expect(tally.quorum.cast).toBe(round.cast);
        }
        const last = record.rounds.at(-1)?.winner;
        expect(decided.winner === null || decided.winner === last).toBe(true);
      }),
    );
  });

  test("may be decided by a person, whatever state it is in, until it is decided", () => {
    fc.assert(
      fc.property(deliberations, times, (deliberation, nowMs) => {
        const topic = dueMove(deliberation, nowMs)?.topic ?? deliberation.topic;
        fc.pre(topic.state !== "decided");
        const word = { winner: null, person: "pat", reason: "enough" };
        const move = decideByPerson({ ...deliberation, topic }, word, nowMs);
        expect(move.topic).toMatchObject({ state: "decided", decision: { by: "person" } });
        expect(recordedIn(move.topic)).toEqual(recordOf({ ...deliberation, topic }));
        expect(dueMove({ ...deliberation, topic: move.topic }, Infinity)).toBeUndefined();
        expect(() => decideByPerson({ ...deliberation, topic: move.topic }, word, nowMs)).toThrow(
          expect.objectContaining({ code: "state_conflict" }),
        );
      }),
    );
  });
});

describe("opening", () => {
  test.each<[VotingMethod | null, number, VotingMethod]>([
    [null, 1, "majority"],
    ["schulze", 1, "majority"],
    [null, 2, "majority"],
    ["schulze", 2, "schulze"],
    [null, 3, "schulze"],
    ["majority", 3, "majority"],
  ])("asked for %s, %d solutions are settled by %s", (asked, count, method) => {
    expect(fixMethod(asked, count)).toBe(method);
  });

  test("gives voters their full time however late it is", () => {
    const solutions = [solutionOf("S1", "ada")];
    const move = dueMove({ topic: topicOf(), solutions, ballots: [] }, NOW + 9_000_000);
    expect(move?.topic).toMatchObject({ state: "voting", voteUntilMs: NOW + 9_060_000 });
  });

  test("waits for who has neither proposed nor passed", () => {
    const solutions = [solutionOf("S1", "ada"), solutionOf("S2", "ada")];
    const passedOne = { topic: topicOf({ passed: ["bob"] }), solutions, ballots: [] };
    expect(dueMove(passedOne, NOW)).toBeUndefined();
    const passedAll = { ...passedOne, topic: topicOf({ passed: ["bob", "cyd"] }) };
    expect(dueMove(passedAll, NOW)).toMatchObject({
      event: "voting_opened",
      topic: { ballotIds: ["S1", "S2"], method: "majority" },
    });
  });

  test("without any solution asks a person", () => {
    expect(dueMove({ topic: topicOf(), solutions: [], ballots: [] }, NOW + 1000)).toMatchObject({
      event: "no_consensus",
      topic: { state: "no_consensus", decision: { winner: null, tally: { rounds: [] } } },
      ask: { kind: "conflict", severity: "medium" },
    });
  });
});

describe("closing", () => {
  test("names the winner and says how it won", () => {
    expect(dueMove(voting("S1 S2", ["ada S1", "bob S1", "cyd S2"]), NOW)).toMatchObject({
      event: "decided",
      why: "S1 won by majority: 3 of 3 voted, 1 was not for it.",
    });
  });

  test("after a tie of three asks again about the best two, and says how they were picked", () => {
    const tie = voting("S1 S2 S3", ["ada S1 S2 S3", "bob S2 S1 S3"], {
      electorate: ["ada", "bob"],
    });
    expect(dueMove(tie, NOW)).toMatchObject({
      event: "revote_opened",
      topic: { round: 2, ballotIds: ["S1", "S2"], voteUntilMs: NOW + 60_000, decision: null },
      why: expect.stringContaining(
        "S1 and S2 go to the re-vote: they stand best by the votes cast",
      ),
    });
  });

  test("counts a re-vote by majority of those two, and then asks a mediator", () => {
    const { topic, solutions, ballots } = voting("S1 S2 S3", ["ada S1", "bob S2", "cyd S3"]);
    const earlier = [{ round: 1, ballotIds: ["S1", "S2", "S3"] }];
    const revote = { ...topic, round: 2, ballotIds: ["S1", "S2"], earlier };
    const again = [ballotOf("ada", ["S1"], 2), ballotOf("bob", ["S2"], 2), ballotOf("cyd", [], 2)];
    const second = { topic: revote, solutions, ballots: [...ballots, ...again] };
    const move = dueMove(second, NOW);
    expect(move).toMatchObject({
      event: "mediation_opened",
      why: "The vote is a tie. A mediator is asked.",
      topic: { state: "proposing", round: 3, mediation: { best: ["S1", "S2"] }, decision: null },
    });
    expect(recordOf({ ...second, topic: move?.topic ?? revote })).toMatchObject({
      rounds: [
        { round: 1, method: "schulze", revote: { picked_by: "earliest" } },
        { round: 2, method: "majority", no_winner: "tie", solutions: [{}, {}] },
      ],
    });
  });

  test("of a single solution has nothing to vote on again", () => {
    expect(dueMove(voting("S1", ["ada", "bob", "cyd S1"]), NOW)).toMatchObject({
      event: "mediation_opened",
      why: "No solution has more than half of the votes. A mediator is asked.",
      topic: { mediation: { best: ["S1"] } },
    });
  });

  test("of something irreversible leaves it open to a person, and is never due again", () => {
    const move = dueMove(
      voting("S1 S2", ["ada S1", "bob S1", "cyd S2"], { irreversible: true }),
      NOW,
    );
    expect(move).toMatchObject({
      event: "awaits_person",
      topic: { state: "voting", voteUntilMs: null, decision: { winner: "S1" } },
      ask: { kind: "policy", severity: "high" },
    });
  });
});

describe("two thirds", () => {
  test.each([
    ["S1 S2", ["ada S1", "bob S1", "cyd S2"], true],
    ["S1 S2", ["ada S1", "bob S1", "cyd S1", "dan S2", "eve S2"], false],
    ["S1", ["ada S1", "bob S1", "cyd"], true],
    ["S1", ["ada S1", "bob S1", "cyd S1", "dan", "eve"], false],
    ["S1 S2 S3", ["ada S1 S2", "bob S1 S3", "cyd S3 S2"], true],
    ["S1 S2 S3", ["ada S1 S2 S3", "bob S2 S1 S3", "cyd S1 S3 S2", "dan S3 S1 S2", "eve S1"], true],
    ["S1 S2 S3", ["ada S1 S2", "bob S1 S3", "cyd S1", "dan S2 S1", "eve S2"], false],
    ["S1 S2", ["ada S1", "bob S2"], false],
  ])("of the ballots on %s: %j → %s", (ids, cast, expected) => {
    const deliberation = voting(ids, cast, { electorate: MEMBERS });
    expect(hasTwoThirds(tallyRound(deliberation, 1))).toBe(expected);
  });
});

describe("who may do what when", () => {
  const open = topicOf();
  const { topic: ballot } = voting("S1 S2", []);
  const decision = { winner: "S1", by: "vote", reason: "r", tally: {} } as const;
  const awaiting: Topic = { ...ballot, decision };
  const decided: Topic = { ...awaiting, state: "decided" };

  test.each([
    [open, undefined, "state_conflict"],
    [ballot, "topic_closed", undefined],
    [awaiting, "topic_closed", "topic_closed"],
    [decided, "topic_closed", "topic_closed"],
  ])("%#: proposing is answered %s, voting %s", (topic, proposing, vote) => {
    const refusal = (check: (topic: Topic) => void): unknown => {
      try {
        check(topic);
        return undefined;
      } catch (error) {
        return error instanceof Error && "code" in error ? error.code : error;
      }
    };
    expect(refusal(requireProposing)).toBe(proposing);
    expect(refusal(requireVoting)).toBe(vote);
  });

  test("only members", () => {
    expect(() => {
      requireMember(open, "ada");
    }).not.toThrow();
    expect(() => {
      requireMember(open, "zoe");
    }).toThrow(expect.objectContaining({ code: "not_electorate" }));
  });

  test("a person decides only for what is there", () => {
    const word = { winner: "S9", person: "pat", reason: "r" };
    for (const ids of ["S1 S2", "S1"]) {
      expect(() => decideByPerson(voting(ids, []), word, NOW)).toThrow(
        expect.objectContaining({ code: "solution_unknown" }),
      );
    }
    expect(() => decideByPerson({ topic: open, solutions: [], ballots: [] }, word, NOW)).toThrow(
      expect.objectContaining({ fix: "Decide for none of them." }),
    );
    const known = { ...word, winner: "S2" };
    expect(decideByPerson(voting("S1 S2", []), known, NOW).topic.decision?.winner).toBe("S2");
  });
});

describe("checks", () => {
  const CHECKS = { gates: ["tests"], files: [], schema: null, waitingSinceMs: null };

  function proposing(solutions: readonly Solution[], fields: Partial<Topic> = {}): Deliberation {
    const topic = topicOf({ checks: CHECKS, electorate: ["ada", "bob"], ...fields });
    return { topic, solutions, ballots: [] };
  }

  const BOTH = [checked("S1", "ada", "pass"), checked("S2", "bob", "pass")];

  test.each<[string, readonly Solution[], readonly string[] | undefined]>([
    ["all passed", BOTH, ["S1", "S2"]],
    ["one is running", [...BOTH, checked("S3", "bob", "waiting")], undefined],
    [
      "an author's only one failed",
      [checked("S1", "ada", "pass"), checked("S2", "bob", "fail")],
      undefined,
    ],
    ["one of two failed", [...BOTH, checked("S3", "bob", "fail")], ["S1", "S2"]],
  ])("before the deadline: %s", (_, solutions, onBallot) => {
    expect(dueMove(proposing(solutions), NOW)?.topic.ballotIds).toEqual(onBallot);
  });

  test("at the deadline what still runs is waited for, once", () => {
    const running = proposing([checked("S1", "ada", "pass"), checked("S2", "bob", "waiting")]);
    const move = dueMove(running, NOW + 1000);
    expect(move).toMatchObject({
      event: "checks_awaited",
      topic: { proposeUntilMs: NOW + 61_000, checks: { waitingSinceMs: NOW + 1000 } },
    });
    const waiting = { ...running, topic: move?.topic ?? running.topic };
    expect(() => {
      requireProposing(waiting.topic);
    }).toThrow(expect.objectContaining({ code: "topic_closed" }));
    expect(dueMove(waiting, NOW + 60_999)).toBeUndefined();
    expect(dueMove(waiting, NOW + 61_000)?.topic.ballotIds).toEqual(["S1"]);
    expect(dueMove({ ...waiting, solutions: BOTH }, NOW + 2000)?.topic.ballotIds).toEqual([
      "S1",
      "S2",
    ]);
  });

  test("nothing that failed, or was not measured, is ever on a ballot", () => {
    const states = fc.constantFrom<SolutionCheck["state"]>(
      "pass",
      "fail",
      "indeterminate",
      "waiting",
    );
    fc.assert(
      fc.property(fc.array(states, { maxLength: 5 }), times, fc.boolean(), (all, nowMs, waits) => {
        const solutions = all.map((state, index) => checked(`S${index + 1}`, "ada", state));
        const checks = { ...CHECKS, waitingSinceMs: waits ? NOW : null };
        const after = dueMove(proposing(solutions, { checks, passed: ["bob"] }), nowMs)?.topic;
        const passed = solutions.filter((_, index) => all[index] === "pass").map(({ id }) => id);
        expect(after?.state === "voting" ? after.ballotIds : passed).toEqual(passed);
        const isLost = nowMs >= NOW + 1000 && solutions.length > 0 && passed.length === 0;
        const isOver = waits || !all.includes("waiting");
        if (isLost && isOver)
          expect(after).toMatchObject({ round: 3, mediation: { taskId: null } });
      }),
    );
  });

  test("the record says what was off the ballot, and why", () => {
    const deliberation = proposing([
      checked("S1", "ada", "pass"),
      checked("S2", "bob", "indeterminate"),
    ]);
    expect(recordOf(deliberation)).toMatchObject({
      off_ballot: [{ id: "S2", why: "The gate tests could not be measured, which is no pass." }],
    });
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { VOTING_METHODS, type VotingMethod } from "../../../src/core/board.ts";
import type { CastBallot } from "../../../src/core/consensus/ballots.ts";
import {
  fixMethod,
  tallyTopic,
  type Tally,
  type TallyInput,
} from "../../../src/core/consensus/tally.ts";
import { hasTwoThirds } from "../../../src/core/topic-record.ts";
import { abstention, ballots, candidates, election } from "./elections.ts";

function count(method: VotingMethod, ids: string, ...lines: readonly string[]): Tally {
  return tallyTopic({ ...election(ids, ballots(...lines)), method });
}

/** The winner, or why there is none. */
function outcomeOf(tally: Tally): string {
  return tally.outcome === "decided" ? tally.winner : tally.reason;
}

function cast(voter: string, ids: string, veto = ""): CastBallot {
  return { voter, ranking: Array.from(ids), abstain: false, veto: Array.from(veto) };
}

describe("supermajority", () => {
  test("Andrew Johnson, 1868: 35 of 54 senators for guilty are one too few, 36 would have done", () => {
    // U.S. Constitution, Article I, Section 3: two thirds of the Members present.
    expect(outcomeOf(count("supermajority", "G", "35 G", "19 "))).toBe("no_majority");
    expect(count("supermajority", "G", "36 G", "18 ")).toMatchObject({
      winner: "G",
      margin: 18 / 54,
    });
  });

  test("the Treaty of Versailles, 19 March 1920: 49 to 35 is no two thirds, abstentions left out", () => {
    const senate = election("T", [...ballots("49 T", "35 "), abstention("x"), abstention("y")]);
    expect(outcomeOf(tallyTopic({ ...senate, method: "supermajority" }))).toBe("no_majority");
    expect(outcomeOf(tallyTopic(senate))).toBe("T");
  });

  test.each([
    [["4 AB", "2 BA"], "A"],
    [["2 AB", "1 BA"], "A"],
    [["3 AB", "2 BA"], "no_majority"],
    [["2 AB", "2 BA"], "tie"],
    // Who supports neither did not abstain.
    [["2 A", "2 "], "no_majority"],
    [[], "no_majority"],
  ])("of two, %j: %s", (lines, outcome) => {
    expect(outcomeOf(count("supermajority", "AB", ...lines))).toBe(outcome);
  });

  test("of three: two thirds put it first", () => {
    expect(outcomeOf(count("supermajority", "ABC", "4 ABC", "1 BAC", "1 CAB"))).toBe("A");
    expect(outcomeOf(count("supermajority", "ABC", "3 ABC", "1 BAC", "1 CAB"))).toBe("no_majority");
  });

  test("of two their pair is counted, authors left out where two others remain", () => {
    const own = [cast("alpha", "BA"), cast("beta", "BA"), cast("v1", "A"), cast("v2", "A")];
    const solutions = [
      { id: "A", author: "alpha" },
      { id: "B", author: "beta" },
    ];
    const tally = tallyTopic({ ...election("", own), solutions, method: "supermajority" });
    expect(tally).toMatchObject({ winner: "A", margin: 1, dissent: ["alpha", "beta"] });
  });
});

describe("unanimity", () => {
  test("Ramos v. Louisiana (2020): 10 of 12 jurors are not all, 12 are", () => {
    expect(outcomeOf(count("unanimity", "G", "10 G", "2 "))).toBe("no_majority");
    expect(outcomeOf(count("unanimity", "G", "12 G"))).toBe("G");
  });

  test.each([
    [["3 ABC"], "A"],
    [["2 ABC", "1 BAC"], "no_majority"],
    [["2 ABC", "1 "], "no_majority"],
    [["1 ABC", "1 BAC"], "tie"],
    [[], "no_majority"],
  ])("%j: %s", (lines, outcome) => {
    expect(outcomeOf(count("unanimity", "ABC", ...lines))).toBe(outcome);
  });

  test("abstentions do not hinder it, but somebody must be for it", () => {
    const some = { ...election("AB", [...ballots("1 A"), abstention("x")]) };
    expect(outcomeOf(tallyTopic({ ...some, method: "unanimity" }))).toBe("A");
    const none = election("AB", [abstention("x"), abstention("y")]);
    expect(outcomeOf(tallyTopic({ ...none, method: "unanimity" }))).toBe("no_majority");
  });

  test("two agents who each put their own first do not agree; one who follows the other does", () => {
    const solutions = [
      { id: "A", author: "alpha" },
      { id: "B", author: "beta" },
    ];
    const pair = (one: string, two: string): string =>
      outcomeOf(
        tallyTopic({
          ...election("", [cast("alpha", one), cast("beta", two)]),
          solutions,
          method: "unanimity",
        }),
      );
    expect(pair("AB", "BA")).toBe("tie");
    expect(pair("BA", "BA")).toBe("B");
  });

  test("no author is left out, however many others agree", () => {
    const own = [cast("alpha", "AB"), ...ballots("3 BA")];
    const solutions = [{ id: "A", author: "alpha" }, ...candidates("B")];
    const tally = tallyTopic({ ...election("", own), solutions, method: "unanimity" });
    expect(outcomeOf(tally)).toBe("no_majority");
    // By majority the author would not have been counted on that pair.
    expect(tallyTopic({ ...election("", own), solutions }).pairs[0]?.leftOut).toEqual(["alpha"]);
  });
});

describe("approval", () => {
  test("the capital of Tennessee: all approve their two nearest, and Nashville has 68 of 100", () => {
    // en.wikipedia.org/wiki/Approval_voting: Memphis 42, Nashville 68, Chattanooga 58, Knoxville 32.
    const tally = count("approval", "MNCK", "42 MN", "26 NC", "15 CK", "17 KC");
    expect(tally.approvals?.map(({ approved }) => approved)).toEqual([42, 68, 58, 32]);
    expect(tally).toMatchObject({
      winner: "N",
      margin: expect.closeTo(0.1, 12),
      dissent: { length: 32 },
    });
  });

  test("which of the approved is named first does not matter", () => {
    expect(count("approval", "AB", "2 AB", "1 B")).toEqual(count("approval", "AB", "2 BA", "1 B"));
  });

  test.each([
    [["3 A", "2 B"], "A"],
    [["2 AB", "1 "], "tie"],
    [["2 A", "1 B", "2 "], "no_majority"],
    [["1 A", "1 B"], "tie"],
    [["3 "], "no_majority"],
    [[], "no_majority"],
  ])("%j: %s", (lines, outcome) => {
    expect(outcomeOf(count("approval", "AB", ...lines))).toBe(outcome);
  });

  test("exactly half is not more than half", () => {
    expect(outcomeOf(count("approval", "ABC", "2 A", "1 B", "1 C"))).toBe("no_majority");
  });

  test.each([
    [["2 A", "1 "], "A"],
    [["1 A", "1 "], "tie"],
    [["1 A", "2 "], "no_majority"],
  ])("of a single solution it is a yes or no, %j: %s", (lines, outcome) => {
    expect(outcomeOf(count("approval", "A", ...lines))).toBe(outcome);
  });

  test("an author's word on its own solution is left out where two others remain, a share decides", () => {
    // A: alpha's own approval does not count, 1 of 2. B: 2 of 3 who did not write it… all of them.
    const own = [cast("alpha", "A"), cast("v1", "AB"), cast("v2", "B")];
    const solutions = [{ id: "A", author: "alpha" }, ...candidates("B")];
    const tally = tallyTopic({ ...election("", own), solutions, method: "approval" });
    expect(tally.approvals).toEqual([
      { id: "A", approved: 1, counted: 2, leftOut: ["alpha"] },
      { id: "B", approved: 2, counted: 3, leftOut: [] },
    ]);
    expect(outcomeOf(tally)).toBe("B");
  });

  test("with one voter beside it the author counts", () => {
    const solutions = [{ id: "A", author: "alpha" }];
    const own = [cast("alpha", "A"), cast("v1", "A")];
    const tally = tallyTopic({ ...election("", own), solutions, method: "approval" });
    expect(tally.approvals).toEqual([{ id: "A", approved: 2, counted: 2, leftOut: [] }]);
  });

  test("two thirds of an irreversible one are two thirds of those counted for it", () => {
    expect(hasTwoThirds(count("approval", "AB", "4 A", "2 B"))).toBe(true);
    expect(hasTwoThirds(count("approval", "AB", "3 A", "2 B"))).toBe(false);
  });
});

function withVeto(method: VotingMethod, ids: string, all: readonly CastBallot[]): TallyInput {
  return { ...election(ids, all), method, vetoers: ["vera"] };
}

describe("vetoes", () => {
  test("a vetoed solution cannot win, and is struck from all ballots", () => {
    const all = [...ballots("4 ABC", "1 BAC"), cast("vera", "B", "A")];
    expect(tallyTopic(withVeto("majority", "ABC", all))).toMatchObject({
      winner: "B",
      vetoed: [{ id: "A", by: ["vera"] }],
      firstPreferences: [
        { id: "B", count: 6 },
        { id: "C", count: 0 },
      ],
      dissent: [],
    });
  });

  test("one that is left is a yes or no; where nothing is left there is no winner", () => {
    const left = [...ballots("2 A", "1 B"), cast("vera", "", "A")];
    expect(outcomeOf(tallyTopic(withVeto("schulze", "AB", left)))).toBe("no_majority");
    const none = [...ballots("3 AB"), cast("vera", "", "AB")];
    for (const method of VOTING_METHODS) {
      expect(outcomeOf(tallyTopic(withVeto(method, "AB", none)))).toBe("vetoed");
    }
  });

  test("it holds beside an abstention, and without a quorum", () => {
    const all = [...ballots("2 A"), { ...abstention("vera"), veto: ["A"] }];
    const input = { ...withVeto("majority", "AB", all), electorate: ["v1", "v2", "vera", "x"] };
    expect(tallyTopic({ ...input, quorum: 3 })).toMatchObject({
      reason: "no_majority",
      vetoed: [{ id: "A", by: ["vera"] }],
    });
    expect(tallyTopic({ ...input, quorum: 4 })).toMatchObject({
      reason: "quorum",
      vetoed: [{ id: "A" }],
    });
  });

  test("pairs with a vetoed solution are recorded and not counted", () => {
    const all = [...ballots("3 ABC", "2 BCA"), cast("vera", "BCA".slice(0, 2), "A")];
    const tally = tallyTopic(withVeto("schulze", "ABC", all));
    expect(tally.pairs).toHaveLength(3);
    expect(tally.paths).toHaveLength(2);
    expect(outcomeOf(tally)).toBe("B");
  });

  test.each([
    ["of somebody who has none", [cast("v1", "B", "A"), cast("vera", "B")], "input_invalid"],
    ["of what is not there", [cast("v1", "B"), cast("vera", "B", "Z")], "solution_unknown"],
    ["of what the same ballot ranks", [cast("v1", "B"), cast("vera", "AB", "A")], "input_invalid"],
  ])("a veto %s cannot be counted", (_what, all, code) => {
    expect(() => tallyTopic(withVeto("majority", "AB", all))).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

const IDS = "ABCD";
const letters = Array.from(IDS);

/** Up to nine ballots over four solutions, two of which are by the first two voters; some vetoed. */
const inputs: fc.Arbitrary<TallyInput> = fc
  .record({
    rankings: fc.array(fc.shuffledSubarray(letters), { minLength: 1, maxLength: 9 }),
    vetoed: fc.subarray(letters, { maxLength: 2 }),
  })
  .map(({ rankings, vetoed }) => {
    const all = rankings.map((ids, index) => cast(`v${index}`, ids.join("")));
    const veto = { ...abstention("vera"), veto: vetoed };
    const solutions = letters.map((id, index) => {
      return { id, author: index < 2 ? `v${index}` : "nobody" };
    });
    return Object.assign(election("", [...all, veto]), { solutions, vetoers: ["vera"] });
  });

function rename(input: TallyInput, nameOf: (id: string) => string): TallyInput {
  return {
    ...input,
    solutions: input.solutions.map(({ id, author }) => {
      return { id: nameOf(id), author };
    }),
    ballots: input.ballots.map(({ voter, ranking, abstain, veto = [] }) => {
      return { voter, ranking: ranking.map(nameOf), abstain, veto: veto.map(nameOf) };
    }),
  };
}

describe.each(VOTING_METHODS)("properties of %s", (method) => {
  test("neutrality: renaming the solutions renames the winner", () => {
    fc.assert(
      fc.property(inputs, fc.shuffledSubarray(letters, { minLength: 4 }), (input, names) => {
        const nameOf = (id: string): string => names[IDS.indexOf(id)] ?? "";
        const before = outcomeOf(tallyTopic({ ...input, method }));
        const after = outcomeOf(tallyTopic({ ...rename(input, nameOf), method }));
        expect(after).toBe(letters.includes(before) ? nameOf(before) : before);
      }),
    );
  });

  test("anonymity: among voters who wrote nothing it does not matter who casts what", () => {
    fc.assert(
      fc.property(inputs, fc.nat(), (input, turn) => {
        const voters = input.ballots.filter(({ abstain }) => !abstain);
        const turned = voters.map(({ voter }, index) => {
          return cast(voter, voters[(index + turn) % voters.length]?.ranking.join("") ?? "");
        });
        const strangers = { ...input, solutions: candidates(IDS), method };
        const veto = input.ballots.filter(({ abstain }) => abstain);
        const after = tallyTopic({ ...strangers, ballots: [...turned, ...veto] });
        expect(outcomeOf(after)).toBe(outcomeOf(tallyTopic(strangers)));
      }),
    );
  });

  test("monotonicity: a winner that one voter ranks higher, or approves of too, still wins", () => {
    let seen = 0;
    fc.assert(
      fc.property(inputs, fc.nat(), fc.nat(4), (input, who, places) => {
        const tally = tallyTopic({ ...input, method });
        fc.pre(tally.outcome === "decided");
        if (tally.outcome !== "decided") return;
        seen += 1;
        const { winner } = tally;
        const index = who % (input.ballots.length - 1);
        const { voter = "", ranking = [] } = input.ballots[index] ?? {};
        const others = ranking.filter((id) => id !== winner);
        const from = ranking.includes(winner) ? ranking.indexOf(winner) : others.length;
        const raised = others.toSpliced(Math.max(0, from - places), 0, winner);
        const all = input.ballots.with(index, cast(voter, raised.join("")));
        expect(outcomeOf(tallyTopic({ ...input, method, ballots: all }))).toBe(winner);
      }),
      { numRuns: 500 },
    );
    expect(seen).toBeGreaterThan(20);
  });

  test("what all put first, and nothing else, wins without dissent unless it is vetoed", () => {
    fc.assert(
      fc.property(inputs, fc.constantFrom(...letters), (input, best) => {
        const all = input.ballots.map((ballot) =>
          ballot.abstain ? ballot : cast(ballot.voter, best),
        );
        const tally = tallyTopic({ ...input, method, ballots: all });
        const isVetoed = tally.vetoed.some(({ id }) => id === best);
        if (isVetoed) expect(outcomeOf(tally)).not.toBe(best);
        else expect(tally).toMatchObject({ winner: best, dissent: [] });
      }),
    );
  });

  test("a veto counts as if the solution had never been there", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const tally = tallyTopic({ ...input, method });
        const gone = new Set(tally.vetoed.map(({ id }) => id));
        const solutions = input.solutions.filter(({ id }) => !gone.has(id));
        const all = input.ballots.map(({ voter, ranking, abstain }) => {
          return { voter, ranking: ranking.filter((id) => !gone.has(id)), abstain };
        });
        const without = tallyTopic({ ...input, method, solutions, ballots: all });
        expect(outcomeOf(tally)).toBe(outcomeOf(without));
        if (tally.outcome === "decided") expect(gone.has(tally.winner)).toBe(false);
      }),
    );
  });

  test("abstentions change the quorum only", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const more = {
          ...input,
          electorate: [...input.electorate, "x"],
          ballots: [...input.ballots, abstention("x")],
        };
        expect(outcomeOf(tallyTopic({ ...more, method }))).toBe(
          outcomeOf(tallyTopic({ ...input, method })),
        );
      }),
    );
  });
});

describe("own solutions", () => {
  test("with approval what an author says of its own changes nothing where two others voted", () => {
    fc.assert(
      fc.property(inputs, fc.boolean(), (input, approves) => {
        fc.pre(input.ballots.length >= 4);
        const [own] = input.ballots;
        const others = own?.ranking.filter((id) => id !== "A") ?? [];
        const said = cast("v0", [...(approves ? ["A"] : []), ...others].join(""));
        const before = tallyTopic({ ...input, method: "approval" });
        const after = tallyTopic({
          ...input,
          method: "approval",
          ballots: input.ballots.with(0, said),
        });
        expect(after.approvals).toEqual(before.approvals);
        expect(outcomeOf(after)).toBe(outcomeOf(before));
      }),
    );
  });

  test.each(["majority", "supermajority"] as const)(
    "by %s of two, what the authors say changes nothing where two others voted",
    (method) => {
      const rankings = fc.array(fc.constantFrom("A", "B", "AB", "BA", ""), {
        minLength: 4,
        maxLength: 8,
      });
      fc.assert(
        fc.property(rankings, fc.constantFrom("AB", "BA", ""), (lines, said) => {
          const all = lines.map((line, index) => cast(`v${index}`, line));
          const solutions = [
            { id: "A", author: "v0" },
            { id: "B", author: "v1" },
          ];
          const input = { ...election("", all), solutions, method };
          const turned = { ...input, ballots: all.with(0, cast("v0", said)) };
          expect(outcomeOf(tallyTopic(turned))).toBe(outcomeOf(tallyTopic(input)));
        }),
      );
    },
  );
});

describe("the method", () => {
  test.each([
    [undefined, 1, "majority"],
    [null, 2, "majority"],
    [undefined, 3, "schulze"],
    ["schulze", 1, "majority"],
    ["approval", 1, "approval"],
    ["unanimity", 1, "unanimity"],
    ["supermajority", 2, "supermajority"],
  ] as const)("asked for %s of %i is %s", (asked, solutions, method) => {
    expect(fixMethod(asked, solutions)).toBe(method);
  });
});

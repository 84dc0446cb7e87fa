import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { canonicalJson } from "../../../src/core/canonical-json.ts";
import { validateBallot, type CastBallot } from "../../../src/core/consensus/ballots.ts";
import type { PairCount } from "../../../src/core/consensus/pairwise.ts";
import { strengthBetween } from "../../../src/core/consensus/schulze.ts";
import {
  defaultQuorum,
  fixMethod,
  tallyTopic,
  type Tally,
  type TallyInput,
} from "../../../src/core/consensus/tally.ts";
import { abstention, ballots, candidates, election } from "./elections.ts";

/** Strengths of the strongest paths in voters, a row each "from", the diagonal left out. */
function pathTable(tally: Tally, ids: string, voters: number): number[][] {
  const strength = strengthBetween(tally.paths ?? []);
  return Array.from(ids, (from) =>
    Array.from(ids.replace(from, ""), (to) => Math.round(strength(from, to) * voters)),
  );
}

function preferring(tally: Tally, over: string, under: string): number | undefined {
  for (const { a, b, preferA, preferB } of tally.pairs) {
    if (a === over && b === under) return preferA;
    if (a === under && b === over) return preferB;
  }
  return undefined;
}

function winnerOf(tally: Tally): string | undefined {
  return tally.outcome === "decided" ? tally.winner : undefined;
}

function reasonOf(tally: Tally): string | undefined {
  return tally.outcome === "no_winner" ? tally.reason : undefined;
}

describe("schulze, worked examples from the literature", () => {
  test("45 voters, 5 candidates: E wins (en.wikipedia.org/wiki/Schulze_method, Example)", () => {
    const lines = "5 ACBED,5 ADECB,8 BEDAC,3 CABED,7 CAEBD,2 CBADE,7 DCEBA,8 EBADC";
    const tally = tallyTopic(election("ABCDE", ballots(...lines.split(","))));
    expect(tally).toMatchObject({ method: "schulze", outcome: "decided", winner: "E" });
    expect(preferring(tally, "A", "B")).toBe(20);
    expect(preferring(tally, "B", "A")).toBe(25);
    expect(preferring(tally, "E", "D")).toBe(31);
    expect(pathTable(tally, "ABCDE", 45)).toEqual([
      [28, 28, 30, 24],
      [25, 28, 33, 24],
      [25, 29, 29, 24],
      [25, 28, 28, 24],
      [25, 28, 28, 31],
    ]);
    // The closest rival is A: 25 against 24.
    expect(tally).toMatchObject({ margin: expect.closeTo(1 / 45, 12) });
    expect(tally).toMatchObject({ dissent: expect.objectContaining({ length: 37 }) });
  });

  test("21 voters, 4 candidates: D wins (Schulze 2011, section 3.1, Example 1)", () => {
    const tally = tallyTopic(
      election("ABCD", ballots("8 ACDB", "2 BADC", "4 CDBA", "4 DBAC", "3 DCBA")),
    );
    expect(winnerOf(tally)).toBe("D");
    expect(pathTable(tally, "ABCD", 21)).toEqual([
      [14, 14, 12],
      [13, 13, 12],
      [13, 15, 12],
      [13, 19, 13],
    ]);
  });

  test("the capital of Tennessee: Nashville, preferred to each other city, wins", () => {
    // en.wikipedia.org/wiki/Condorcet_method: Memphis, Nashville, Chattanooga, Knoxville.
    const cast = ballots("42 MNCK", "26 NCKM", "15 CKNM", "17 KCNM");
    expect(winnerOf(tallyTopic(election("MNCK", cast)))).toBe("N");
  });

  test("Condorcet's cycle of three equal camps is a tie", () => {
    const tally = tallyTopic(election("ABC", ballots("1 ABC", "1 BCA", "1 CAB")));
    expect(reasonOf(tally)).toBe("tie");
  });

  test("a cycle whose weakest defeat differs has a winner", () => {
    // A beats B 7:2, B beats C 6:3, C beats A 5:4: the path A, B, C is stronger than C, A.
    const tally = tallyTopic(election("ABC", ballots("4 ABC", "2 BCA", "3 CAB")));
    expect(winnerOf(tally)).toBe("A");
  });
});

function majorityOfThree(...cast: readonly string[]): Tally {
  return tallyTopic({ ...election("ABC", ballots(...cast)), method: "majority" });
}

describe("majority", () => {
  test.each([
    { cast: ["2 AB", "1 BA"], winner: "A" },
    { cast: ["2 A", "3 B"], winner: "B" },
    { cast: ["1 AB", "1 BA"], reason: "tie" },
    // Two of five is no majority: a ballot for none counts as one that did not abstain.
    { cast: ["2 A", "1 B", "2 "], reason: "no_majority" },
    { cast: ["2 A", "2 B", "1 "], reason: "tie" },
    { cast: ["3 "], reason: "no_majority" },
  ])("two options, $cast: $winner$reason", ({ cast, winner, reason }) => {
    const tally = tallyTopic(election("AB", ballots(...cast)));
    expect(tally.method).toBe("majority");
    expect([winnerOf(tally), reasonOf(tally)]).toEqual([winner, reason]);
  });

  test.each([
    { cast: ["2 A", "1 "], winner: "A", margin: 1 / 3 },
    { cast: ["1 A"], winner: "A", margin: 1 },
    { cast: ["1 A", "1 "], reason: "tie" },
    { cast: ["1 A", "2 "], reason: "no_majority" },
    { cast: [], reason: "no_majority" },
  ])("a single solution is a yes or no, $cast: $winner$reason", ({ cast, ...expected }) => {
    const input = election("A", ballots(...cast));
    expect(tallyTopic(input)).toMatchObject(expected);
    expect(tallyTopic({ ...input, method: "schulze" }).method).toBe("majority");
  });

  test("it can be asked for with three: more than half must put the winner first", () => {
    expect(majorityOfThree("3 ABC", "1 BAC", "1 CAB")).toMatchObject({ winner: "A", margin: 0.4 });
    expect(reasonOf(majorityOfThree("2 ABC", "2 BAC", "1 CAB"))).toBe("tie");
    expect(reasonOf(majorityOfThree("3 ABC", "2 BAC", "1 CAB"))).toBe("no_majority");
    expect(majorityOfThree("1 ABC").paths).toBeUndefined();
  });
});

describe("quorum and record", () => {
  test("abstentions count for the quorum and for nothing else", () => {
    const input = { ...election("AB", ballots("2 A")), electorate: ["v1", "v2", "x", "y"] };
    expect(tallyTopic({ ...input, quorum: 3 })).toMatchObject({
      outcome: "no_winner",
      reason: "quorum",
      quorum: { needed: 3, cast: 2, of: 4 },
      firstPreferences: [
        { id: "A", count: 2 },
        { id: "B", count: 0 },
      ],
    });
    const withAbstention = [...input.ballots, abstention("x")];
    expect(tallyTopic({ ...input, quorum: 3, ballots: withAbstention })).toMatchObject({
      winner: "A",
      margin: 1,
      abstained: ["x"],
      dissent: [],
    });
  });

  test("dissent names, in order, those who voted but did not put the winner first", () => {
    const cast = [...ballots("3 AB", "2 BA").toReversed(), abstention("x")];
    expect(tallyTopic(election("AB", cast))).toMatchObject({ dissent: ["v4", "v5"] });
  });

  test("the record is plain JSON as it stands", () => {
    const tally = tallyTopic(election("ABC", ballots("2 ABC", "1 BCA")));
    expect(JSON.parse(canonicalJson(tally))).toEqual(tally);
  });

  test.each([
    [0, 0],
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 2],
    [5, 3],
  ])("of %i members %i must cast", (members, needed) => {
    expect(defaultQuorum(members)).toBe(needed);
  });

  test("up to two solutions are for majority, more for schulze", () => {
    expect([1, 2, 3, 9].map((count) => fixMethod(null, count))).toEqual([
      "majority",
      "majority",
      "schulze",
      "schulze",
    ]);
  });
});

/** alpha wrote A, beta wrote B, who else may vote wrote nothing. */
function tallyOwn(...votes: readonly [voter: string, ranking: string][]): Tally {
  const cast = votes.map(([voter, ranking]) => {
    return { voter, ranking: Array.from(ranking), abstain: false };
  });
  const solutions = [
    { id: "A", author: "alpha" },
    { id: "B", author: "beta" },
  ];
  return tallyTopic({ ...election("", cast), solutions });
}

describe("own solutions", () => {
  test("two agents who both wrote one count: they agree or there is a tie", () => {
    expect(winnerOf(tallyOwn(["alpha", "BA"], ["beta", "BA"]))).toBe("B");
    expect(reasonOf(tallyOwn(["alpha", "AB"], ["beta", "BA"]))).toBe("tie");
  });

  test("with one voter beside them the authors still count", () => {
    const tally = tallyOwn(["alpha", "AB"], ["beta", "BA"], ["gamma", "BA"]);
    expect(tally).toMatchObject({ winner: "B", margin: 1 / 3 });
    expect(tally.pairs[0]?.leftOut).toEqual([]);
  });

  test("with two voters beside them both authors are left out of their pair", () => {
    const tally = tallyOwn(["beta", "BA"], ["alpha", "AB"], ["gamma", "BA"], ["delta", "BA"]);
    expect(tally).toMatchObject({ winner: "B", margin: 1, dissent: ["alpha"] });
    const [pair] = tally.pairs;
    expect(pair).toEqual({
      a: "A",
      b: "B",
      preferA: 0,
      preferB: 2,
      equal: 0,
      leftOut: ["alpha", "beta"],
    } satisfies PairCount);
  });

  test("an author who abstains, or of both solutions, is not left out", () => {
    const solutions = [
      { id: "A", author: "alpha" },
      { id: "B", author: "alpha" },
    ];
    const cast = [{ voter: "alpha", ranking: ["A"], abstain: false }, ...ballots("1 A", "1 B")];
    expect(tallyTopic({ ...election("", cast), solutions })).toMatchObject({ winner: "A" });
    const abstained = [abstention("alpha"), ...ballots("2 A")];
    const own = {
      ...election("", abstained),
      solutions: [...candidates("B"), ...solutions.slice(0, 1)],
    };
    expect(tallyTopic(own).pairs[0]?.leftOut).toEqual([]);
  });

  test("of three solutions an author counts on the pair that is not its own", () => {
    const cast = [
      { voter: "alpha", ranking: ["A", "B", "C"], abstain: false },
      ...ballots("2 CBA"),
    ];
    const solutions = [{ id: "A", author: "alpha" }, ...candidates("BC")];
    const { pairs } = tallyTopic({ ...election("", cast), solutions });
    const counted = pairs.map(({ a, b, preferA, preferB }) => [`${a}${b}`, preferA, preferB]);
    expect(counted).toEqual([
      ["AB", 0, 2],
      ["AC", 0, 2],
      ["BC", 1, 2],
    ]);
  });
});

const IDS = "ABCD";
const ranking = fc.shuffledSubarray(Array.from(IDS));
/** Up to nine ballots over four solutions, the first two of which are by the first two voters. */
const input: fc.Arbitrary<TallyInput> = fc
  .array(ranking, { minLength: 1, maxLength: 9 })
  .map((rankings) => {
    const cast = rankings.map((ids, index): CastBallot => {
      return { voter: `v${index}`, ranking: ids, abstain: false };
    });
    const solutions = Array.from(IDS, (id, index) => {
      return { id, author: index < 2 ? `v${index}` : "nobody" };
    });
    return Object.assign(election("", cast), { solutions });
  });

describe("properties of schulze with own pairs left out", () => {
  test("neither the order of the ballots nor that of the solutions matters for the winner", () => {
    fc.assert(
      fc.property(input, fc.infiniteStream(fc.nat()), (election_, stream) => {
        const shuffle = <T>(items: readonly T[]): T[] =>
          items
            .map((item) => {
              return { item, key: stream.next().value };
            })
            .toSorted((one, two) => one.key - two.key)
            .map(({ item }) => item);
        const tally = tallyTopic(election_);
        expect(tallyTopic({ ...election_, ballots: shuffle(election_.ballots) })).toEqual(tally);
        const reordered = tallyTopic({ ...election_, solutions: shuffle(election_.solutions) });
        expect([winnerOf(reordered), reasonOf(reordered)]).toEqual([
          winnerOf(tally),
          reasonOf(tally),
        ]);
      }),
    );
  });

  test("anonymity: who casts which ballot does not matter among voters who wrote nothing", () => {
    fc.assert(
      fc.property(input, fc.nat(), (election_, turn) => {
        const strangers = { ...election_, solutions: candidates(IDS) };
        const rankings = strangers.ballots.map((ballot) => ballot.ranking);
        const turned = strangers.ballots.map((ballot, index) => {
          const other = rankings[(index + turn) % rankings.length] ?? [];
          return { voter: ballot.voter, ranking: other, abstain: false };
        });
        const [one, two] = [tallyTopic(strangers), tallyTopic({ ...strangers, ballots: turned })];
        expect([two.pairs, winnerOf(two)]).toEqual([one.pairs, winnerOf(one)]);
      }),
    );
  });

  test("neutrality: renaming the solutions renames the winner", () => {
    fc.assert(
      fc.property(input, fc.shuffledSubarray(Array.from(IDS), { minLength: 4 }), (one, names) => {
        const rename = (id: string): string => names[IDS.indexOf(id)] ?? "";
        const renamed = tallyTopic({
          ...one,
          solutions: one.solutions.map(({ id, author }) => {
            return { id: rename(id), author };
          }),
          ballots: one.ballots.map(({ voter, ranking: ids }) => {
            return { voter, ranking: ids.map(rename), abstain: false };
          }),
        });
        const winner = winnerOf(tallyTopic(one));
        expect(winnerOf(renamed)).toBe(winner === undefined ? undefined : rename(winner));
      }),
    );
  });

  test("a solution that wins each of its pairs wins", () => {
    let seen = 0;
    fc.assert(
      fc.property(input, (election_) => {
        const tally = tallyTopic(election_);
        const best = Array.from(IDS).find((id) =>
          Array.from(IDS.replace(id, "")).every(
            (rival) => (preferring(tally, id, rival) ?? 0) > (preferring(tally, rival, id) ?? 0),
          ),
        );
        if (best !== undefined) seen += 1;
        expect(best ?? winnerOf(tally)).toBe(winnerOf(tally));
      }),
    );
    expect(seen).toBeGreaterThan(10);
  });

  test("what all put first wins without dissent", () => {
    fc.assert(
      fc.property(input, fc.constantFrom(...Array.from(IDS)), (election_, best) => {
        const cast = election_.ballots.map(({ voter, ranking: ids }) => {
          return { voter, ranking: [best, ...ids.filter((id) => id !== best)], abstain: false };
        });
        const tally = tallyTopic({ ...election_, ballots: cast });
        expect(tally).toMatchObject({ winner: best, dissent: [] });
      }),
    );
  });

  test("monotonicity: a winner that one voter ranks higher still wins", () => {
    fc.assert(
      fc.property(input, fc.nat(), fc.nat(), (election_, who, places) => {
        const winner = winnerOf(tallyTopic(election_));
        fc.pre(winner !== undefined);
        if (winner === undefined) return;
        const index = who % election_.ballots.length;
        const ids = election_.ballots[index]?.ranking ?? [];
        const others = ids.filter((id) => id !== winner);
        const from = ids.includes(winner) ? ids.indexOf(winner) : others.length;
        const raised = others.toSpliced(Math.max(0, from - (places % 4)), 0, winner);
        const voter = election_.ballots[index]?.voter ?? "";
        const cast = election_.ballots.with(index, { voter, ranking: raised, abstain: false });
        expect(winnerOf(tallyTopic({ ...election_, ballots: cast }))).toBe(winner);
      }),
      { numRuns: 1000 },
    );
  });

  test("abstentions change the quorum only", () => {
    fc.assert(
      fc.property(input, fc.integer({ min: 1, max: 5 }), (election_, count) => {
        const names = Array.from({ length: count }, (_, index) => `x${index}`);
        const electorate = [...election_.electorate, ...names];
        const before = tallyTopic({ ...election_, electorate });
        const cast = [...election_.ballots, ...names.map((name) => abstention(name))];
        const after = tallyTopic({ ...election_, electorate, ballots: cast });
        expect(after).toEqual({
          ...before,
          abstained: names,
          quorum: { ...before.quorum, cast: cast.length },
        });
      }),
    );
  });

  test("with two solutions schulze and majority agree where all rank something", () => {
    fc.assert(
      fc.property(fc.nat({ max: 9 }), fc.nat({ max: 9 }), (forA, forB) => {
        const two = election("AB", ballots(`${forA} A`, `${forB} B`));
        expect(winnerOf(tallyTopic({ ...two, method: "schulze" }))).toBe(winnerOf(tallyTopic(two)));
      }),
    );
  });
});

describe("what cannot be counted", () => {
  const fine = election("ABC", ballots("2 ABC"));
  test.each([
    ["no solution", { ...fine, solutions: [] }, "input_invalid"],
    ["a solution twice", { ...fine, solutions: candidates("AAB") }, "input_invalid"],
    ["a member twice", { ...fine, electorate: ["v1", "v2", "v1"] }, "input_invalid"],
    [
      "two ballots of one",
      { ...fine, ballots: [...fine.ballots, ...ballots("1 A")] },
      "input_invalid",
    ],
    ["half a quorum", { ...fine, quorum: 1.5 }, "input_invalid"],
    ["a negative quorum", { ...fine, quorum: -1 }, "input_invalid"],
    ["a stranger's ballot", { ...fine, electorate: ["v1"] }, "not_electorate"],
    ["a ballot for something else", { ...fine, solutions: candidates("AB") }, "solution_unknown"],
  ])("%s is refused", (_name, bad, code) => {
    expect(() => tallyTopic(bad)).toThrow(expect.objectContaining({ code }));
  });
});

function check(ranked: readonly string[], abstain = false): () => void {
  return () => {
    validateBallot({ ranking: ranked, abstain }, ["S1", "S2"]);
  };
}

describe("validateBallot", () => {
  test("any order of some of the solutions, none, and an empty abstention are fine", () => {
    for (const ids of [[], ["S2"], ["S2", "S1"]]) expect(check(ids)).not.toThrow();
    expect(check([], true)).not.toThrow();
  });

  test.each([
    { ids: ["S1", "S9", "S9"], abstain: false, code: "solution_unknown", said: "S9." },
    { ids: ["S1", "S2", "S1"], abstain: false, code: "input_invalid", said: "more than once" },
    { ids: ["S1"], abstain: true, code: "input_invalid", said: "abstains at once" },
  ])("$ids with abstain $abstain is refused: $code", ({ ids, abstain, code, said }) => {
    expect(check(ids, abstain)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(said) }),
    );
  });
});

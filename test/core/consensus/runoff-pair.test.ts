import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Candidate } from "../../../src/core/consensus/ballots.ts";
import { runoffPair, standsBest } from "../../../src/core/consensus/runoff-pair.ts";
import { tallyTopic } from "../../../src/core/consensus/tally.ts";
import { ballots, candidates, election } from "./elections.ts";

const CYCLE = ballots("1 ABC", "1 BCA", "1 CAB");

/** The re-vote after a tie of A, B and C with these numbers of files and times. */
function afterTie(files: readonly number[], times: readonly number[]): unknown {
  const solutions = candidates("ABC").map((solution, index): Candidate => {
    const fileCount = files[index];
    const createdAtMs = times[index];
    const known = fileCount === undefined ? solution : Object.assign(solution, { fileCount });
    return createdAtMs === undefined ? known : Object.assign(known, { createdAtMs });
  });
  return runoffPair(solutions, tallyTopic({ ...election("", CYCLE), solutions }));
}

describe("runoffPair", () => {
  test("one solution has no re-vote; of two there is nothing to pick", () => {
    const [one] = candidates("A");
    if (one === undefined) throw new Error("no candidate");
    expect(runoffPair([one], tallyTopic(election("A", ballots("1 "))))).toBeUndefined();
    expect(runoffPair(candidates("AB"), tallyTopic(election("AB", ballots("1 A", "1 B"))))).toEqual(
      {
        pair: ["A", "B"],
        pickedBy: "only_two",
        note: "A and B go to the re-vote: they are the only two left.",
      },
    );
  });

  test("votes come first: two that tie above a third are the pair", () => {
    const cast = ballots("1 CBA", "1 BCA");
    expect(runoffPair(candidates("ABC"), tallyTopic(election("ABC", cast)))).toEqual({
      pair: ["B", "C"],
      pickedBy: "votes",
      note: "B and C go to the re-vote: they stand best by the votes cast.",
    });
  });

  test("under majority first preferences are the votes", () => {
    const cast = ballots("2 CAB", "1 ABC", "2 BCA");
    const tally = tallyTopic({ ...election("ABC", cast), method: "majority" });
    expect(runoffPair(candidates("ABC"), tally)).toMatchObject({
      pair: ["B", "C"],
      pickedBy: "votes",
    });
  });

  test.each([
    { files: [3, 1, 2], times: [1, 2, 3], pair: ["B", "C"], pickedBy: "fewer_files" },
    { files: [1, 2, 2], times: [1, 3, 2], pair: ["A", "C"], pickedBy: "earliest" },
    { files: [2, 2, 2], times: [3, 1, 2], pair: ["B", "C"], pickedBy: "earliest" },
    { files: [2, 2, 2], times: [1, 1, 1], pair: ["A", "B"], pickedBy: "id" },
    { files: [], times: [], pair: ["A", "B"], pickedBy: "id" },
    { files: [], times: [5, 4], pair: ["A", "B"], pickedBy: "earliest" },
  ])("a tie with files $files and times $times: $pair by $pickedBy", (example) => {
    const { files, times, pair, pickedBy } = example;
    expect(afterTie(files, times)).toMatchObject({ pair, pickedBy });
  });

  test("what picked the two is said in the note", () => {
    expect(afterTie([3, 1, 2], [])).toMatchObject({
      note: "B and C go to the re-vote: they were picked among those equal by votes because they change fewer files.",
    });
  });

  test("a quorum that was missed still leaves the best two of what was cast", () => {
    const tally = tallyTopic({ ...election("ABC", ballots("1 CBA")), quorum: 2 });
    expect(runoffPair(candidates("ABC"), tally)).toMatchObject({ pair: ["B", "C"] });
  });

  test("nothing outside the pair is beaten by fewer than what is in it", () => {
    const rankings = fc.array(fc.shuffledSubarray(Array.from("ABCD")), { maxLength: 7 });
    fc.assert(
      fc.property(rankings, (list) => {
        const tally = tallyTopic(
          election("ABCD", ballots(...list.map((ids) => `1 ${ids.join("")}`))),
        );
        const beatenBy = (id: string): number =>
          (tally.paths ?? []).filter(
            ({ from, to, strength }) =>
              to === id &&
              strength >
                (tally.paths?.find((back) => back.from === to && back.to === from)?.strength ?? 0),
          ).length;
        const pair: readonly string[] = runoffPair(candidates("ABCD"), tally)?.pair ?? [];
        const inside = Math.max(...pair.map(beatenBy));
        const outside = Array.from("ABCD").filter((id) => !pair.includes(id));
        expect(Math.min(...outside.map(beatenBy))).toBeGreaterThanOrEqual(inside);
      }),
    );
  });
});

describe("standsBest", () => {
  test.each([
    { cast: ["3 A", "2 B", "1 C"], best: { id: "A", by: "votes" } },
    { cast: ["2 B", "2 C"], best: { id: "B", by: "id" } },
  ])("of $cast by supermajority it is $best.id, by $best.by", ({ cast, best }) => {
    const tally = tallyTopic({ ...election("ABC", ballots(...cast)), method: "supermajority" });
    expect(tally.outcome).toBe("no_winner");
    expect(standsBest(candidates("ABC"), tally)).toEqual(best);
  });

  test("it is one of the pair that goes to the re-vote", () => {
    const ranking = fc.shuffledSubarray(["A", "B", "C", "D"]);
    fc.assert(
      fc.property(fc.array(ranking, { minLength: 1, maxLength: 8 }), (rankings) => {
        const cast = ballots(...rankings.map((each) => `1 ${each.join("")}`));
        const tally = tallyTopic(election("ABCD", cast));
        const pair = runoffPair(candidates("ABCD"), tally)?.pair;
        expect(pair).toContain(standsBest(candidates("ABCD"), tally)?.id);
      }),
    );
  });
});

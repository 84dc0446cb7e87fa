/** How many of the voters counted put a solution first. */
export type Support = {
  readonly id: string;
  readonly count: number;
};

export type Verdict =
  /** `margin` is the lead over the closest rival, 0 to 1. */
  | { readonly winner: string; readonly margin: number }
  | { readonly winner: undefined; readonly reason: "tie" | "no_majority" };

/** How many first choices of all that were counted a method asks for. */
const ENOUGH = {
  majority: (count, counted) => count * 2 > counted,
  supermajority: (count, counted) => count > 0 && count * 3 >= counted * 2,
  unanimity: (count, counted) => count > 0 && count === counted,
} satisfies Record<string, (count: number, counted: number) => boolean>;

export type FirstChoiceMethod = keyof typeof ENOUGH;

/**
 * The solution that enough of the voters put first: more than half, two thirds or more, or all. With
 * one solution that is a yes or no: who does not rank it says no. A tie is two or more with the same,
 * highest support above 0 (with one solution: as many noes as yeses).
 *
 * @param counted - Voters who did not abstain and were not left out, those for none included.
 */
export function firstChoiceWinner(
  method: FirstChoiceMethod,
  supports: readonly Support[],
  counted: number,
): Verdict {
  const named = supports.reduce((sum, { count }) => sum + count, 0);
  // With a single solution its rival is the no; with more, a vote for none supports nobody.
  const rivals = supports.length === 1 ? [counted - named] : [];
  const [first = 0, second = 0] = [...supports.map(({ count }) => count), ...rivals].toSorted(
    (a, b) => b - a,
  );
  const best = supports.find(({ count }) => ENOUGH[method](count, counted));
  if (best !== undefined) return { winner: best.id, margin: (first - second) / counted };
  return { winner: undefined, reason: first > 0 && first === second ? "tie" : "no_majority" };
}

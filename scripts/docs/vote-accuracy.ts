import { VOTING_METHODS } from "../../src/core/board.ts";
import { Random } from "../../test/sim/random.ts";
import { measureAccuracy, type Accuracy, type Panel } from "../../test/support/imperfect-voters.ts";
import { exactAccuracies } from "../../test/support/voting-theory.ts";
import { table } from "./markdown.ts";

const VOTES = 10_000;
const SEED = 1;
const BEGIN = "<!-- Written by `node scripts/write-vote-accuracy.ts`; a test compares it. -->";
const END = "<!-- End of what the script writes. -->";

/** The correlation of two agents of one model: both follow it with the square root of this. */
const CORRELATION = 0.6;
const FOLLOWS = Math.sqrt(CORRELATION);

/** An odd number of voters each, so that no pair is even. */
export const PANELS: readonly Panel[] = [
  { options: 2, models: [1], right: 0.6, follows: 0 },
  { options: 2, models: ones(3), right: 0.6, follows: 0 },
  { options: 2, models: ones(9), right: 0.6, follows: 0 },
  { options: 2, models: [3, 3, 3], right: 0.6, follows: FOLLOWS },
  { options: 2, models: [9], right: 0.6, follows: FOLLOWS },
  { options: 2, models: ones(9), right: 0.8, follows: 0 },
  { options: 2, models: [9], right: 0.8, follows: FOLLOWS },
  { options: 2, models: ones(9), right: 0.4, follows: 0 },
  { options: 3, models: ones(3), right: 0.5, follows: 0 },
  { options: 3, models: ones(9), right: 0.5, follows: 0 },
  { options: 3, models: [3, 3, 3], right: 0.5, follows: FOLLOWS },
  { options: 3, models: [9], right: 0.5, follows: FOLLOWS },
];

function ones(count: number): number[] {
  return Array.from({ length: count }, () => 1);
}

/** Two tables: how often the best was chosen, and how often another. */
export function accuracyTables(): string {
  const rows = PANELS.map((panel) => {
    const measured = measureAccuracy(panel, { votes: VOTES, random: new Random(SEED) });
    const exact = exactAccuracies(panel);
    const cells = VOTING_METHODS.map((method) => {
      return { measured: measured.get(method), exact: exact.get(method) };
    });
    return { panel, cells };
  });
  const show = (part: keyof Accuracy): string =>
    table(
      ["solutions", "agents", "right", "worth", ...VOTING_METHODS],
      rows.map(({ panel, cells }) =>
        describe(panel).concat(
          cells.map(({ measured, exact }) => {
            return `${percent(measured?.[part])} (${percent(exact?.[part])})`;
          }),
        ),
      ),
    );
  return [
    `The best was chosen, in per cent of ${VOTES.toLocaleString("en")} votes (in brackets: exactly):`,
    show("right"),
    "Another was chosen; in all other votes nobody won, and a re-vote or a person would follow:",
    show("wrong"),
  ].join("\n\n");
}

function describe({ options, models, right, follows }: Panel): string[] {
  const [size = 1] = models;
  const agents = models.reduce((sum, each) => sum + each, 0);
  const who = size === 1 ? `${agents}` : `${models.length} × ${size} alike`;
  // Agents of different models are independent here: the mean over pairs within models only.
  const within = models.reduce((sum, each) => sum + each * (each - 1), 0);
  const rho = agents === 1 ? 0 : (follows ** 2 * within) / (agents * (agents - 1));
  return [`${options}`, who, `${right}`, (agents / (1 + (agents - 1) * rho)).toFixed(1)];
}

function percent(share = 0): string {
  return (share * 100).toFixed(1);
}

/** The page with these tables in their place. */
export function withAccuracy(page: string, tables: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin === -1 || end < begin)
    throw new Error(`the page has no place for it: ${BEGIN} … ${END}`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${tables}\n\n${page.slice(end)}`;
}

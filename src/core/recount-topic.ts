import type { Decision } from "./board.ts";
import { canonicalJson, toJson } from "./canonical-json.ts";
import type { Candidate } from "./consensus/ballots.ts";
import { withoutVetoed } from "./consensus/vetoes.ts";
import {
  bestOfRound,
  countRound,
  MEDIATED_ROUND,
  methodOfRound,
  type Round,
  type RoundRecord,
  type VotingRules,
} from "./topic-record.ts";

/** A record as it was found: what is counted from, and whatever else it says. */
export type FoundRecord = VotingRules & {
  readonly mediated?: string;
  readonly rounds: readonly FoundRound[];
};

type FoundRound = Pick<RoundRecord, "round" | "method" | "mediator" | "solutions" | "ballots"> & {
  readonly [field: string]: unknown;
};

/** One thing that the record says and that does not follow from the rest of it. */
export type Difference = {
  /** Where in the record, as "rounds.1.winner". */
  readonly field: string;
  readonly recorded: unknown;
  readonly counted: unknown;
};

/**
 * Counts a topic again from nothing but its record: who voted, what they cast and the rules fixed at
 * the opening. Everything else in the record, and the decision, must follow from these.
 *
 * @throws What tallyTopic throws for ballots that cannot have been cast.
 */
export function recountTopic(
  record: FoundRecord,
  { by, winner }: Pick<Decision, "by" | "winner">,
): Difference[] {
  const counted = record.rounds.map((round) => countRound(record, roundFrom(record, round)));
  // Where a mediator was asked and the vote with it never came, nothing was decided.
  const isCutOff = record.mediated !== undefined && counted.at(-1)?.round !== MEDIATED_ROUND;
  const outcome = isCutOff ? null : outcomeOf(record, counted);
  const perRound = record.rounds.flatMap((round, index) =>
    compare(`rounds.${index}`, round, counted[index] ?? {}),
  );
  const course = counted.flatMap((round, index) =>
    compareCourse(record, counted, { round, index }),
  );
  const end = by === "vote" ? compare("", { winner }, { winner: outcome }) : [];
  return [...perRound, ...course, ...end];
}

/** What the rounds decide: nothing where of an irreversible topic less than two thirds are for it. */
function outcomeOf({ irreversible }: VotingRules, rounds: readonly RoundRecord[]): string | null {
  const last = rounds.at(-1);
  const stands = !irreversible || last?.two_thirds === true;
  return stands ? (last?.winner ?? null) : null;
}

function roundFrom(record: FoundRecord, found: FoundRound): Round {
  const { round, mediator, solutions, ballots } = found;
  return {
    round,
    method: methodOfRound(record, round, solutions.length) ?? undefined,
    mediator,
    solutions: solutions.map(candidateFrom),
    ballots,
    hasRevote: round === 1 && record.rounds.some((other) => other.round === 2),
  };
}

function candidateFrom(solution: RoundRecord["solutions"][number]): Candidate {
  const { id, author, created_at_ms: createdAtMs, files } = solution;
  return { id, author, createdAtMs, ...(files === undefined ? {} : { fileCount: files }) };
}

/**
 * A round follows only one without an outcome, and is on what this one left: a re-vote on the two, a
 * round with a mediator on them and what the mediator brought.
 */
function compareCourse(
  record: FoundRecord,
  counted: readonly RoundRecord[],
  { round, index }: { readonly round: RoundRecord; readonly index: number },
): Difference[] {
  const isMediated = round.round === MEDIATED_ROUND;
  const number = isMediated ? MEDIATED_ROUND : index + 1;
  const places = compare(`rounds.${index}`, { round: round.round }, { round: number });
  const before = counted[index - 1];
  if (before === undefined) return places;
  const decided = outcomeOf(record, counted.slice(0, index));
  const kept = round.solutions.filter(({ author }) => !isMediated || author !== round.mediator);
  const left = isMediated ? leftFor(record, before, index) : before.revote?.pair;
  return [
    ...places,
    // A mediator may be asked in the middle of a round, which then counts for nothing.
    ...(isMediated ? [] : compare(`rounds.${index - 1}`, { outcome: null }, { outcome: decided })),
    ...compare(`rounds.${index}`, { on_ballot: kept.map(({ id }) => id) }, { on_ballot: left }),
  ];
}

function leftFor(record: FoundRecord, before: RoundRecord, index: number): readonly string[] {
  const best =
    before.round > 1
      ? before.solutions.map(({ id }) => id)
      : bestOfRound(record, roundFrom(record, before));
  const cast = record.rounds.slice(0, index).flatMap(({ ballots }) => ballots);
  return withoutVetoed(best, cast);
}

/** Field by field; an absent one is undefined. */
export function compare(
  place: string,
  recorded: Readonly<Record<string, unknown>>,
  counted: Readonly<Record<string, unknown>>,
): Difference[] {
  return [...new Set([...Object.keys(recorded), ...Object.keys(counted)])].flatMap((name) => {
    const [here, there] = [recorded[name], counted[name]];
    if (canonicalJson(toJson([here ?? null])) === canonicalJson(toJson([there ?? null]))) return [];
    const field = place === "" ? name : `${place}.${name}`;
    return [{ field, recorded: here ?? null, counted: there ?? null }];
  });
}

/** A set of code points. */
export interface CharSet {
  /** Both ends included. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly negated: boolean;
  /** The character, where it was written as one. */
  readonly single?: string;
}

/** One character, or all from it to `last`. */
export function charSet(first: string, last: string = first): CharSet {
  const range = [codeOf(first), codeOf(last)] as const;
  return { ranges: [range], negated: false, ...(first === last ? { single: first } : {}) };
}

export function invert({ ranges, negated }: CharSet): CharSet {
  return { ranges, negated: !negated };
}

const MAX_CODE = 0x10_ff_ff;

export function union(sets: readonly CharSet[]): CharSet {
  return { ranges: sets.flatMap(positiveRanges), negated: false };
}

function positiveRanges({ ranges, negated }: CharSet): readonly (readonly [number, number])[] {
  if (!negated) return ranges;
  const gaps: [number, number][] = [];
  let from = 0;
  for (const [low, high] of ranges.toSorted(([one], [other]) => one - other)) {
    if (low > from) gaps.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  if (from <= MAX_CODE) gaps.push([from, MAX_CODE]);
  return gaps;
}

export function includes({ ranges, negated }: CharSet, code: number): boolean {
  for (const [low, high] of ranges) {
    if (code >= low && code <= high) return !negated;
  }
  return negated;
}

const DIGIT = charSet("0", "9");
const WORD = union([DIGIT, charSet("A", "Z"), charSet("a", "z"), charSet("_")]);
const SPACE = union(["\t", "\n", "\f", "\r", " "].map((character) => charSet(character)));
const NEWLINE = charSet("\n");

export const ANY_BUT_NEWLINE = invert(NEWLINE);

const ESCAPES: ReadonlyMap<string, CharSet> = new Map([
  ["d", DIGIT],
  ["D", invert(DIGIT)],
  ["w", WORD],
  ["W", invert(WORD)],
  ["s", SPACE],
  ["S", invert(SPACE)],
  ["n", NEWLINE],
  ["r", charSet("\r")],
  ["t", charSet("\t")],
  ["f", charSet("\f")],
]);

/** What `\` and this letter stand for; a sign stands for itself. */
export function classEscape(letter: string): CharSet | undefined {
  return ESCAPES.get(letter) ?? (/^[!-/:-@[-`{-~]$/.test(letter) ? charSet(letter) : undefined);
}

/** As \w has it. */
export function isWord(code: number | undefined): boolean {
  return code !== undefined && includes(WORD, code);
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

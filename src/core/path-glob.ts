import { GuvnorError } from "./errors.ts";

const MAX_ALTERNATIVES = 256;
const MAX_LENGTH = 1024;

/** A run of anything: of characters within a segment (`*`), of whole segments (`**`). */
const STAR = "*";
type Run<T> = readonly (T | typeof STAR)[];

/** One character: a literal is one range of one code point, `?` is the negation of no range. */
interface CharSet {
  readonly negated: boolean;
  /** Code points, both ends included. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** A glob, checked and compiled. It matches a path that any of its alternatives matches. */
export interface PathGlob {
  /** As it was written. */
  readonly source: string;
  /** What the braces stand for, each as segments, each segment as characters. */
  readonly alternatives: readonly Run<Run<CharSet>>[];
}

/**
 * Compiles a glob over paths as git prints them: relative to the root, forward slashes, no `.`, no
 * `..`. Letter case counts, and a leading dot is a character like any other.
 *
 * - `*` any characters of one segment, none included; `?` exactly one character (code point)
 * - `**` as a whole segment: any number of segments, none included, so `a/**` matches `a` too
 * - `[a-z_]` one of them, `[!a-z]` or `[^a-z]` none of them; `]` first and `-` first or last mean
 *   themselves. There is no escape character: `[*]`, `[[]`, `[{]` name these characters literally
 * - `{a,b}` either; may nest and hold slashes; at most 256 alternatives in all
 *
 * What other tools read otherwise is refused instead of guessed, because a glob that silently
 * matches nothing protects nothing.
 *
 * @throws {GuvnorError} `input_invalid`, naming the glob and what is wrong with it.
 */
export function parseGlob(glob: string): PathGlob {
  if (glob === "" || glob.length > MAX_LENGTH) {
    throw refused(glob, `is not between 1 and ${MAX_LENGTH} characters long`, "Shorten it.");
  }
  if (glob.startsWith("!")) {
    const fix = "Leave the exception out and name what is meant.";
    throw refused(glob, "starts with !, but globs here cannot be negated", fix);
  }
  const texts = expandBraces(glob, readTokens(glob));
  return { source: glob, alternatives: texts.map((text) => cutSegments(glob, text)) };
}

/**
 * Whether a glob matches a whole path. Takes at most (length of glob × length of path) steps, for
 * each of its brace alternatives: nothing backtracks further than to the last star.
 *
 * @param glob - Compiled by parseGlob where it is used more than once.
 * @throws {GuvnorError} `input_invalid` when `glob` is a text that parseGlob refuses.
 * @internal Exported for its tests.
 */
export function matchesGlob(glob: string | PathGlob, path: string): boolean {
  return matchAny([glob], path);
}

/** Whether at least one of the globs matches; false where there are none. See matchesGlob. */
export function matchAny(globs: readonly (string | PathGlob)[], path: string): boolean {
  const segments = path.split("/").map((segment) => codePoints(segment));
  return globs.some((glob) => {
    const { alternatives } = typeof glob === "string" ? parseGlob(glob) : glob;
    return alternatives.some((run) => matchesRun(run, segments, matchesSegment));
  });
}

function matchesSegment(segment: Run<CharSet>, characters: readonly number[]): boolean {
  return matchesRun(segment, characters, includesCharacter);
}

/**
 * Greedy wildcard matching: on a mismatch only the last star needs to give way, because whatever an
 * earlier star could take instead, the last one can take too. So the cost is a product, not a power.
 */
function matchesRun<T, Item>(
  run: Run<T>,
  items: readonly Item[],
  accepts: (token: T, item: Item) => boolean,
): boolean {
  let at = 0;
  let starAt = -1;
  // Where the last star's share ends for now.
  let resumeAt = 0;
  let index = 0;
  while (index < items.length) {
    const token = run[at];
    const item = items[index];
    if (token === STAR) {
      starAt = at;
      resumeAt = index;
      at += 1;
    } else if (token !== undefined && item !== undefined && accepts(token, item)) {
      at += 1;
      index += 1;
    } else if (starAt >= 0) {
      resumeAt += 1;
      index = resumeAt;
      at = starAt + 1;
    } else {
      return false;
    }
  }
  while (run[at] === STAR) at += 1;
  return at === run.length;
}

function includesCharacter(set: CharSet, codePoint: number): boolean {
  return set.negated !== set.ranges.some(([low, high]) => low <= codePoint && codePoint <= high);
}

function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

/** What a glob is read into, before braces are written out and segments cut. */
type Token = CharSet | "*" | "**" | "/" | "{" | "," | "}";

function readTokens(glob: string): Token[] {
  const tokens: Token[] = [];
  let index = 0;
  while (index < glob.length) {
    const codePoint = glob.codePointAt(index) ?? 0;
    const character = String.fromCodePoint(codePoint);
    index += character.length;
    switch (character) {
      case "*": {
        const isDouble = glob.charAt(index) === "*";
        tokens.push(isDouble ? "**" : "*");
        if (isDouble) index += 1;
        break;
      }
      case "/":
      case "{":
      case ",":
      case "}":
        tokens.push(character);
        break;
      case "?":
        tokens.push({ negated: true, ranges: [] });
        break;
      case "[": {
        const end = findClassEnd(glob, index);
        tokens.push(readClass(glob, glob.slice(index, end)));
        index = end + 1;
        break;
      }
      case "\\":
        throw refused(glob, "has a backslash", "Write / between segments, [*] for a literal *.");
      default:
        tokens.push(literal(codePoint));
    }
  }
  return tokens;
}

/** Index of the `]` that ends the class whose content starts at `start`. */
function findClassEnd(glob: string, start: number): number {
  const first = isNegation(glob.charAt(start)) ? start + 1 : start;
  // A ] in the first place is a member; `+ 1` steps over it, or over any other first member.
  const end = glob.indexOf("]", first + 1);
  if (end < 0) throw refused(glob, "has a [ that is never closed", "Write [[] for a literal [.");
  return end;
}

function readClass(glob: string, content: string): CharSet {
  if (content.includes("/") || content.includes("[:")) {
    throw refused(glob, "has a class with / or [: in it", "List plain characters, as in [a-z0-9].");
  }
  const negated = isNegation(content.charAt(0));
  const members = codePoints(negated ? content.slice(1) : content);
  const ranges: [number, number][] = [];
  let index = 0;
  while (index < members.length) {
    const low = members[index] ?? 0;
    const end = members[index + 1] === HYPHEN ? members[index + 2] : undefined;
    const high = end ?? low;
    if (high < low) throw refused(glob, "has a range that runs backwards", "Write it as [a-z].");
    ranges.push([low, high]);
    index += end === undefined ? 1 : 3;
  }
  return { negated, ranges };
}

const HYPHEN = 0x2d;
const DOT = 0x2e;
const COMMA = 0x2c;

function isNegation(character: string): boolean {
  return character === "!" || character === "^";
}

function literal(codePoint: number): CharSet {
  return { negated: false, ranges: [[codePoint, codePoint]] };
}

type Text = (CharSet | "*" | "**" | "/")[];

/** A brace that is still open, or the whole glob: its finished alternatives and the present one. */
interface Frame {
  readonly done: Text[];
  /** Ways the present alternative can begin, more than one after a brace within it. */
  current: Text[];
}

function expandBraces(glob: string, tokens: readonly Token[]): Text[] {
  let top: Frame = { done: [], current: [[]] };
  const outer: Frame[] = [];
  for (const token of tokens) {
    if (token === "{") {
      outer.push(top);
      top = { done: [], current: [[]] };
    } else if (token === "}") {
      const closed = [...top.done, ...top.current];
      const parent = outer.pop();
      if (parent === undefined) throw refused(glob, "has a } without a {", BRACE_FIX);
      if (top.done.length === 0) throw refused(glob, "has a brace without a comma", BRACE_FIX);
      top = { done: parent.done, current: joinAll(glob, parent.current, closed) };
    } else if (token === "," && outer.length > 0) {
      top.done.push(...top.current);
      top.current = [[]];
    } else {
      for (const text of top.current) text.push(token === "," ? literal(COMMA) : token);
    }
  }
  if (outer.length > 0) throw refused(glob, "has a { that is never closed", BRACE_FIX);
  return top.current;
}

const BRACE_FIX = "Write {a,b} for either; write [{] and [}] for the characters themselves.";

function joinAll(glob: string, heads: readonly Text[], tails: readonly Text[]): Text[] {
  if (heads.length * tails.length > MAX_ALTERNATIVES) {
    const fix = "Use * or several globs in place of some of the braces.";
    throw refused(glob, `stands for more than ${MAX_ALTERNATIVES} alternatives`, fix);
  }
  return heads.flatMap((head) => tails.map((tail) => [...head, ...tail]));
}

function cutSegments(glob: string, text: Text): Run<Run<CharSet>> {
  const segments: (CharSet | "*" | "**")[][] = [[]];
  for (const token of text) {
    if (token === "/") segments.push([]);
    else segments.at(-1)?.push(token);
  }
  return segments.map((segment) => {
    if (segment.length === 1 && segment[0] === "**") return STAR;
    return checkSegment(glob, segment);
  });
}

function checkSegment(glob: string, segment: readonly (CharSet | "*" | "**")[]): Run<CharSet> {
  // Also true of the empty segment: it has no part that is not a dot.
  if (segment.length <= 2 && segment.every((part) => isOnly(part, DOT))) {
    const fix = "Write it relative to the root, as in src/**, with no / at either end.";
    throw refused(glob, "has an empty segment, a . or a .., which no path has", fix);
  }
  const run = segment.filter((part) => part !== "**");
  // Two stars that braces bring together, as in {a,*}*, could be meant either way: refused too.
  if (run.length < segment.length || run.some((part, i) => part === STAR && run[i + 1] === STAR)) {
    const fix = "Write ** as a segment of its own, as in src/**/*.ts, or a single *.";
    throw refused(glob, "has ** within a segment", fix);
  }
  return run;
}

function isOnly(part: CharSet | "*" | "**", codePoint: number): boolean {
  if (typeof part === "string" || part.negated) return false;
  const [first, second] = part.ranges;
  return first?.[0] === codePoint && first[1] === codePoint && second === undefined;
}

function refused(glob: string, what: string, fix: string): GuvnorError {
  const shown = glob.length > 100 ? `${glob.slice(0, 100)}…` : glob;
  return new GuvnorError("input_invalid", `The glob "${shown}" ${what}.`, fix, {
    details: { glob: shown },
  });
}

import { type CharSet, includes, isWord } from "./char-set.ts";
import { type Assertion, parsePattern, type PatternNode, PatternProblem } from "./parse-pattern.ts";

type Step =
  | { readonly kind: "set"; readonly set: CharSet; readonly next: number }
  | { readonly kind: "fork"; readonly to: readonly number[] }
  | { readonly kind: "assert"; readonly what: Assertion; readonly next: number }
  | { readonly kind: "found" };

/** A compiled regular expression. */
export interface Pattern {
  readonly steps: readonly Step[];
  readonly start: number;
  readonly ignoreCase: boolean;
}

const MAX_LENGTH = 200;
const MAX_STEPS = 1000;

/**
 * Compiles a regular expression for `matchesPattern`.
 * @throws {PatternProblem} what is wrong with it: its length (200), its syntax, or that its counts
 *   make it too large.
 */
export function compilePattern(source: string): Pattern {
  if (source.length > MAX_LENGTH) {
    throw new PatternProblem(`is longer than ${MAX_LENGTH} characters`);
  }
  const { root, ignoreCase } = parsePattern(source);
  const steps: Step[] = [{ kind: "found" }];
  return { start: build(steps, root, 0), steps, ignoreCase };
}

/** Builds backwards: `next` is where to go on, the answer where to begin. */
function build(steps: Step[], node: PatternNode, next: number): number {
  switch (node.kind) {
    case "set":
      return add(steps, { kind: "set", set: node.set, next });
    case "assert":
      return add(steps, { kind: "assert", what: node.what, next });
    case "sequence":
      return node.parts.reduceRight((after, part) => build(steps, part, after), next);
    case "choice":
      return add(steps, { kind: "fork", to: node.parts.map((part) => build(steps, part, next)) });
    case "repeat":
      break;
  }
  return buildRepeat(steps, node, next);
}

function buildRepeat(
  steps: Step[],
  { part, min, max }: Extract<PatternNode, { kind: "repeat" }>,
  next: number,
): number {
  let at = next;
  if (max === null) {
    // The way back is known only once the part is built.
    const to: number[] = [];
    at = add(steps, { kind: "fork", to });
    to.push(build(steps, part, at), next);
  } else {
    for (let extra = min; extra < max; extra += 1) {
      at = add(steps, { kind: "fork", to: [build(steps, part, at), next] });
    }
  }
  for (let required = 0; required < min; required += 1) at = build(steps, part, at);
  return at;
}

function add(steps: Step[], step: Step): number {
  if (steps.length >= MAX_STEPS) {
    throw new PatternProblem("has counts that make it too large");
  }
  return steps.push(step) - 1;
}

/**
 * Whether the pattern is found anywhere in the text. All ways to match are followed at once, so it
 * takes at most (steps of the pattern × length of the text) steps, whatever an agent wrote there.
 */
export function matchesPattern(pattern: Pattern, text: string): boolean {
  const { steps, start, ignoreCase } = pattern;
  /** In which round a step was reached last: each is looked at once for each character. */
  const reached = new Int32Array(steps.length).fill(-1);
  let current: number[] = [];
  let before: number | undefined;
  let round = 0;
  let index = 0;
  for (;;) {
    const code = text.codePointAt(index);
    // A match may begin at every character.
    const active = follow(pattern, [...current, start], { reached, round, before, code });
    if (active === undefined) return true;
    if (code === undefined) return false;
    current = [];
    for (const at of active) {
      const step = steps[at];
      if (step?.kind === "set" && holds(step.set, code, ignoreCase)) current.push(step.next);
    }
    index += code > 0xff_ff ? 2 : 1;
    before = code;
    round += 1;
  }
}

interface Place {
  readonly reached: Int32Array;
  readonly round: number;
  readonly before: number | undefined;
  readonly code: number | undefined;
}

/** The sets that are reached without reading on; undefined once the pattern is found. */
function follow(pattern: Pattern, from: number[], place: Place): number[] | undefined {
  const sets: number[] = [];
  const open = from;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (place.reached[at] === place.round) continue;
    place.reached[at] = place.round;
    const step = pattern.steps[at];
    if (step?.kind === "found") return undefined;
    if (step?.kind === "set") sets.push(at);
    else if (step?.kind === "fork") open.push(...step.to);
    else if (step !== undefined && isAt(step.what, place)) open.push(step.next);
  }
  return sets;
}

function isAt(what: Assertion, { before, code }: Place): boolean {
  switch (what) {
    case "start":
      return before === undefined;
    case "end":
      return code === undefined;
    case "word_boundary":
      return isWord(before) !== isWord(code);
    case "no_word_boundary":
      break;
  }
  return isWord(before) === isWord(code);
}

function holds(set: CharSet, code: number, ignoreCase: boolean): boolean {
  if (!ignoreCase) return includes(set, code);
  const character = String.fromCodePoint(code);
  const cases = [character, character.toLowerCase(), character.toUpperCase()]
    .map((each) => ({ each, first: each.codePointAt(0) ?? code }))
    // The capital of ß is two letters.
    .filter(({ each, first }) => each === String.fromCodePoint(first));
  // [^a] leaves out A too.
  return set.negated
    ? cases.every(({ first }) => includes(set, first))
    : cases.some(({ first }) => includes(set, first));
}

import { ANY_BUT_NEWLINE, type CharSet, charSet, classEscape, invert, union } from "./char-set.ts";

/** What a regular expression says, as a tree. */
export type PatternNode =
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly PatternNode[] }
  /** `max` null: without end. */
  | {
      readonly kind: "repeat";
      readonly part: PatternNode;
      readonly min: number;
      readonly max: number | null;
    }
  | { readonly kind: "assert"; readonly what: Assertion };

export type Assertion = "start" | "end" | "word_boundary" | "no_word_boundary";

export interface ParsedPattern {
  readonly root: PatternNode;
  readonly ignoreCase: boolean;
}

/** What is wrong with a pattern, as a sentence without its first letter. */
export class PatternProblem extends Error {}

const MAX_COUNT = 100;

interface Reader {
  readonly characters: readonly string[];
  at: number;
}

/**
 * Reads the part of RE2's syntax that this matcher knows: literals, `.`, classes, `\d \w \s` and
 * their opposites, `^ $ \b \B`, groups, `|`, `* + ? {n,m}`, and `(?i)` at the beginning.
 * @throws {PatternProblem} for all else, and for a repetition within a repetition.
 */
export function parsePattern(pattern: string): ParsedPattern {
  const ignoreCase = pattern.startsWith("(?i)");
  const reader: Reader = { characters: Array.from(ignoreCase ? pattern.slice(4) : pattern), at: 0 };
  const root = readChoice(reader);
  if (reader.at < reader.characters.length) throw new PatternProblem("has a ) without a (");
  if (nestsRepetitions(root, false)) {
    throw new PatternProblem("repeats what is repeated already, such as (a+)+; write it flat");
  }
  return { root, ignoreCase };
}

function readChoice(reader: Reader): PatternNode {
  const parts = [readSequence(reader)];
  while (peek(reader) === "|") {
    reader.at += 1;
    parts.push(readSequence(reader));
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: "choice", parts };
}

function readSequence(reader: Reader): PatternNode {
  const parts: PatternNode[] = [];
  for (;;) {
    const next = peek(reader);
    if (next === undefined || next === "|" || next === ")") return { kind: "sequence", parts };
    parts.push(readRepeated(reader));
  }
}

function readRepeated(reader: Reader): PatternNode {
  const part = readAtom(reader);
  const counts = readCounts(reader);
  if (counts === undefined) return part;
  if (part.kind === "assert") throw new PatternProblem("repeats a place, which has no length");
  // Which match is found does not matter here, only whether there is one.
  if (peek(reader) === "?") reader.at += 1;
  if (readCounts(reader) !== undefined) {
    throw new PatternProblem("repeats what is repeated already, such as a**");
  }
  return { kind: "repeat", part, ...counts };
}

function readCounts(reader: Reader): { min: number; max: number | null } | undefined {
  switch (peek(reader)) {
    case "*":
      reader.at += 1;
      return { min: 0, max: null };
    case "+":
      reader.at += 1;
      return { min: 1, max: null };
    case "?":
      reader.at += 1;
      return { min: 0, max: 1 };
    case "{":
      return readBraces(reader);
    case undefined:
    default:
      return undefined;
  }
}

function readBraces(reader: Reader): { min: number; max: number | null } {
  const end = reader.characters.indexOf("}", reader.at);
  const text = end < 0 ? "" : reader.characters.slice(reader.at + 1, end).join("");
  const [, low, comma, high] = /^([0-9]{1,3})(,?)([0-9]{0,3})$/.exec(text) ?? [];
  if (low === undefined) throw new PatternProblem("has a { that begins no count; write \\{");
  const min = Number(low);
  const max = comma === "" ? min : high === "" ? null : Number(high);
  if (min > MAX_COUNT || (max ?? 0) > MAX_COUNT || (max !== null && max < min)) {
    throw new PatternProblem(`has a count that is not between 0 and ${MAX_COUNT}`);
  }
  reader.at = end + 1;
  return { min, max };
}

function readAtom(reader: Reader): PatternNode {
  const character = take(reader);
  switch (character) {
    case "(":
      return readGroup(reader);
    case "[":
      return { kind: "set", set: readClass(reader) };
    case ".":
      return { kind: "set", set: ANY_BUT_NEWLINE };
    case "^":
      return { kind: "assert", what: "start" };
    case "$":
      return { kind: "assert", what: "end" };
    case "\\":
      return readEscape(reader);
    case "*":
    case "+":
    case "?":
    case "{":
      throw new PatternProblem(`has a ${character} with nothing to repeat`);
    default:
      return { kind: "set", set: charSet(character) };
  }
}

function readGroup(reader: Reader): PatternNode {
  if (peek(reader) === "?") {
    reader.at += 1;
    if (take(reader) !== ":") {
      throw new PatternProblem("has a (? that is not (?: or, at the beginning, (?i)");
    }
  }
  const inner = readChoice(reader);
  if (peek(reader) !== ")") throw new PatternProblem("has a ( that is never closed");
  reader.at += 1;
  return inner;
}

function readEscape(reader: Reader): PatternNode {
  const letter = take(reader);
  if (letter === "b") return { kind: "assert", what: "word_boundary" };
  if (letter === "B") return { kind: "assert", what: "no_word_boundary" };
  return { kind: "set", set: escapedSet(letter) };
}

function escapedSet(letter: string): CharSet {
  const set = classEscape(letter);
  if (set === undefined) throw new PatternProblem(`has \\${letter}, which means nothing here`);
  return set;
}

function readClass(reader: Reader): CharSet {
  const negated = peek(reader) === "^";
  if (negated) reader.at += 1;
  const sets: CharSet[] = [];
  while (peek(reader) !== "]") {
    const { character, set } = readMember(reader);
    if (peek(reader) === "-" && reader.characters[reader.at + 1] !== "]") {
      reader.at += 1;
      const end = readMember(reader);
      if (character === undefined || end.character === undefined || end.character < character) {
        throw new PatternProblem("has a range in [] that has no two ends in order");
      }
      sets.push(charSet(character, end.character));
    } else {
      sets.push(set);
    }
  }
  reader.at += 1;
  if (sets.length === 0) throw new PatternProblem("has an empty []");
  const all = union(sets);
  return negated ? invert(all) : all;
}

/** One member of a class; `character` only where it is a single one. */
function readMember(reader: Reader): { character: string | undefined; set: CharSet } {
  const character = take(reader);
  if (character === "[" && peek(reader) === ":") {
    throw new PatternProblem("has a named class such as [:alpha:]; list the characters");
  }
  if (character !== "\\") return { character, set: charSet(character) };
  const letter = take(reader);
  const set = escapedSet(letter);
  return { character: set.single, set };
}

function peek(reader: Reader): string | undefined {
  return reader.characters[reader.at];
}

function take(reader: Reader): string {
  const character = peek(reader);
  if (character === undefined) throw new PatternProblem("ends too early");
  reader.at += 1;
  return character;
}

/** Whether something that can stand more than once is within something that can too. */
function nestsRepetitions(node: PatternNode, repeated: boolean): boolean {
  switch (node.kind) {
    case "set":
    case "assert":
      return false;
    case "sequence":
    case "choice":
      return node.parts.some((part) => nestsRepetitions(part, repeated));
    case "repeat":
      break;
  }
  const many = node.max === null || node.max > 1;
  return (many && repeated) || nestsRepetitions(node.part, repeated || many);
}

import { Scalar } from "yaml";

/**
 * Where in a YAML file one character of a text stands. White space is folded, indented and cut by
 * YAML, but what is not white space keeps its order: so those characters are counted.
 *
 * @param source - The whole file.
 * @param scalar - The text's node; `range` are offsets into `source`.
 * @param offset - Of the character in the text as it was read, in UTF-16 units.
 */
export function offsetInScalar(source: string, scalar: Scalar, offset: number): number {
  const [start, end] = scalar.range ?? [0, 0];
  if (typeof scalar.value !== "string") return start;
  const count = countInk(scalar.value.slice(0, offset));
  if (scalar.type === Scalar.QUOTE_SINGLE) {
    return skipInk(source, { from: start + 1, end: end - 1, count }, singleQuotedStep);
  }
  if (scalar.type === Scalar.QUOTE_DOUBLE) {
    return skipInk(source, { from: start + 1, end: end - 1, count }, doubleQuotedStep);
  }
  const isBlock = scalar.type === Scalar.BLOCK_FOLDED || scalar.type === Scalar.BLOCK_LITERAL;
  // The header of a block (`|2- # comment`) is a line of its own.
  const from = isBlock ? source.indexOf("\n", start) + 1 : start;
  return skipInk(source, { from, end, count }, plainStep);
}

function countInk(text: string): number {
  return text.replaceAll(/\s/g, "").length;
}

/** How many characters of the file make up the next part of the text, and how many of ink it has. */
type Step = (source: string, at: number) => { readonly width: number; readonly ink: number };

/** The offset of the first ink after `count` of it; the end where there is no more. */
function skipInk(
  source: string,
  { from, end, count }: { from: number; end: number; count: number },
  stepOf: Step,
): number {
  let at = from;
  let left = count;
  while (at < end) {
    const { width, ink } = stepOf(source, at);
    if (ink > 0) {
      if (left <= 0) return at;
      left -= ink;
    }
    at += width;
  }
  return Math.max(from, end - 1);
}

function plainStep(source: string, at: number): { width: number; ink: number } {
  return { width: 1, ink: countInk(source.charAt(at)) };
}

function singleQuotedStep(source: string, at: number): { width: number; ink: number } {
  return source.startsWith("''", at) ? { width: 2, ink: 1 } : plainStep(source, at);
}

/** Digits after the letter of an escape. */
const HEX_DIGITS = new Map([
  ["x", 2],
  ["u", 4],
  ["U", 8],
]);
/** Escapes that stand for white space (as JavaScript's \s has it), or for a line that goes on. */
const BLANK_ESCAPES: ReadonlySet<string> = new Set([
  " ",
  "\t",
  "\r",
  "\n",
  "t",
  "n",
  "v",
  "f",
  "r",
  "_",
  "L",
  "P",
]);

function doubleQuotedStep(source: string, at: number): { width: number; ink: number } {
  if (source.charAt(at) !== "\\") return plainStep(source, at);
  const letter = source.charAt(at + 1);
  const digits = HEX_DIGITS.get(letter);
  if (digits === undefined) return { width: 2, ink: BLANK_ESCAPES.has(letter) ? 0 : 1 };
  const code = Number.parseInt(source.slice(at + 2, at + 2 + digits), 16);
  return { width: 2 + digits, ink: countInk(String.fromCodePoint(code)) };
}

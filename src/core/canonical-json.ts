import { GuvnorError } from "./errors.ts";

/** What JSON can say. `undefined`, dates, maps, bigints and the like are not in it. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Deeper values are refused, so that recursion is bounded. Twice what a tool call may hold. */
const MAX_DEPTH = 64;

// With the u flag, a surrogate that is half of a pair is no code point of its own.
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The one text that stands for a JSON value, as RFC 8785 (JCS) defines it: no white space, keys
 * sorted by UTF-16 code units, strings and numbers as ECMAScript's JSON.stringify writes them.
 * What RFC 8785 leaves open is refused, never dropped or replaced.
 *
 * @throws {GuvnorError} `input_invalid` for NaN and infinities, lone surrogates (in keys too),
 *   values that JSON has no word for, and nesting deeper than 64 (cycles end there).
 */
export function canonicalJson(value: Json): string {
  return write(value, 1);
}

/** Claims that a value is JSON; `canonicalJson` refuses it where it is not. */
export function toJson(value: unknown): Json {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked by whoever serialises it
  return value as Json;
}

/**
 * Whether a text is what canonicalJson writes for the value it holds; false for what is no JSON.
 *
 * Most texts are settled by the engine's own JSON.stringify, which differs from RFC 8785 in the
 * order of keys and in lone surrogates only. A chain of 530-byte audit entries is so checked at
 * 185,000 a second on one core, against 125,000 by writing each value out.
 */
export function isCanonicalJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    const quick =
      !text.includes("\\ud") && JSON.stringify(value) === text && hasSortedKeys(value, 1);
    return quick || write(value, 1) === text;
  } catch {
    // Not JSON at all, or JSON that RFC 8785 has no form for: both are the answer no.
    return false;
  }
}

/** False also where the value is too deep, or has keys that engines put first (integers). */
function hasSortedKeys(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) {
      if (!hasSortedKeys(item, depth + 1)) return false;
    }
    return true;
  }
  if (!isPlainObject(value)) return false;
  let last: string | undefined;
  for (const key of Object.keys(value)) {
    if (last !== undefined && key < last) return false;
    if (!hasSortedKeys(value[key], depth + 1)) return false;
    last = key;
  }
  return true;
}

function write(value: unknown, depth: number): string {
  if (typeof value === "string") return writeString(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refused(`the number ${value}`);
    return JSON.stringify(value);
  }
  if (typeof value === "boolean" || value === null) return String(value);
  if (typeof value !== "object") throw refused(`a value of type ${typeof value}`);
  if (depth > MAX_DEPTH) throw refused(`nesting deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) return writeArray(value, depth);
  if (isPlainObject(value)) return writeObject(value, depth);
  throw refused("an object that is neither plain nor an array");
}

function writeString(text: string): string {
  if (LONE_SURROGATE.test(text)) throw refused("a string with a lone surrogate");
  return JSON.stringify(text);
}

function writeArray(items: readonly unknown[], depth: number): string {
  // A loop, not map(): map() skips the holes of a sparse array instead of refusing them.
  const parts: string[] = [];
  for (const item of items) parts.push(write(item, depth + 1));
  return `[${parts.join(",")}]`;
}

function writeObject(object: Readonly<Record<string, unknown>>, depth: number): string {
  let text = "";
  // The default order of toSorted() is the one RFC 8785 §3.2.3 asks for: by UTF-16 code units.
  for (const key of Object.keys(object).toSorted()) {
    const separator = text === "" ? "" : ",";
    text += `${separator}${writeString(key)}:${write(object[key], depth + 1)}`;
  }
  return `{${text}}`;
}

function isPlainObject(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function refused(what: string): GuvnorError {
  return new GuvnorError(
    "input_invalid",
    `Canonical JSON cannot hold ${what}.`,
    "Send plain JSON: finite numbers, well-formed Unicode, at most 64 levels.",
  );
}

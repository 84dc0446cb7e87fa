import { InvalidArgumentError } from "commander";

/** Parsers of option values; what they throw is a usage error. */

export function wholeNumber(text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Give a whole number.");
}

export function amount(text: string): number {
  if (/^[0-9]{1,9}(\.[0-9]{1,9})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Give a number such as 0.25.");
}

/** Repeated options and commas both make a list. */
export function collect(text: string, before: readonly string[] = []): string[] {
  const names = text.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
  return [...before, ...names];
}

/** `key=value`, repeated. */
export function collectPairs(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Give it as key=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

const UNITS_MS = new Map([
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** "90s", "10m", "2h" or "3d" ago, or a time such as 2026-11-21T09:30:00Z; ms since 1970. */
export function sinceTime(text: string, nowMs = Date.now()): number {
  return timeAround(text, (lengthMs) => nowMs - lengthMs);
}

/** "2h" or "3d" from now, or a time; ISO. */
export function comingTime(text: string, nowMs = Date.now()): string {
  return new Date(timeAround(text, (lengthMs) => nowMs + lengthMs)).toISOString();
}

function timeAround(text: string, atLength: (lengthMs: number) => number): number {
  const [, count, unit] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS.get(unit ?? "");
  if (count !== undefined && unitMs !== undefined) return atLength(Number(count) * unitMs);
  const time = /^[0-9]{4}-[0-9]{2}-[0-9]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new InvalidArgumentError('Give a time such as "10m", "2h" or "2026-11-21T09:30:00Z".');
}

import { z } from "zod";

const UNITS = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["KiB", 1024],
  ["MiB", 1024 ** 2],
  ["GiB", 1024 ** 3],
]);

const DAY_MS = 86_400_000;

/** "10m" in milliseconds, "512MiB" in bytes. */
function inUnits(text: string): number {
  const [, count, unit] = /^([0-9]+)([A-Za-z]+)$/.exec(text) ?? [];
  return Number(count) * (UNITS.get(unit ?? "") ?? 1);
}

/**
 * A text such as "30s", "10m" or "7d", read as milliseconds.
 * @param maxDays - The longest that is allowed.
 */
export function durationUpTo(maxDays: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^[1-9][0-9]{0,8}(ms|s|m|h|d)$/, 'a duration such as "30s" or "10m"')
    .transform(inUnits)
    .refine((ms) => ms <= maxDays * DAY_MS, `at most ${maxDays === 1 ? "24h" : `${maxDays}d`}`);
}

/** A text such as "512MiB", read as bytes. */
export function size(): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^[1-9][0-9]{0,8}(KiB|MiB|GiB)$/, 'a size such as "512MiB"')
    .transform(inUnits);
}

/* oxlint-disable no-restricted-globals -- converts the times it is given, reads no clock */

/**
 * One part of a time as CEL's methods name it: `getMonth`, `getDayOfMonth`, `getDayOfWeek` and
 * `getDayOfYear` count from 0, `getDate` from 1. The library's own lean on the process's time zone.
 * @param zone - An IANA name; "UTC" needs no tables.
 * @throws {RangeError} for a time zone that is unknown.
 */
export function timePart(time: Date, method: string, zone: string): number {
  const local = zone === "UTC" ? time : inZone(time, zone);
  switch (method) {
    case "getFullYear":
      return local.getUTCFullYear();
    case "getMonth":
      return local.getUTCMonth();
    case "getDate":
      return local.getUTCDate();
    case "getDayOfMonth":
      return local.getUTCDate() - 1;
    case "getDayOfWeek":
      return local.getUTCDay();
    case "getDayOfYear":
      return Math.floor((local.getTime() - Date.UTC(local.getUTCFullYear(), 0, 1)) / DAY_MS);
    case "getHours":
      return local.getUTCHours();
    case "getMinutes":
      return local.getUTCMinutes();
    case "getSeconds":
      return local.getUTCSeconds();
    case "getMilliseconds":
      return local.getUTCMilliseconds();
    default:
      throw new RangeError(`a time has no ${method}`);
  }
}

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** The time whose parts in UTC are what a clock in that zone shows. */
function inZone(time: Date, zone: string): Date {
  const found = new Map<string, number>();
  for (const { type, value } of formatOf(zone).formatToParts(time)) found.set(type, Number(value));
  const part = (name: string): number => found.get(name) ?? 0;
  const shownMs = Date.UTC(
    part("year"),
    part("month") - 1,
    part("day"),
    part("hour"),
    part("minute"),
    part("second"),
  );
  return new Date(shownMs + (time.getTime() - Math.floor(time.getTime() / 1000) * 1000));
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(zone, format);
  return format;
}

export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const ISO =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$/;

/**
 * An ISO 8601 time with its offset; undefined where the text is none. JavaScript's own reading would
 * also take other texts, some in the process's time zone.
 */
export function parseTimestamp(text: string): Date | undefined {
  if (!ISO.test(text)) return undefined;
  const time = new Date(text);
  const [day] = text.split("T");
  const midnight = new Date(`${day}T00:00:00Z`);
  // 30 February would be read as 2 March.
  const exists = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(`${day}T`);
  return exists && !Number.isNaN(time.getTime()) ? time : undefined;
}

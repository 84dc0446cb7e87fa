const DAY_MS = 24 * 60 * 60 * 1000;

/** Reads a date such as 2026-02-28 as midnight UTC. */
export function parseDate(text) {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  if (year === undefined) throw new RangeError(`"${text}" is not a date such as 2026-02-28`);
  return new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
}

export function formatDate(date) {
  return date.toISOString().slice(0, 10);
}

/** The same day some months later, or earlier with a negative count. */
export function addMonths(date, count) {
  const moved = new Date(date);
  moved.setUTCMonth(moved.getUTCMonth() + count);
  return moved;
}

/** Whole days from one date to another. */
export function daysBetween(from, to) {
  return Math.round((to - from) / DAY_MS);
}

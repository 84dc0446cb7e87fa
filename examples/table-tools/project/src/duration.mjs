const UNIT_SECONDS = { h: 3600, m: 60, s: 1 };

/** Seconds of a duration such as 1h30m or 45s. */
export function parseDuration(text) {
  if (!/^(\d+[hms])+$/.test(text)) throw new RangeError(`"${text}" is not a duration such as 1h30m`);
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([hms])/g)) {
    seconds += Number(count) * UNIT_SECONDS[unit];
  }
  return seconds;
}

/** Writes seconds as 1h30m5s; parts that are 0 are left out. */
export function formatDuration(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = Math.round(seconds % 60);
  const parts = [
    hours === 0 ? "" : `${hours}h`,
    minutes === 0 ? "" : `${minutes}m`,
    rest === 0 ? "" : `${rest}s`,
  ];
  return parts.join("") || "0s";
}

export function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** The average; undefined for no values. */
export function mean(values) {
  return values.length === 0 ? undefined : sum(values) / values.length;
}

/** The value in the middle, or half way between the two in the middle; undefined for no values. */
export function median(values) {
  const sorted = values.sort();
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle];
  return sorted.length === 0 ? undefined : (sorted[middle - 1] + sorted[middle]) / 2;
}

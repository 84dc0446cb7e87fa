/** Whether two intervals [start, end) share anything. */
export function overlaps([startA, endA], [startB, endB]) {
  return startA < endB && startB < endA;
}

/** The same stretches with as few intervals as possible, sorted. Touching intervals become one. */
export function mergeIntervals(intervals) {
  const merged = [];
  for (const [start, end] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = end;
    else merged.push([start, end]);
  }
  return merged;
}

/** How long the intervals are together; what several cover counts once. */
export function totalLength(intervals) {
  return mergeIntervals(intervals).reduce((sum, [start, end]) => sum + end - start, 0);
}

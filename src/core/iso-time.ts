/** ISO 8601 in UTC with milliseconds: 2026-11-21T09:30:00.000Z. */
export function toIso(ms: number): string {
  // oxlint-disable-next-line no-restricted-globals -- converts the time it is given, reads no clock
  return new Date(ms).toISOString();
}

/** Milliseconds since 1970 of an ISO 8601 time that was checked already. */
export function fromIso(text: string): number {
  // oxlint-disable-next-line no-restricted-globals -- reads the text it is given, no clock
  return Date.parse(text);
}

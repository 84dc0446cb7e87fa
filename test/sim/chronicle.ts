/** Something that must never happen, with enough to find it in the story. */
export interface Violation {
  /** Name of the broken invariant, e.g. "done_twice". */
  readonly name: string;
  readonly atMs: number;
  readonly detail: string;
}

type Line = readonly [atMs: number, who: string, what: string, detail: unknown];

const DETAIL_CHARACTERS = 600;

/** Everything that happened in one schedule, in order; written out only where somebody reads it. */
export class Chronicle {
  readonly violations: Violation[] = [];
  readonly counts = new Map<string, number>();
  readonly #lines: Line[] = [];
  readonly nowMs: () => number;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  say(who: string, what: string, detail?: unknown): void {
    this.#lines.push([this.nowMs(), who, what, detail]);
  }

  /** A kind of event that a run must have seen. */
  count(kind: string, by = 1): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + by);
  }

  violate(name: string, detail: string): void {
    this.violations.push({ name, atMs: this.nowMs(), detail });
    this.say("!!!", `VIOLATION ${name}: ${detail}`);
  }

  text(): string {
    return this.#lines.map(describe).join("\n");
  }
}

function describe([atMs, who, what, detail]: Line): string {
  const seconds = (atMs / 1000).toFixed(3).padStart(9);
  const said = detail === undefined ? "" : ` ${JSON.stringify(detail) ?? ""}`;
  const cut = said.length > DETAIL_CHARACTERS ? `${said.slice(0, DETAIL_CHARACTERS)}…` : said;
  return `${seconds} ${who.padEnd(14)} ${what}${cut}`;
}

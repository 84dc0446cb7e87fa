import { median } from "./statistics.ts";

export interface Bar {
  readonly kind: "at most" | "at least";
  readonly value: number;
}

/** One number of a row. Without a bar it stands there to compare with. */
export interface Figure {
  readonly name: string;
  /** "×", "ms", "/s", "MB", "%" or "" for a count. */
  readonly unit: string;
  readonly bar?: Bar;
  /** One value a run; the figure is their median. */
  readonly runs: readonly number[];
}

export interface Row {
  /** For `--only` and the file in bench/results. */
  readonly name: string;
  readonly title: string;
  /** What exactly is measured, for docs/performance.md. */
  readonly how: string;
  measure(options: RowOptions): Promise<readonly Figure[]>;
}

export interface RowOptions {
  /** Small counts: shows that the row works, not what the figures are. */
  readonly quick: boolean;
}

export interface JudgedFigure extends Figure {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  /** Undefined without a bar. */
  readonly met?: boolean;
}

export function judge(figure: Figure): JudgedFigure {
  const value = median(figure.runs);
  const judged = {
    ...figure,
    value,
    min: Math.min(...figure.runs),
    max: Math.max(...figure.runs),
  };
  if (figure.bar === undefined) return judged;
  const { kind, value: bar } = figure.bar;
  return { ...judged, met: kind === "at most" ? value <= bar : value >= bar };
}

export function atMost(value: number): Bar {
  return { kind: "at most", value };
}

export function atLeast(value: number): Bar {
  return { kind: "at least", value };
}

/** Turns runs that each give the same numbers by name into figures. */
export function figuresOf<Name extends string>(
  runs: readonly Readonly<Record<Name, number>>[],
  described: Readonly<Record<Name, { readonly name: string; unit: string; bar?: Bar }>>,
): Figure[] {
  const names = Object.keys(described) as Name[];
  return names.map((name) => ({ ...described[name], runs: runs.map((run) => run[name]) }));
}

/** Runs `once` again and again, one after the other. */
export async function repeat<T>(times: number, once: (run: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let run = 0; run < times; run += 1) results.push(await once(run));
  return results;
}

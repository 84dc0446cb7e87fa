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
  /** What the time goes to, for whoever finds the bar missed. */
  readonly whenMissed: string;
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

/** What one of the numbers is that each run gives. */
export interface FigureOf {
  readonly of: string;
  readonly name: string;
  readonly unit: string;
  readonly bar?: Bar;
}

/** @throws when a run did not give one of the numbers. */
export function figuresOf(
  runs: readonly Readonly<Record<string, number>>[],
  described: readonly FigureOf[],
): Figure[] {
  return described.map(({ of, name, unit, bar }) => ({
    name,
    unit,
    ...(bar === undefined ? {} : { bar }),
    runs: runs.map((run) => {
      const value = run[of];
      if (value === undefined) throw new Error(`a run did not give ${of}`);
      return value;
    }),
  }));
}

/** Runs `once` again and again, one after the other. */
export async function repeat<T>(times: number, once: (run: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let run = 0; run < times; run += 1) results.push(await once(run));
  return results;
}

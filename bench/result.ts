import type { Machine } from "./machine.ts";
import type { Bar, JudgedFigure } from "./row.ts";

/** What a run of one row came to; one file in bench/results. */
export interface RowResult {
  readonly name: string;
  readonly title: string;
  readonly how: string;
  readonly whenMissed: string;
  readonly quick: boolean;
  /** ISO 8601. */
  readonly at: string;
  readonly machine: Machine;
  readonly figures: readonly JudgedFigure[];
  /** Why there are no figures. */
  readonly error?: string;
}

export function describeResult(result: RowResult): string {
  const head = `${result.name}: ${result.title} (${describeLoad(result.machine)})`;
  if (result.error !== undefined) return `${head}\n  failed  ${result.error}\n`;
  return `${head}\n${result.figures.map(describeFigure).join("\n")}\n`;
}

/** What else went on when the row began. */
export function describeLoad({ loadAtStart, busyAtStart, diskSyncMs }: Machine): string {
  const busy = Math.round(busyAtStart * 100);
  return `load ${loadAtStart}, ${busy} % busy, disk ${withUnit(diskSyncMs, "ms")} a sync`;
}

function describeFigure(figure: JudgedFigure): string {
  const { name, value, min, max, unit, bar, runs } = figure;
  const spread = runs.length > 1 ? ` (${withUnit(min, unit)} to ${withUnit(max, unit)})` : "";
  const wanted = bar === undefined ? "" : `, bar ${describeBar(bar, unit)}`;
  return `  ${verdictOf(figure).padEnd(7)} ${name}: ${withUnit(value, unit)}${spread}${wanted}`;
}

export function verdictOf({ met }: JudgedFigure): string {
  if (met === undefined) return "";
  return met ? "met" : "missed";
}

export function describeBar({ kind, value }: Bar, unit: string): string {
  return `${kind === "at most" ? "≤" : "≥"} ${withUnit(value, unit)}`;
}

export function withUnit(value: number, unit: string): string {
  const space = unit === "" || unit.startsWith("/") || unit === "×" ? "" : " ";
  return `${short(value)}${space}${unit}`;
}

/** Three digits that count, and thousands apart. */
function short(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: value >= 1000 ? 4 : 3 });
}

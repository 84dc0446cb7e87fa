import { plainText } from "../core/check-input.ts";

/** The longest text that is shown in one piece; bodies have at most 20,000 characters. */
const MAX_TEXT = 50_000;
/** A column that does not stretch is cut here, so that one long name does not push out the rest. */
const MAX_COLUMN = 26;
const MIN_STRETCHED = 12;
const GAP = "  ";

const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u;
const ZERO_WIDTH = /\p{Mark}|\u200C|\u200D/u;

export interface Column {
  readonly title: string;
  readonly align?: "right";
  /** Takes the room that is left; one column of a table at most. */
  readonly stretch?: true;
}

/** One line of text of unknown origin that no terminal takes for a command. */
export function oneLine(text: unknown): string {
  return plainText(asText(text), MAX_TEXT).trim();
}

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

/** Columns that a terminal needs for it. @internal exported for tests */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

function widthOf(character: string): number {
  if (character <= "~") return 1;
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** At most `width` columns; "…" where it was cut. */
export function cutToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  return `${takeColumns(text, width - 1)}…`;
}

function takeColumns(text: string, width: number): string {
  let taken = "";
  let used = 0;
  for (const character of text) {
    used += widthOf(character);
    if (used > width) break;
    taken += character;
  }
  return taken;
}

/** Breaks text anywhere; together the parts are the text. */
export function splitWidth(text: string, width: number): string[] {
  const parts: string[] = [];
  let rest = text;
  while (displayWidth(rest) > width) {
    // A character that is wider than a line stands alone.
    const part = takeColumns(rest, width) || String.fromCodePoint(rest.codePointAt(0) ?? 0);
    parts.push(part);
    rest = rest.slice(part.length);
  }
  return [...parts, rest];
}

/** Breaks text between words, and words that are longer than a line anywhere; indentation stays. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  const [indentation = ""] = /^ */.exec(text) ?? [];
  const [first = "", ...words] = text.slice(indentation.length).split(" ");
  let line = indentation.slice(0, width >> 1) + first;
  const breakLine = (): void => {
    while (displayWidth(line) > width) {
      const head = takeColumns(line, width) || line.slice(0, 1);
      lines.push(head);
      line = line.slice(head.length);
    }
  };
  breakLine();
  for (const word of words) {
    const joined = `${line} ${word}`;
    if (displayWidth(joined) <= width) {
      line = joined;
      continue;
    }
    lines.push(line);
    line = word;
    breakLine();
  }
  lines.push(line);
  return lines.map((each) => each.trimEnd());
}

/** Text of several lines, e.g. a task's body: its line breaks stay, everything else is made safe. */
export function paragraphs(text: string, width: number, indent = ""): string[] {
  return text
    .slice(0, MAX_TEXT)
    .trimEnd()
    .split(/\r\n|\n/)
    .flatMap((line) => wrapText(plainText(line, MAX_TEXT), width - indent.length))
    .map((line) => (line === "" ? "" : indent + line));
}

/** Labels and values in two columns; values are wrapped beside their labels. */
export function fieldList(
  fields: readonly (readonly [string, unknown])[],
  width: number,
): string[] {
  const shown = fields.filter(([, value]) => value !== undefined && value !== null && value !== "");
  const labelWidth = Math.max(0, ...shown.map(([label]) => displayWidth(label)));
  const indent = " ".repeat(labelWidth + GAP.length);
  return shown.flatMap(([label, value]) => {
    const wrapped = wrapText(oneLine(value), width - indent.length);
    const heading = label.padEnd(labelWidth) + GAP;
    return wrapped.map((line, at) => ((at === 0 ? heading : indent) + line).trimEnd());
  });
}

/** A table with its heading; no row is wider than `width`. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly unknown[])[],
  width: number,
): { heading: string; rows: string[] } {
  const cells = rows.map((row) => columns.map((_, at) => oneLine(row[at])));
  const widths = columnWidths(columns, cells, width);
  const render = (row: readonly string[]): string =>
    columns
      .map(({ align }, at) => pad(row[at] ?? "", widths[at] ?? 0, align))
      .join(GAP)
      .trimEnd();
  return { heading: render(columns.map(({ title }) => title)), rows: cells.map(render) };
}

function columnWidths(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  width: number,
): number[] {
  const natural = columns.map(({ title }, at) =>
    cells.reduce((most, row) => Math.max(most, displayWidth(row[at] ?? "")), title.length),
  );
  const fixed = natural.map((wanted, at) =>
    columns[at]?.stretch === true ? 0 : Math.min(wanted, MAX_COLUMN),
  );
  const room = (): number =>
    width - fixed.reduce((sum, each) => sum + each, 0) - GAP.length * (columns.length - 1);
  const stretches = columns.some(({ stretch }) => stretch === true);
  // The widest column gives way first.
  while (room() < (stretches ? MIN_STRETCHED : 0)) {
    const widest = fixed.indexOf(Math.max(...fixed));
    if ((fixed[widest] ?? 0) <= 1) break;
    fixed[widest] = (fixed[widest] ?? 0) - 1;
  }
  const left = room();
  return fixed.map((each, at) =>
    columns[at]?.stretch === true ? Math.min(natural[at] ?? 0, Math.max(1, left)) : each,
  );
}

function pad(text: string, width: number, align: "right" | undefined): string {
  const cut = cutToWidth(text, width);
  const space = " ".repeat(Math.max(0, width - displayWidth(cut)));
  return align === "right" ? space + cut : cut + space;
}

import { styleText } from "node:util";

import {
  type Column,
  cutToWidth,
  fieldList,
  oneLine,
  paragraphs,
  tableLines,
  wrapText,
} from "./text-layout.ts";

type Tone = "good" | "bad" | "attention" | "quiet" | "strong";

const STYLES = {
  good: "green",
  bad: "red",
  attention: "yellow",
  quiet: "dim",
  strong: "bold",
} as const;

/** Lines of plain output; a terminal narrower than this is treated as if it were so wide. */
const MIN_COLUMNS = 40;
const PLAIN_COLUMNS = 80;
const MAX_COLUMNS = 160;

/**
 * How output is laid out for people. Each method makes the text it is given safe: what agents wrote
 * cannot move the cursor, change colours or hide other text.
 */
export interface View {
  readonly columns: number;
  paint(tone: Tone, text: string): string;
  table(columns: readonly Column[], rows: readonly (readonly unknown[])[]): string[];
  fields(fields: readonly (readonly [string, unknown])[]): string[];
  paragraph(text: string, indent?: string): string[];
  /** A sentence of ours with others' words in it. */
  sentence(text: string): string[];
  title(text: string): string[];
  /** What the reader may do next. */
  hint(text: string): string[];
}

export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** No colours without a terminal, with NO_COLOR or on a dumb one; 80 columns without a terminal. */
export function createView(
  screen: Screen,
  env: Readonly<Record<string, string | undefined>>,
): View {
  const terminal = screen.isTTY === true;
  const colours = terminal && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  const columns = terminal
    ? Math.min(MAX_COLUMNS, Math.max(MIN_COLUMNS, screen.columns ?? PLAIN_COLUMNS))
    : PLAIN_COLUMNS;
  const paint = (tone: Tone, text: string): string =>
    colours && text !== "" ? styleText(STYLES[tone], text, { validateStream: false }) : text;
  return {
    columns,
    paint,
    table: (heading, rows) => {
      const laidOut = tableLines(heading, rows, columns);
      return [paint("quiet", laidOut.heading), ...laidOut.rows];
    },
    fields: (fields) => fieldList(fields, columns),
    paragraph: (text, indent) => paragraphs(text, columns, indent),
    sentence: (text) => wrapText(oneLine(text), columns),
    title: (text) => [paint("strong", cutToWidth(oneLine(text), columns))],
    hint: (text) => wrapText(`→ ${oneLine(text)}`, columns).map((line) => paint("quiet", line)),
  };
}

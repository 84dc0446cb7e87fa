import type { FieldType } from "../field-types.ts";

/** A function that conditions may call; all others are refused. */
export interface ExpressionFunction {
  readonly name: string;
  /** For people: how it is written. */
  readonly usage: string;
  readonly meaning: string;
  readonly returns: FieldType;
}

const BOOL: FieldType = { kind: "bool" };
const INT: FieldType = { kind: "int" };
const STRING: FieldType = { kind: "string" };
const TIMESTAMP: FieldType = { kind: "timestamp" };
const DURATION: FieldType = { kind: "duration" };
/** Of unknown length. */
const STRINGS: FieldType = { kind: "list", of: STRING, max: null };

function entry(
  name: string,
  usage: string,
  meaning: string,
  returns: FieldType,
): [string, ExpressionFunction] {
  return [name, { name, usage, meaning, returns }];
}

/** Called by name: `size(x)`. */
export const FUNCTIONS: ReadonlyMap<string, ExpressionFunction> = new Map([
  entry(
    "has",
    "has(input.percent)",
    "Whether it is given, before its default stands for it.",
    BOOL,
  ),
  entry("size", "size(task.paths)", "Of a text, a list or a map.", INT),
  entry("string", "string(task.priority)", "As text.", STRING),
  entry("int", 'int("7")', "As a whole number; an error where it is none.", INT),
  entry("double", "double(task.attempt)", "As a number.", { kind: "double" }),
  entry("bool", 'bool("true")', "As true or false; an error where it is neither.", BOOL),
  entry(
    "timestamp",
    'timestamp("2026-11-21T09:30:00Z")',
    "ISO 8601 with its offset from UTC.",
    TIMESTAMP,
  ),
  entry("duration", 'duration("90m")', "In h, m, s and ms.", DURATION),
]);

/** Called on a value: `task.title.contains("x")`. */
export const METHODS: ReadonlyMap<string, ExpressionFunction> = new Map([
  entry("size", "task.title.size()", "Of a text, a list or a map.", INT),
  entry("contains", 'task.title.contains("x")', "", BOOL),
  entry("startsWith", 'task.title.startsWith("x")', "", BOOL),
  entry("endsWith", 'task.title.endsWith("x")', "", BOOL),
  entry(
    "matches",
    'task.title.matches("(?i)drop +table")',
    "Whether a regular expression (RE2's syntax, at most 200 characters) is found in it.",
    BOOL,
  ),
  entry("lowerAscii", "task.kind.lowerAscii()", "", STRING),
  entry("upperAscii", "task.kind.upperAscii()", "", STRING),
  entry("trim", "task.title.trim()", "Without white space at the ends.", STRING),
  entry("indexOf", 'task.title.indexOf("x")', "-1 where it is not in it.", INT),
  entry("lastIndexOf", 'task.title.lastIndexOf("x")', "", INT),
  entry("substring", "task.title.substring(0, 3)", "An error beyond its end.", STRING),
  entry("split", 'task.kind.split("/")', "", STRINGS),
  entry("join", 'task.needs.join(",")', "", STRING),
  entry("getFullYear", "now.getFullYear()", "", INT),
  entry("getMonth", "now.getMonth()", "From 0.", INT),
  entry("getDate", "now.getDate()", "Day of the month, from 1.", INT),
  entry("getDayOfMonth", "now.getDayOfMonth()", "From 0.", INT),
  entry("getDayOfWeek", "now.getDayOfWeek()", "0 is Sunday.", INT),
  entry("getDayOfYear", "now.getDayOfYear()", "From 0.", INT),
  entry("getHours", 'now.getHours("Europe/Berlin")', "In UTC where no time zone is named.", INT),
  entry("getMinutes", "now.getMinutes()", "Of a duration: all of it, in minutes.", INT),
  entry("getSeconds", "now.getSeconds()", "Of a duration: all of it, in seconds.", INT),
  entry("getMilliseconds", "now.getMilliseconds()", "", INT),
]);

/** Go through a list: the name of the variable, then what is asked of each. */
export const MACROS: ReadonlyMap<string, ExpressionFunction & { readonly arguments: number[] }> =
  new Map(
    [
      {
        ...macro("all", 'p.startsWith("src/")', "Whether it holds for each.", BOOL),
        arguments: [2],
      },
      {
        ...macro("exists", 'p.startsWith("src/")', "Whether it holds for one or more.", BOOL),
        arguments: [2],
      },
      {
        ...macro("exists_one", 'p.startsWith("src/")', "Whether it holds for exactly one.", BOOL),
        arguments: [2],
      },
      {
        ...macro("filter", 'p.startsWith("src/")', "Those for which it holds.", STRINGS),
        arguments: [2],
      },
      { ...macro("map", "p.size()", "What comes out for each.", STRINGS), arguments: [2, 3] },
    ].map((each) => [each.name, each]),
  );

function macro(
  name: string,
  body: string,
  meaning: string,
  returns: FieldType,
): ExpressionFunction {
  return { name, usage: `task.paths.${name}(p, ${body})`, meaning, returns };
}

/** Parts of a time that are asked of a timestamp, by method. */
export const TIME_PARTS: ReadonlySet<string> = new Set(
  [...METHODS.keys()].filter((name) => name.startsWith("get")),
);

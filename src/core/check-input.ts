interface InputLimits {
  /** Containers within containers; `{}` is 1, `{"a": []}` is 2. */
  readonly maxDepth: number;
  /** Values of all kinds, containers included. */
  readonly maxValues?: number;
}

interface FoundInputProblem {
  readonly code: "input_invalid" | "input_too_large";
  readonly message: string;
  readonly fix: string;
}

/** A plan of 10,000 tasks has some 30 values a task. */
const MAX_VALUES = 400_000;
const MAX_PATH_LENGTH = 120;
const MAX_KEY_LENGTH = 40;

/** Keys that reach an object's prototype when someone copies them carelessly. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** With the `u` flag a surrogate matches only where its other half is missing. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A container on the way down; `next` is the child to look at next. */
interface Frame {
  readonly children: readonly unknown[];
  /** Undefined for an array. */
  readonly keys: readonly string[] | undefined;
  next: number;
}

/**
 * The first thing in parsed JSON that no operation may be given: text that databases and terminals
 * cannot hold (NUL, lone surrogates), keys that reach prototypes, or more than the limits. Walks
 * without recursion, so the nesting of the input cannot exhaust the stack.
 */
export function findInputProblem(
  value: unknown,
  limits: InputLimits = { maxDepth: 32 },
): FoundInputProblem | undefined {
  const maxValues = limits.maxValues ?? MAX_VALUES;
  const open: Frame[] = [];
  let current = value;
  for (let count = 1; ; count += 1) {
    if (count > maxValues) return tooLarge(`it holds more than ${maxValues} values`);
    if (typeof current === "string") {
      const problem = findTextProblem(current);
      if (problem !== undefined) return invalid(`${pathOf(open)} ${problem}`, "Remove it");
    } else if (typeof current === "object" && current !== null) {
      if (open.length >= limits.maxDepth) {
        return tooLarge(`${pathOf(open)} is nested more than ${limits.maxDepth} levels deep`);
      }
      open.push(frameOf(current));
    }
    const frame = nextFrame(open);
    if (frame === undefined) return undefined;
    const keyProblem = findKeyProblem(frame.keys?.[frame.next - 1]);
    if (keyProblem !== undefined) return invalid(`${pathOf(open)} ${keyProblem}`, "Rename the key");
    current = frame.children[frame.next - 1];
  }
}

function frameOf(container: object): Frame {
  if (Array.isArray(container)) return { children: container, keys: undefined, next: 0 };
  return { children: Object.values(container), keys: Object.keys(container), next: 0 };
}

/** Leaves finished containers; the frame answered has been moved to its next child. */
function nextFrame(open: Frame[]): Frame | undefined {
  for (;;) {
    const frame = open.at(-1);
    if (frame === undefined) return undefined;
    if (frame.next < frame.children.length) {
      frame.next += 1;
      return frame;
    }
    open.pop();
  }
}

function findKeyProblem(key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  if (FORBIDDEN_KEYS.has(key)) return "is a key that is not allowed";
  const problem = findTextProblem(key);
  return problem === undefined ? undefined : `is a key that ${problem}`;
}

function findTextProblem(text: string): string | undefined {
  if (text.includes("\0")) return "holds a NUL character";
  if (LONE_SURROGATE.test(text)) return "holds half a surrogate pair";
  return undefined;
}

function pathOf(open: readonly Frame[]): string {
  let path = "";
  for (const { keys, next } of open) {
    const key = keys?.[next - 1];
    if (key === undefined) path += `[${next - 1}]`;
    else path += `${path === "" ? "" : "."}${plainText(key, MAX_KEY_LENGTH)}`;
    if (path.length > MAX_PATH_LENGTH) break;
  }
  return path === "" ? "the input" : `"${plainText(path, MAX_PATH_LENGTH)}"`;
}

function invalid(what: string, remedy: string): FoundInputProblem {
  return {
    code: "input_invalid",
    message: `The input was refused: ${what}.`,
    fix: `${remedy} and call again.`,
  };
}

function tooLarge(what: string): FoundInputProblem {
  return {
    code: "input_too_large",
    message: `The input was refused: ${what}.`,
    fix: "Send less in one call: shorten it, flatten it or split it into several calls.",
  };
}

/**
 * Terminal commands: CSI (colours, cursor), strings such as OSC (titles, links; to their terminator
 * or the end of the line) and the short forms. Both the 7-bit and the C1 introducers.
 */
const ESCAPE_SEQUENCE =
  // oxlint-disable-next-line no-control-regex
  /(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]|(?:\u001B[\]PX^_]|[\u0090\u0098\u009D-\u009F])[^\n\r\u0007\u009C\u001B]*(?:\u0007|\u009C|\u001B\\)?|\u001B[ -/]*[0-~]/gu;
const LINE_BREAK_OR_TAB = /\r\n|[\t-\r\u0085\u2028\u2029]/gu;
/** Controls, and characters that reorder or hide their neighbours; joiners stay, scripts need them. */
const UNSAFE =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001F\u007F-\u009F\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu;
const LONE_SURROGATES = /\p{Surrogate}/gu;
const SPLIT_PAIR = /\p{Surrogate}$/u;

/**
 * Makes text of unknown origin safe for one line of a log, a terminal or a name: escape sequences,
 * control characters and bidi controls are dropped, line breaks and tabs become spaces, half a
 * surrogate pair becomes U+FFFD; at most `maxLength` UTF-16 units, the last one "…" where cut.
 */
export function plainText(text: string, maxLength: number): string {
  // Bounds the work; what is dropped from the first part may make the answer shorter than allowed.
  const bound = maxLength * 4 + 64;
  const clean = text
    .slice(0, bound)
    .replace(ESCAPE_SEQUENCE, "")
    .replace(LINE_BREAK_OR_TAB, " ")
    .replace(UNSAFE, "")
    .replace(LONE_SURROGATES, "\uFFFD");
  if (clean.length <= maxLength && text.length <= bound) return clean;
  return `${clean.slice(0, maxLength - 1).replace(SPLIT_PAIR, "")}…`;
}

import { splitWidth } from "./text-layout.ts";

/** What the eye does not see, or sees in another order than it is written. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * JSON of unknown origin for a person who decides about it: all of it, and what cannot be seen
 * spelt out. A line that is too long goes on behind a mark that no line of JSON begins with, so that
 * no text of the value can look like a field of its own.
 */
export function exactJsonLines(value: unknown, width: number): string[] {
  return JSON.stringify(value, null, 2)
    .split("\n")
    .flatMap((line) =>
      splitWidth(line.replaceAll(UNSEEN, spellOut), width - 6).map((part, at) =>
        at === 0 ? `  ${part}` : `    … ${part}`,
      ),
    );
}

/** As JSON writes it: one escape for each UTF-16 unit. */
function spellOut(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

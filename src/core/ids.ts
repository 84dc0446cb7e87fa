/** The nouns that have numbered ids, and the letter each starts with. */
export const ID_PREFIX = {
  task: "T",
  plan: "P",
  gateRun: "G",
  topic: "B",
  solution: "S",
  escalation: "E",
  message: "M",
  approval: "A",
  violation: "V",
  pipeline: "L",
} as const;

export type IdKind = keyof typeof ID_PREFIX;

export function formatId(kind: IdKind, number: number): string {
  return `${ID_PREFIX[kind]}${number}`;
}

/** The number in an id of this kind ("T12" → 12), undefined when it is not one. */
export function parseId(kind: IdKind, id: string): number | undefined {
  if (!id.startsWith(ID_PREFIX[kind])) return undefined;
  const digits = id.slice(1);
  return /^[1-9][0-9]{0,14}$/.test(digits) ? Number(digits) : undefined;
}

const ANY_ID = new RegExp(`^[${Object.values(ID_PREFIX).join("")}][1-9][0-9]*$`);

/** Plan keys must not look like ids, or `after: ["T3"]` would mean two things. */
export function looksLikeId(text: string): boolean {
  return ANY_ID.test(text);
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Names that the ledger uses for others than agents. */
const RESERVED = new Set(["guvnor", "person", "system", "unknown"]);

export function isAgentName(text: string): boolean {
  return NAME.test(text) && !RESERVED.has(text);
}

/** Turns what a client calls itself into an agent name; "agent" when nothing usable is left. */
export function slugName(text: string): string {
  const slug = text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[^a-z0-9]+|-+$/g, "")
    .slice(0, 56);
  return isAgentName(slug) ? slug : "agent";
}

/** "claude" taken → "claude-2", "claude-3", … */
export function freeName(wanted: string, taken: (name: string) => boolean): string {
  let name = wanted;
  for (let number = 2; taken(name); number += 1) {
    const suffix = `-${number}`;
    name = `${wanted.slice(0, 64 - suffix.length)}${suffix}`;
  }
  return name;
}

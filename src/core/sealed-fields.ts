const NONE: ReadonlySet<string> = new Set();

/** Arguments that nobody may learn, or guess from a digest, while the vote is on. */
const SEALED: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["vote", new Set(["ballot", "abstain", "veto", "reason"])],
]);

/** Those of a tool. Rules cannot name them, and who approves a call is not shown them. */
export function sealedFieldsOf(tool: string): ReadonlySet<string> {
  return SEALED.get(tool) ?? NONE;
}

/** The arguments without what is sealed. */
export function withoutSealed<T>(
  tool: string,
  fields: Readonly<Record<string, T>>,
): Readonly<Record<string, T>> {
  const sealed = sealedFieldsOf(tool);
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !sealed.has(name)));
}

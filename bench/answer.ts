/** What a tool answered. */
export type Answer = Readonly<Record<string, unknown>>;

export function answerOf(value: unknown): Answer {
  if (typeof value !== "object" || value === null) throw new Error("the answer is no object");
  return { ...value };
}

/** A part of an answer by its path; undefined where there is none. */
export function partOf(answer: Answer, ...path: readonly string[]): unknown {
  let part: unknown = answer;
  for (const name of path) {
    if (typeof part !== "object" || part === null) return undefined;
    part = Object.entries(part).find(([key]) => key === name)?.[1];
  }
  return part;
}

/** The id of the task that request_task gave; undefined when there was none. */
export function taskIdOf(answer: Answer): string | undefined {
  const id = partOf(answer, "task", "id");
  return typeof id === "string" ? id : undefined;
}

import { GuvnorError } from "../core/errors.ts";

/** One thing that is wrong with a file of a person's. */
export interface ConfigProblem {
  /** "guvnor.yaml:3:7", or what names the item where there is no file. */
  readonly place: string;
  /** Such as `policy.rules.deploys.when`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

const MAX_MESSAGE = 1000;
const MAX_PROBLEMS = 20;

/**
 * `config_invalid`, its message the first problem; `details.problems` are the first 20.
 * @param problems - At least one, in the order of the file.
 */
export function configInvalid(problems: readonly ConfigProblem[]): GuvnorError {
  const texts = problems.slice(0, MAX_PROBLEMS).map(({ place, path, message }) => {
    const parts = [place, path].filter((part) => part !== "").map((part) => `${part}: `);
    return `${parts.join("")}${message}`.slice(0, MAX_MESSAGE);
  });
  return new GuvnorError(
    "config_invalid",
    texts[0] ?? "The file is invalid.",
    "Correct the file; what was applied before stays in force. docs/settings.md shows every field.",
    { details: { problems: texts } },
  );
}

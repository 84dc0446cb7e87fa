import { ERROR_CODES } from "../../src/core/errors.ts";
import { ERROR_TEXTS } from "./error-texts.ts";
import { page, table } from "./markdown.ts";

const INTRO = `# Error codes

The list is closed: \`src/core/errors.ts\`. A refusal is answered as \`{code, message, fix, details?}\`;
\`code\` is what programs look at, \`message\` says what happened, \`fix\` says what to do in this very
case. The command line prints the same, with \`--json\` as \`{"error": {…}}\`, and ends with 1, or with 2
where the command line itself was wrong.`;

export function errorsPage(): string {
  return page(
    INTRO,
    table(
      ["code", "what it means", "what to do"],
      ERROR_CODES.map((name) => {
        const { meaning, remedy } = ERROR_TEXTS[name];
        return [`\`${name}\``, meaning, remedy];
      }),
    ),
  );
}

import type { Profile } from "../../core/settings.ts";
import type { Guess } from "./guess-gates.ts";

const HEAD = `# Settings of guvnor for this project. What is in force is what a person applied:
# after a change run \`guvnor policy apply\`.
version: 1
`;

/** What each profile is, in a few words; docs/policy.md has more. */
const PROFILE_WORDS: Record<Profile, string> = {
  open: "nothing is forbidden, and an edit of this file takes effect by itself",
  standard: "loops, rows of failures and too many tasks at once are stopped",
  strict: "new agents may only read until a person lifts them; little is forgiven",
};

const RULES = `
# Rules and limits of your own, added to those of the profile:
# policy:
#   rules:
#     - id: prod-needs-a-person
#       on: [report_progress]
#       when: task.kind == "deploy" && input.status == "done"
#       effect: require_approval
#       approvers: { role: operator, count: 1 }
#       reason: Deploys are confirmed by a person.
`;

const GATES = `
# Each gate is a command that measures what an agent reports as done, on a clean
# checkout of its commit. Exit code 0 passes. A program and its arguments; no shell.
`;

const EXAMPLE_GATES = `gates: {}
#  tests:
#    run: ["make", "test"]
#    timeout: 10m
#    # Who changes one of these changes what is measured: then a person must accept it.
#    protected: ["Makefile", "test/**"]
`;

const PREPARE = `
# Runs in a fresh checkout before the gates, and again when a key file changed.
`;

const EXAMPLE_PREPARE = `# prepare:
#   run: ["npm", "ci"]
#   key: ["package.json", "package-lock.json"]
`;

/**
 * The text of a new guvnor.yaml.
 * @param schema - Where editors find the schema, seen from the file.
 */
export function settingsTemplate(
  { gates, prepare }: Guess,
  { schema, profile }: { schema: string; profile: Profile },
): string {
  const gateLines = gates.map(
    ({ name, run, protected: guarded }) => `  ${name}:
    run: ${list(run)}
    timeout: 10m
    # Who changes one of these changes what is measured: then a person must accept it.
    protected: ${list(guarded)}
`,
  );
  const prepareLines =
    prepare === undefined
      ? EXAMPLE_PREPARE
      : `prepare:\n  run: ${list(prepare.run)}\n  key: ${list(prepare.key)}\n`;
  return [
    `# yaml-language-server: $schema=${schema}\n`,
    HEAD,
    `profile: ${profile} # ${PROFILE_WORDS[profile]}\n`,
    GATES,
    gates.length === 0 ? EXAMPLE_GATES : `gates:\n${gateLines.join("")}`,
    PREPARE,
    prepareLines,
    RULES,
  ].join("");
}

/** A YAML list on one line; JSON strings are YAML too. */
function list(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;
}

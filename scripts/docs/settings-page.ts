import { CONFIG_SCHEMA } from "../../src/config.ts";
import { CONTEXT_FIELDS } from "../../src/policy/context-fields.ts";
import {
  type ExpressionFunction,
  FUNCTIONS,
  MACROS,
  METHODS,
} from "../../src/policy/expression/functions.ts";
import { defaultOf, typeText } from "../../src/policy/field-types.ts";
import { schemaOf, typeOf } from "./describe-schema.ts";
import { FILE_FIELDS, fileFields, shownDefault } from "./file-fields.ts";
import { code, page, table } from "./markdown.ts";

const INTRO = `# Settings

There are two kinds. Environment variables set up one process. \`guvnor.yaml\` says what holds for the
project; a person applies it.`;

const ENVIRONMENT = `## Environment

An empty variable counts as not set. A wrong one stops the process with \`config_invalid\`, which names it.
The command line also honours \`XDG_CONFIG_HOME\` (where the operator key lies) and \`XDG_CACHE_HOME\`
(where gates are measured).`;

const FILE = `## guvnor.yaml

At the root of the main working tree (or where \`GUVNOR_CONFIG\` says). The file that lies there when the
project is made is applied. After that an edit changes nothing until a person runs
\`guvnor policy apply\`: agents can edit files. Every applied version is kept by its SHA-256. A file that
is wrong is refused whole, with file, line and column, and what was in force stays. A \`guvnor.yaml\` in a
linked worktree is ignored, and \`guvnor status\` says so.`;

const EXAMPLE = `version: 1
profile: standard
prepare: { run: [npm, ci], key: [package-lock.json] }
gates:
  tests:
    run: [npm, test]
    timeout: 10m
    protected: ["package.json", "test/**"]
  lint:
    run: [npm, run, lint]
    timeout: 2m`;

const RULE_EXAMPLE = `version: 1
policy:
  rules:
    - id: prod-needs-a-person
      on: [report_progress]
      when: >-
        task.kind == "deploy" && input.status == "done" &&
        task.labels["env"] == "production"
      effect: require_approval
      approvers: { role: operator, count: 1 }
      severity: high
      reason: Production deploys are confirmed by a person.
    - id: plans-stay-out-of-infra
      on: [submit_plan]
      when: input.tasks.exists(t, t.paths.exists(p, p.startsWith("infra/")))
      effect: deny
      reason: Infrastructure is changed by people.
limits:
  - { id: calls, of: agent, metric: calls, max: 100, per: 1m, then: throttle }
  - { id: budget, of: project, metric: cost_usd, max: 50, per: 1d, then: stop }
roles:
  lead: [ada, pat]`;

/** Goes when the engine holds calls to them. */
const PROFILES = `## Profiles

A file adds to its profile; what a profile says is a file too, which a person can read:
[open](../profiles/open.yaml), [standard](../profiles/standard.yaml), [strict](../profiles/strict.yaml).
A rule or a limit with the same \`id\` takes the profile's place. Of the other parts each field of the file
takes the place of the profile's, as a whole. The hash of what was applied covers the profile's text: where
another version of guvnor ships another one, that counts as a change.`;

const RULES = `## Rules

Of the rules that match a call, \`deny\` is stronger than \`require_approval\`, that than \`warn\`, that than
\`allow\`; among equals the higher severity, then the order of the file. What the agent's tier may comes before
all rules. Every approval that a matching rule asks for has to be given. A rule that cannot be evaluated denies.
A decision names its rule; \`tier:T0\`, \`default:allow\` and \`default:deny\` are where none decided.`;

const CONDITIONS = `## Conditions

\`when\` is an expression of CEL, the Common Expression Language. It is compiled when the file is read: a name
that does not exist, a type that does not fit and a word that a field never holds are refused, with line,
column and the nearest name. An absent value is its type's default, an absent key of a map the empty text;
\`has()\` tells them apart. Whole numbers and others do not compare with \`==\`: write \`50.0\` where a value may
have a fraction. Nothing is ever null.

An expression has at most 2,000 characters and 500 parts, nested 32 deep. Loops go through lists whose length is
bounded, two within each other at most. Patterns follow RE2's syntax without repetition in a repetition, and take
time in proportion to the text.`;

const INPUT = `\`input\` has the arguments of the tools that \`on\` means, under the names of [tools.md](tools.md): a rule may name
what one of them takes, if all that take it mean the same type.`;

const UNITS = `A duration is a whole number and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`; a size one and \`KiB\`, \`MiB\` or \`GiB\`. A gate's name is a–z, 0–9, \`_\` and \`-\`, at most 40, beginning with a letter. Globs are matched against paths from the root of the repository: \`*\`, \`?\`, \`[a-z]\`, \`{a,b}\`, and \`**\` for any number of directories. Anchors and aliases are refused.`;

export function settingsPage(): string {
  const config = schemaOf(CONFIG_SCHEMA, "input");
  const variables = Object.entries(config.properties ?? {}).map(([name, node]) => [
    `\`${name}\``,
    node.type === undefined && node.enum === undefined ? "number" : typeOf(node),
    node.default === undefined ? "" : `\`${plain(node.default)}\``,
    node.description ?? "",
  ]);
  const rows = fileFields().map((field) => [
    `\`${field.path}\``,
    field.type,
    shownDefault(field),
    FILE_FIELDS[field.path] ?? "",
  ]);
  const facts = CONTEXT_FIELDS.map(({ path, type, meaning }) => [
    `\`${path}\``,
    typeText(type),
    `\`${JSON.stringify(defaultOf(type))}\``,
    meaning,
  ]);
  const functions = [FUNCTIONS, METHODS, MACROS].flatMap(functionRows);
  return page(
    INTRO,
    ENVIRONMENT,
    table(["variable", "value", "default", ""], variables),
    FILE,
    code("yaml", EXAMPLE),
    table(["field", "value", "default", ""], rows),
    UNITS,
    PROFILES,
    RULES,
    code("yaml", RULE_EXAMPLE),
    CONDITIONS,
    table(["fact", "type", "where absent", ""], facts),
    INPUT,
    table(["function", ""], functions),
  );
}

function functionRows(functions: ReadonlyMap<string, ExpressionFunction>): string[][] {
  return [...functions.values()].map(({ usage, meaning }) => [`\`${usage}\``, meaning]);
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

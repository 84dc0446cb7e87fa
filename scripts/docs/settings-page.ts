import { CONFIG_SCHEMA } from "../../src/config.ts";
import { settingsSchema } from "../../src/policy/load-settings.ts";
import { listFields, type SchemaNode, schemaOf, typeOf } from "./describe-schema.ts";
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

/** What each field of the file is for; a test holds it to the schema. */
export const FILE_FIELDS: Readonly<Record<string, string>> = {
  version: "Of the file's format.",
  profile:
    "`strict` also removes ignored files between gate runs. `open` and `standard` do not differ yet.",
  gates: "Named checks; each done task is measured by all of them unless it names some.",
  "gates.*.run": "Program and arguments, as a list. No shell: no pipes, no variables, no globs.",
  "gates.*.timeout": "The whole process tree is killed after it. At most 24h.",
  "gates.*.protected":
    "Globs. If the attempt changed such a file, the result is `indeterminate` and a person decides.",
  "gates.*.memory": "Resident memory of the whole process tree.",
  "gates.*.output": "Bytes of output; more kills the tree.",
  prepare: "Makes a checkout ready, e.g. installs dependencies. Not used outside git.",
  "prepare.run": "As for a gate.",
  "prepare.timeout": "As for a gate.",
  "prepare.key":
    "Globs. It runs again in a kept workspace only when such a file or the command changed.",
};

export function settingsPage(): string {
  const config = schemaOf(CONFIG_SCHEMA, "input");
  const variables = Object.entries(config.properties ?? {}).map(([name, node]) => [
    `\`${name}\``,
    node.type === undefined && node.enum === undefined ? "number" : typeOf(node),
    node.default === undefined ? "" : `\`${plain(node.default)}\``,
    node.description ?? "",
  ]);
  const rows = fileFields().map(({ path, type, required, default: value }) => [
    `\`${path}\``,
    type,
    required ? "required" : shownDefault(path, value),
    FILE_FIELDS[path] ?? "",
  ]);
  return page(
    INTRO,
    ENVIRONMENT,
    table(["variable", "value", "default", ""], variables),
    FILE,
    code("yaml", EXAMPLE),
    table(["field", "value", "default", ""], rows),
    "A duration is a whole number and `ms`, `s`, `m` or `h`; a size one and `KiB`, `MiB` or `GiB`. A gate's name is a–z, 0–9, `_` and `-`, at most 40, beginning with a letter. Globs are matched against paths from the root of the repository: `*`, `?`, `[a-z]`, `{a,b}`, and `**` for any number of directories. Anchors and aliases are refused.",
  );
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

interface FileField {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly default: unknown;
}

/** As the schema has them; the gates' names stand as `*`. */
export function fileFields(): readonly FileField[] {
  const schema = schemaOf(settingsSchema, "input");
  const properties = schema.properties ?? {};
  const fields: FileField[] = [];
  for (const [name, node] of Object.entries(properties)) {
    fields.push({
      path: name,
      type: typeName(name, node),
      required: schema.required?.includes(name) === true,
      default: node.default,
    });
    const children = name === "gates" ? node.additionalProperties : objectIn(node);
    const prefix = name === "gates" ? "gates.*." : `${name}.`;
    if (typeof children !== "object") continue;
    for (const field of listFields(children, prefix)) {
      fields.push({ ...field, type: unitType(field.path) ?? field.type });
    }
  }
  return fields;
}

function objectIn(node: SchemaNode): SchemaNode | undefined {
  return [node, ...(node.anyOf ?? [])].find(({ properties }) => properties !== undefined);
}

function typeName(name: string, node: SchemaNode): string {
  return name === "gates" || name === "prepare" ? "object" : typeOf(node);
}

function unitType(path: string): string | undefined {
  if (path.endsWith(".timeout")) return "duration";
  return path.endsWith(".memory") || path.endsWith(".output") ? "size" : undefined;
}

const MEBIBYTE = 1024 ** 2;

/** Durations and sizes are numbers once they are read, so their defaults are asked for there. */
function shownDefault(path: string, value: unknown): string {
  const read = settingsSchema.parse({ version: 1, gates: { any: { run: ["x"] } } }).gates["any"];
  if (path.endsWith(".timeout")) return `\`${(read?.timeout ?? 0) / 60_000}m\``;
  if (path.endsWith(".memory")) return `\`${(read?.memory ?? 0) / MEBIBYTE}MiB\``;
  if (path.endsWith(".output")) return `\`${(read?.output ?? 0) / MEBIBYTE}MiB\``;
  return value === undefined ? "" : `\`${JSON.stringify(value)}\``;
}

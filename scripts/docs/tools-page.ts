import type { ToolDefinition } from "../../src/tools/define-tool.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { listFields, schemaOf } from "./describe-schema.ts";
import { type Golden, STORY_SETTINGS } from "./goldens/stage.ts";
import { code, page, table } from "./markdown.ts";

const INTRO = `# Tools

What agents can call, in the order of \`tools/list\`. For each tool: what the model is told, what it
takes and answers, and one golden answer for each outcome. The goldens come from one fixed story that
is really played through the engine, with a clock of its own, a repository that is a double, and gates
that say what the story wants; its settings are at the end. Keys are sorted here.

**Every answer** is one JSON object, in \`structuredContent\` and, as the same JSON, in the text. Times
are ISO 8601 in UTC. What is absent is left out. \`next\` is the one thing to do next. \`inbox\` is there
only when something waits for the agent.

**Every refusal** has \`isError\`, and says \`code\` (all of them: [errors.md](errors.md)), \`message\` and
\`fix\`, sometimes \`details\`. It is recorded as a call like any other.

**Fields of many tools.** \`session\`: needed where several agents share one connection; from
\`register_agent\`. \`request_id\`: the same one with the same arguments gets the stored answer again; a
refusal or "nothing yet" is not stored. \`wait_seconds\`: 0 to 50; the call waits so long for what it
wants, and ends at once when the client cancels. Use 25.

**Classes.** \`read\`, \`write\` and \`coordinate\`. Tiers say who may use which: T0 reads, T1 also
writes, T2 also coordinates (see [policy.md](policy.md)).`;

export function toolsPage(goldens: readonly Golden[]): string {
  const named = new Set(TOOLS.map(({ name }) => name));
  const strays = goldens.filter(({ tool }) => !named.has(tool));
  return page(
    INTRO,
    table(
      ["tool", "class", "what for"],
      TOOLS.map(({ name, class: kind, title }) => [`[\`${name}\`](#${name})`, kind, title]),
    ),
    ...TOOLS.map((tool) =>
      section(
        tool,
        goldens.filter((golden) => golden.tool === tool.name),
      ),
    ),
    "## A tool that is not there",
    ...strays.map(goldenText),
    "## Settings of the story",
    code("yaml", STORY_SETTINGS.trimEnd()),
  );
}

function section(tool: ToolDefinition, goldens: readonly Golden[]): string {
  const { hints } = tool;
  const said = [
    `Class \`${tool.class}\``,
    hints.readOnly ? "read-only" : "not read-only",
    hints.destructive ? "destructive" : "not destructive",
    hints.idempotent ? "idempotent" : "not idempotent",
    hints.openWorld ? "open world" : "closed world",
    ...(tool.alwaysLoad ? ["always shown to the model"] : []),
  ];
  return [
    `## ${tool.name}`,
    `> ${tool.description}`,
    `${said.join(", ")}.`,
    "**Takes**",
    inputTable(tool),
    "**Answers**",
    outputTable(tool),
    ...goldens.map(goldenText),
  ].join("\n\n");
}

function inputTable(tool: ToolDefinition): string {
  const schema = schemaOf(tool.input, "input");
  return table(
    ["field", "type", "", "limits", ""],
    listFields(schema).map((field) => [
      `\`${field.path}\``,
      field.type,
      field.required ? "required" : "",
      field.limits,
      field.description,
    ]),
  );
}

function outputTable(tool: ToolDefinition): string {
  const schema = schemaOf(tool.output, "output");
  return table(
    ["field", "type", ""],
    listFields(schema).map((field) => [
      `\`${field.path}\``,
      field.type,
      field.required ? "always" : "",
    ]),
  );
}

function goldenText({ tool, outcome, args, answer, refused }: Golden): string {
  return [
    `### ${tool}: ${outcome}${refused ? " (refused)" : ""}`,
    code("json", JSON.stringify(args)),
    code("json", JSON.stringify(answer, null, 2)),
  ].join("\n\n");
}

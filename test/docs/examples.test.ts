import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

import { commandNames } from "../../scripts/docs/cli-page.ts";
import { readAnswer } from "../../src/core/escalation-answer.ts";
import { firstLevel } from "../../src/core/escalation-matrix.ts";
import { ESCALATION_KINDS } from "../../src/core/escalation.ts";
import { PIPELINE_TRANSITIONS } from "../../src/core/pipeline.ts";
import { recountTopic, type FoundRecord } from "../../src/core/recount-topic.ts";
import { createToolTypes } from "../../src/engine/tool-types.ts";
import { loadPolicy } from "../../src/policy/load-policy.ts";
import { loadPolicyTests, runPolicyTests } from "../../src/policy/policy-tests.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { submitPlanTool } from "../../src/tools/submit-plan.ts";
import { createSandbox, MAIN, type Sandbox } from "../cli/sandbox.ts";
import { type Block, brokenLinks, listBlocks, listPages, readPage, ROOT } from "./markdown.ts";

const toolTypes = createToolTypes(TOOLS);
const PAGES = listPages();
const BLOCKS = PAGES.flatMap(listBlocks);
const SHELLS = ["sh", "bash"];
const OTHERS = ["", "text", "mermaid"];
const LIMIT_MS = 30_000;

function named(blocks: readonly Block[]): { name: string; block: Block }[] {
  return blocks.map((block) => ({ name: `${block.page}:${block.line}`, block }));
}

describe("links", () => {
  it.each(PAGES)("of %s lead somewhere", (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it("of the README reach every page", () => {
    const reached = new Set(["README.md"]);
    const queue = [...reached];
    for (const page of queue) {
      for (const [, target = ""] of readPage(page).matchAll(/\]\(([^)#\s]+\.md)[^)]*\)/g)) {
        const found = join(page, "..", target);
        if (PAGES.includes(found) && !reached.has(found)) queue.push(found);
        reached.add(found);
      }
    }
    // The README links to their directory.
    const missed = PAGES.filter((page) => !reached.has(page));
    expect(missed.filter((page) => !page.startsWith(join("docs", "adr")))).toEqual([]);
  });
});

describe("blocks", () => {
  it("are of languages that a test knows", () => {
    const known = new Set([...SHELLS, ...OTHERS, "json", "yaml", "toml"]);
    expect(BLOCKS.filter(({ language }) => !known.has(language))).toEqual([]);
  });

  it.each(PAGES)("in %s that say so are JSON", (page) => {
    const blocks = listBlocks(page).filter(({ language }) => language === "json");
    const read = (): unknown[] => blocks.map(({ text }) => JSON.parse(text) as unknown);
    expect(read).not.toThrow();
  });

  const yaml = BLOCKS.filter(({ language }) => language === "yaml");
  it.each(named(yaml))("$name is a settings file or a plan", ({ block }) => {
    if (block.example === "guvnor.test.yaml") return;
    const read = (): unknown =>
      block.example === "plan.yaml"
        ? submitPlanTool.input.parse(parse(block.text))
        : loadPolicy(block.text, "guvnor.yaml", toolTypes());
    expect(read).not.toThrow();
  });

  it("of policy tests pass for the rules that stand before them", () => {
    const at = yaml.findIndex(({ example }) => example === "guvnor.test.yaml");
    const { policy } = loadPolicy(yaml[at - 1]?.text ?? "", "guvnor.yaml", toolTypes());
    const tests = loadPolicyTests(yaml[at]?.text ?? "", "guvnor.test.yaml", policy);
    const results = runPolicyTests(policy, tests);
    expect(results.length).toBeGreaterThan(0);
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
  });

  const toml = BLOCKS.filter(({ language }) => language === "toml");
  it.each(named(toml))("$name starts `guvnor mcp`", ({ block }) => {
    expect(readSimpleToml(block.text)).toMatchObject({
      "mcp_servers.guvnor": { command: "guvnor", args: ["mcp"] },
    });
  });
});

/** Sections with values that JSON writes the same way; enough for what is shown. */
function readSimpleToml(text: string): Record<string, Record<string, unknown>> {
  const sections: Record<string, Record<string, unknown>> = {};
  let section: Record<string, unknown> = {};
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const [, name] = /^\[([\w.]+)\]$/.exec(line) ?? [];
    const [, key, value] = /^(\w+) = (.+)$/.exec(line) ?? [];
    if (name !== undefined) section = sections[name] = {};
    else if (key !== undefined && value !== undefined) section[key] = JSON.parse(value);
    else throw new Error(`not understood: ${line}`);
  }
  return sections;
}

const scriptsOf = z.object({ scripts: z.record(z.string(), z.string()) });

describe("command lines", () => {
  const shell = BLOCKS.filter(({ language }) => SHELLS.includes(language));
  const own = shell.filter(({ text }) => /^(npm|node) /.test(text));
  const run = shell.filter((block) => !own.includes(block));
  const hasJq = spawnSync("sh", ["-c", "command -v jq"]).status === 0;

  // What they do is CI's and the demo's own business; here they only must not name what is gone.
  it.each(named(own))("$name names what this checkout has", ({ block }) => {
    const text = readFileSync(join(ROOT, "package.json"), "utf8");
    const { scripts } = scriptsOf.parse(JSON.parse(text));
    for (const command of block.text.split(/\n|&&/).map((each) => each.trim())) {
      const [program, verb = "", script] = command.split(/\s+/);
      if (program === "node")
        expect([command, existsSync(join(ROOT, verb))]).toEqual([command, true]);
      else if (program === "npm" && (verb === "ci" || verb === "link")) continue;
      else if (program === "npm")
        expect(scripts).toHaveProperty([verb === "run" ? (script ?? "") : verb]);
      else expect(command).toMatch(/^(#|$)/);
    }
  });

  it("of the README are the two that start the demo and the tests", () => {
    const first = own.filter(({ page }) => page === "README.md").slice(0, 2);
    expect(first.map(({ text }) => text)).toEqual(["npm ci && npm start", "npm ci && npm test"]);
  });

  it.for(named(run))("$name runs", async ({ block }, { skip }) => {
    skip(block.example === "needs-jq" && !hasJq, "there is no jq");
    const sandbox = createSandbox();
    try {
      if (block.example !== "empty") await prepare(sandbox);
      if (block.example === "asked") await ask(sandbox, 4);
      const { code, said } = await runShell(sandbox, block);
      expect({ code, said }).toEqual({ code: 0, said });
    } finally {
      sandbox.remove();
    }
  });

  it("in the text name commands that are there", () => {
    const known = new Set(commandNames());
    const words = PAGES.flatMap((page) =>
      [...readPage(page).matchAll(/`guvnor ([a-z][a-z -]*[a-z])/g)].map(([, rest = ""]) => {
        const [group = "", name = ""] = rest.split(" ");
        return known.has(`guvnor ${group} ${name}`) ? `guvnor ${group} ${name}` : `guvnor ${group}`;
      }),
    );
    expect(words.filter((command) => !known.has(command))).toEqual([]);
  });
});

/** An initialised project with the README's plan beside it, and the script of docs/. */
async function prepare(sandbox: Sandbox): Promise<void> {
  sandbox.makeKey();
  const { code, stderr } = await sandbox.guvnor("init");
  if (code !== 0) throw new Error(stderr);
  const plan = BLOCKS.find(({ example }) => example === "plan.yaml")?.text ?? "";
  writeFileSync(join(sandbox.project, "plan.yaml"), plan);
  mkdirSync(join(sandbox.project, "docs"));
  const script = join("docs", "verify-ledger.sh");
  copyFileSync(join(ROOT, script), join(sandbox.project, script));
}

/** So many questions of an agent, from E1 on. */
async function ask(sandbox: Sandbox, count: number): Promise<void> {
  const { client } = sandbox.serve();
  await client.initialize();
  for (let number = 1; number <= count; number += 1) {
    await client.call("request_escalation", { kind: "question", summary: `Question ${number}` });
  }
}

async function runShell(
  sandbox: Sandbox,
  { text, language }: Block,
): Promise<{ code: number | null; said: string }> {
  const bin = join(sandbox.base, "bin");
  mkdirSync(bin);
  const guvnor = join(bin, "guvnor");
  writeFileSync(guvnor, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
  chmodSync(guvnor, 0o755);
  // A person types it; with a key no terminal is needed.
  const child = spawn(language, ["-eu", "-c", text], {
    cwd: sandbox.project,
    env: { ...sandbox.env, PATH: `${bin}:${sandbox.env["PATH"] ?? ""}` },
    timeout: LIMIT_MS,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => void (said += part));
  child.stderr.setEncoding("utf8").on("data", (part: string) => void (said += part));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, said };
}

it("the record in docs/consensus.md comes out as it says when it is counted again", () => {
  const text = BLOCKS.find(({ example }) => example === "record")?.text ?? "";
  const record: FoundRecord = JSON.parse(text);
  expect(record.rounds).toHaveLength(1);
  expect(recountTopic(record, { by: "vote", winner: "S1" })).toEqual([]);
});

it("docs/pipelines.md shows each way in which a pipeline changes its state", () => {
  const rows = readPage(join("docs", "pipelines.md"))
    .split("\n")
    .filter((line) => /^\| `\w+` \|.*\| `\w+` \|/.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));
  const shown = rows.map(([, event, from, to, by]) => [event, from, to, by]);
  const table = Object.entries(PIPELINE_TRANSITIONS).map(([event, { from, to, by }]) => {
    return [event, from.join(", "), to, by];
  });
  expect(shown).toEqual(table);
});

describe("docs/escalations.md", () => {
  const page = join("docs", "escalations.md");

  it("says where each kind of question begins", () => {
    const rows = [...readPage(page).matchAll(/^\| `(\w+)` \| (L\d) \|$/gm)];
    const told = rows.map(([, kind, level]) => [kind, level]);
    const helpers = { peers: ["bob"], leads: ["lea"] };
    const begun = ESCALATION_KINDS.map((kind) => [
      kind,
      firstLevel({ kind, severity: "medium", forPeople: false }, helpers).level,
    ]);
    expect(new Map(told as [string, string][])).toEqual(new Map(begun as [string, string][]));
  });

  it.each([
    ["answer", false],
    ["lead", true],
  ])("shows an answer that is taken: %s", (example, isLead) => {
    const text = BLOCKS.find((block) => block.example === example)?.text ?? "";
    const outputs = JSON.parse(text) as Record<string, unknown>;
    expect(readAnswer(outputs, isLead, 0)).toMatchObject({ text: outputs["answer"] });
  });
});

it("docs/adr/0007 names every dependency and no other", () => {
  const page = readPage(join("docs", "adr", "0007-dependencies.md"));
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  const listed = rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );
  const installed = z
    .object({
      dependencies: z.record(z.string(), z.string()),
      devDependencies: z.record(z.string(), z.string()),
    })
    .parse(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));
  const names = [installed.dependencies, installed.devDependencies].flatMap(Object.keys);
  expect(new Set(listed)).toEqual(new Set(names));
});

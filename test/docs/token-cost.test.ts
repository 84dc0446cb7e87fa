import { readdirSync } from "node:fs";
import { join } from "node:path";

import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";

import { describeTool } from "../../src/mcp/describe-tools.ts";
import { INSTRUCTIONS } from "../../src/mcp/instructions.ts";
import { TOOLS } from "../../src/tools/index.ts";

const TOOLS_DIRECTORY = join(import.meta.dirname, "../../src/tools");
/** Beside the tools lie what they are made of and the list of them. */
const NO_TOOLS = new Set(["common-input", "define-tool", "index"]);

/** What a model reads of the default tools/list, in tokens of o200k. */
const MAX_READ = 3000;
/** All of it: output schemas, titles and annotations too, which only programs read. */
const MAX_LISTED = 5500;
/** Of the default list. */
const MAX_TOOLS = 12;
const MAX_DESCRIPTION = 300;

const tokens = (value: unknown): number => encode(JSON.stringify(value)).length;

const costs = TOOLS.filter(({ toolset }) => toolset === "core").map((tool) => {
  const listed = describeTool(tool);
  const { name, description, inputSchema } = listed;
  return { name, read: tokens({ name, description, inputSchema }), listed: tokens(listed) };
});

function sum(part: "read" | "listed"): number {
  return costs.reduce((total, cost) => total + cost[part], 0);
}

describe("what tools/list costs", () => {
  it("is little for the model", () => {
    expect(sum("read")).toBeLessThan(MAX_READ);
  });

  it("is little in all", () => {
    expect(sum("listed")).toBeLessThan(MAX_LISTED);
  });

  it("changes for no tool unseen", () => {
    const rows = costs.map(({ name, read, listed }) => `${name}: ${read} read, ${listed} listed`);
    const all = `all: ${sum("read")} read, ${sum("listed")} listed`;
    const instructions = `instructions: ${encode(INSTRUCTIONS).length}`;
    expect([...rows, all, instructions]).toMatchInlineSnapshot(`
      [
        "register_agent: 177 read, 429 listed",
        "request_task: 152 read, 502 listed",
        "report_progress: 456 read, 703 listed",
        "submit_plan: 771 read, 982 listed",
        "open_topic: 393 read, 534 listed",
        "propose_solution: 173 read, 324 listed",
        "vote: 146 read, 331 listed",
        "read_board: 120 read, 372 listed",
        "request_escalation: 165 read, 337 listed",
        "get_status: 103 read, 238 listed",
        "send_message: 154 read, 337 listed",
        "read_messages: 146 read, 349 listed",
        "all: 2956 read, 5438 listed",
        "instructions: 236",
      ]
    `);
  });
});

describe("the registry of tools", () => {
  it("has few tools, each once", () => {
    expect(costs.length).toBeLessThanOrEqual(MAX_TOOLS);
    expect(new Set(TOOLS.map(({ name }) => name)).size).toBe(TOOLS.length);
  });

  it("has a file for each tool, named after it", () => {
    const files = readdirSync(TOOLS_DIRECTORY).map((file) => file.replace(/\.ts$/, ""));
    const expected = TOOLS.map(({ name }) => name.replaceAll("_", "-"));
    expect(files.filter((file) => !NO_TOOLS.has(file)).toSorted()).toEqual(expected.toSorted());
  });

  it.each(TOOLS)("$name has a name, a title and a short description", (tool) => {
    expect(tool.name).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(tool.title.length).toBeLessThanOrEqual(30);
    expect(tool.description.length).toBeLessThanOrEqual(MAX_DESCRIPTION);
    expect(tool.description).toMatch(/\.$/);
  });

  it.each(TOOLS)("$name states all four hints, and they fit its class", (tool) => {
    expect(describeTool(tool).annotations).toEqual({
      title: tool.title,
      readOnlyHint: tool.class === "read",
      destructiveHint: false,
      idempotentHint: expect.any(Boolean),
      openWorldHint: false,
    });
  });

  it.each(TOOLS)(
    "$name takes an object without unions, and answers a success or an error",
    (tool) => {
      const { inputSchema, outputSchema } = describeTool(tool);
      expect(inputSchema).toMatchObject({ type: "object", additionalProperties: false });
      // Whatever JSON is: inputs and outputs of tasks are free, and JSON is a union of its kinds.
      const { $defs: _, ...own } = inputSchema;
      expect(JSON.stringify(own)).not.toMatch(/"(anyOf|oneOf|allOf)"/);
      expect(outputSchema).toMatchObject({
        type: "object",
        anyOf: [expect.anything(), { required: ["code", "message", "fix"] }],
      });
    },
  );
});

describe("the instructions", () => {
  it("are at most ten lines and 4,096 characters, which is where some clients cut", () => {
    expect(INSTRUCTIONS.split("\n").length).toBeLessThanOrEqual(10);
    expect(INSTRUCTIONS.length).toBeLessThanOrEqual(4096);
  });

  it("name tools that are there", () => {
    const others = ["base_commit", "plan_finished", "wait_seconds"];
    const named = new Set(INSTRUCTIONS.match(/[a-z]+(?:_[a-z]+)+/g));
    const known = new Set([...TOOLS.map(({ name }) => name), ...others]);
    expect([...named].filter((name) => !known.has(name))).toEqual([]);
  });
});

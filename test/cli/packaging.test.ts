import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { delimiter, join } from "node:path";

import { describe, expect, it } from "vitest";

import { settingsJsonSchema } from "../../src/cli/settings-json-schema.ts";
import { temporaryDirectory } from "../git/repository-fixture.ts";

const ROOT = join(import.meta.dirname, "../..");
const MAIN = join(ROOT, "src/cli/main.ts");

/** A Node on this machine that is older than guvnor needs. */
function findOldNode(): string | undefined {
  const directories = ["/usr/local/bin", ...(process.env["PATH"] ?? "").split(delimiter)];
  return directories
    .map((directory) => join(directory, "node"))
    .find((node) => {
      if (!existsSync(node)) return false;
      const [major = 0, minor = 0] = execFileSync(node, ["--version"], { encoding: "utf8" })
        .slice(1)
        .split(".")
        .map(Number);
      return major >= 14 && (major < 22 || (major === 22 && minor < 12));
    });
}

const oldNode = findOldNode();

describe("what is shipped beside the program", () => {
  it("guvnor.schema.json is the schema of the settings; scripts/write-schema.ts writes it", () => {
    const shipped = readFileSync(join(ROOT, "guvnor.schema.json"), "utf8");
    expect(JSON.parse(shipped)).toEqual(JSON.parse(settingsJsonSchema()));
  });

  it("mcp.json starts the server from a clone without anything installed globally", () => {
    const { mcpServers } = JSON.parse(readFileSync(join(ROOT, "mcp.json"), "utf8")) as {
      mcpServers: { guvnor: { command: string; args: string[] } };
    };
    expect(mcpServers.guvnor.args).toEqual(["dist/cli/main.js", "mcp"]);
    expect(existsSync(join(ROOT, mcpServers.guvnor.command))).toBe(true);
  });
});

describe("the entry file", () => {
  it("imports nothing before it knows Node's version", () => {
    const source = readFileSync(MAIN, "utf8");
    expect(source.startsWith("#!/usr/bin/env node\n")).toBe(true);
    expect(source).not.toMatch(/^import /m);
  });

  it.skipIf(oldNode === undefined)(
    `says in one line what an older Node lacks${oldNode === undefined ? " (skipped: there is no Node below 22.12 here)" : ""}`,
    () => {
      const entry = join(temporaryDirectory(), "main.mjs");
      writeFileSync(entry, stripTypeScriptTypes(readFileSync(MAIN, "utf8")));
      for (const args of [["mcp"], ["status"], []]) {
        const run = spawnSync(oldNode ?? "", [entry, ...args], { encoding: "utf8" });
        expect(run.status).toBe(1);
        expect(run.stdout).toBe("");
        expect(run.stderr).toMatch(/^guvnor needs Node\.js 22\.12 or newer; this is [^\n]+\n$/);
      }
    },
  );
});

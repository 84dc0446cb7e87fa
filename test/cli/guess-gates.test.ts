import { describe, expect, it } from "vitest";

import { guessGates } from "../../src/cli/init/guess-gates.ts";
import { settingsTemplate } from "../../src/cli/init/settings-template.ts";
import { loadSettings } from "../../src/policy/load-settings.ts";
import { type Files, temporaryDirectory, write } from "../git/repository-fixture.ts";

const NODE = '{ "scripts": { "test": "vitest" } }';

const KINDS: readonly [string, Files, string[] | undefined, string[]?][] = [
  ["npm", { "package.json": NODE }, ["npm", "test"]],
  [
    "npm with a lock",
    { "package.json": NODE, "package-lock.json": "{}" },
    ["npm", "test"],
    ["npm", "ci"],
  ],
  [
    "pnpm",
    { "package.json": NODE, "pnpm-lock.yaml": "" },
    ["pnpm", "test"],
    ["pnpm", "install", "--frozen-lockfile"],
  ],
  [
    "bun",
    { "package.json": NODE, "bun.lock": "" },
    ["bun", "run", "test"],
    ["bun", "install", "--frozen-lockfile"],
  ],
  [
    "npm's placeholder",
    {
      "package.json": '{ "scripts": { "test": "echo \\"Error: no test specified\\" && exit 1" } }',
    },
    undefined,
  ],
  ["a broken package.json", { "package.json": "{" }, undefined],
  ["pytest", { "pyproject.toml": "[tool.pytest.ini_options]" }, ["python3", "-m", "pytest", "-q"]],
  [
    "uv",
    { "pyproject.toml": "pytest", "uv.lock": "" },
    ["uv", "run", "pytest", "-q"],
    ["uv", "sync", "--frozen"],
  ],
  ["Go", { "go.mod": "module x" }, ["go", "test", "./..."]],
  ["Rust", { "Cargo.toml": "[package]" }, ["cargo", "test"]],
  ["make", { Makefile: "all:\n\ntest: all\n\ttrue\n" }, ["make", "test"]],
  ["a Makefile without tests", { Makefile: "test := 1\nall:\n" }, undefined],
  ["nothing", {}, undefined],
];

describe("the guess of gates", () => {
  it.each(KINDS)("for %s makes settings that load", (_, files, run, prepare) => {
    const root = temporaryDirectory();
    write(root, files);
    const text = settingsTemplate(guessGates(root), { schema: "x.json", profile: "standard" });
    const settings = loadSettings(text, "guvnor.yaml");
    expect(settings.gates["tests"]?.run).toEqual(run);
    expect(settings.prepare?.run).toEqual(prepare);
  });
});

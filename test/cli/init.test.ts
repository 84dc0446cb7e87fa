import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { listAncestors } from "../../src/cli/ancestors.ts";
import { agentAbove } from "../../src/cli/operator.ts";
import { loadSettings } from "../../src/policy/load-settings.ts";
import { git } from "../git/repository-fixture.ts";
import { createSandbox, MAIN, type Sandbox, snapshot } from "./sandbox.ts";

let sandbox: Sandbox;
const agentHere = agentAbove(listAncestors());

beforeEach(() => {
  sandbox = createSandbox();
});

afterEach(() => sandbox.remove());

function steps(document: Record<string, unknown>): Record<string, string> {
  const list = document["steps"] as { what: string; status: string }[];
  return Object.fromEntries(list.map(({ what, status }) => [what, status]));
}

describe("guvnor init", () => {
  it("makes the project, its settings, a client's configuration; a second time it keeps all", async () => {
    sandbox.makeKey();
    expect(steps(await sandbox.json("init"))).toEqual({
      data: "made",
      settings: "made",
      "operator key": "kept",
      "Claude Code's server": "made",
      policy: "made",
    });
    const settings = readFileSync(join(sandbox.project, "guvnor.yaml"), "utf8");
    expect(settings).toMatch(
      /^# yaml-language-server: \$schema=\.git\/guvnor\/guvnor\.schema\.json\n/,
    );
    expect(Object.keys(loadSettings(settings, "guvnor.yaml").gates)).toEqual(["tests"]);
    expect(existsSync(join(sandbox.project, ".git/guvnor/guvnor.schema.json"))).toBe(true);
    expect(JSON.parse(readFileSync(join(sandbox.project, ".mcp.json"), "utf8"))).toEqual({
      mcpServers: { guvnor: { command: process.execPath, args: [MAIN, "mcp"] } },
    });

    const before = snapshot(sandbox.project);
    expect(new Set(Object.values(steps(await sandbox.json("init"))))).toEqual(new Set(["kept"]));
    const after = snapshot(sandbox.project);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const name of [".mcp.json", "guvnor.yaml"]) {
      const file = join(sandbox.project, name);
      expect(after[file]).toBe(before[file]);
    }
    expect(await sandbox.json("status")).toMatchObject({
      settings: { state: "in_force" },
      gates: ["tests"],
    });
  });

  it.skipIf(agentHere !== undefined)(
    `makes an operator key that only its owner can read${agentHere === undefined ? "" : ` (skipped: ${agentHere} runs the tests)`}`,
    async () => {
      expect(steps(await sandbox.json("init"))["operator key"]).toBe("made");
      expect(statSync(sandbox.keyFile).mode & 0o777).toBe(0o600);
      expect(readFileSync(sandbox.keyFile, "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
      // It vouches: no terminal is needed.
      expect((await sandbox.guvnor("tasks", "add", "A task")).code).toBe(0);
    },
  );

  it("makes no key where an agent runs it, as the key would vouch for the agent", async () => {
    const agent = join(sandbox.base, "claude");
    writeFileSync(agent, '"$@"\nexit $?\n');
    const { code, stdout } = await sandbox.run(["init", "--json"], { through: ["/bin/sh", agent] });
    expect(code).toBe(0);
    expect(steps(JSON.parse(stdout) as Record<string, unknown>)).toMatchObject({
      data: "made",
      "operator key": "skipped",
    });
    expect(existsSync(sandbox.keyFile)).toBe(false);
    // The person's own init adds the key later.
    sandbox.makeKey();
    expect((await sandbox.guvnor("init")).code).toBe(0);
    expect((await sandbox.guvnor("tasks", "add", "A task")).code).toBe(0);
  });

  it("with --dry-run lists and changes nothing", async () => {
    const before = snapshot(sandbox.base);
    const found = await sandbox.json("init", "--dry-run");
    expect(found).toMatchObject({ dry_run: true, gates: ["tests"] });
    expect(steps(found)).toMatchObject({ data: "made", settings: "made" });
    expect(snapshot(sandbox.base)).toEqual(before);
    expect((await sandbox.guvnor("status")).code).toBe(1);
  });

  it("applies the guvnor.yaml that is there, and does not touch it", async () => {
    sandbox.makeKey();
    const text = 'version: 1\ngates: { lint: { run: ["true"] } }\n';
    writeFileSync(join(sandbox.project, "guvnor.yaml"), text);
    expect(steps(await sandbox.json("init"))["settings"]).toBe("kept");
    expect(readFileSync(join(sandbox.project, "guvnor.yaml"), "utf8")).toBe(text);
    expect(await sandbox.json("status")).toMatchObject({ gates: ["lint"] });
  });

  it("refuses an invalid guvnor.yaml before it makes anything", async () => {
    writeFileSync(join(sandbox.project, "guvnor.yaml"), "version: 2\n");
    const before = snapshot(sandbox.base);
    const { code, stdout } = await sandbox.guvnor("init", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "config_invalid" } });
    expect(snapshot(sandbox.base)).toEqual(before);
  });

  it("applies the settings of a project that was made without any", async () => {
    sandbox.makeKey();
    writeFileSync(join(sandbox.project, "guvnor.yaml"), "version: 1\n");
    await sandbox.guvnor("init");
    const home = { GUVNOR_HOME: join(sandbox.base, "data") };
    const settings = join(sandbox.base, "later.yaml");
    const env = { ...home, GUVNOR_CONFIG: settings };
    const served = sandbox.serve(env);
    await served.client.initialize();
    await served.client.call("get_status");
    served.child.stdin.end();
    await served.exited;
    expect(JSON.parse((await sandbox.run(["status", "--json"], { env })).stdout)).toMatchObject({
      settings: { state: "none" },
    });
    const { stdout } = await sandbox.run(["init", "--json"], { env });
    expect(steps(JSON.parse(stdout) as Record<string, unknown>)).toMatchObject({
      data: "kept",
      policy: "made",
    });
    expect(JSON.parse((await sandbox.run(["status", "--json"], { env })).stdout)).toMatchObject({
      settings: { state: "in_force" },
    });
  });

  it("adds its server to the ones that are there", async () => {
    const file = join(sandbox.project, ".mcp.json");
    writeFileSync(
      file,
      '{\n\t"mcpServers": {\n\t\t"other": { "command": "x" }\n\t},\n\t"more": 1\n}\n',
    );
    expect(steps(await sandbox.json("init"))["Claude Code's server"]).toBe("updated");
    const text = readFileSync(file, "utf8");
    expect(JSON.parse(text)).toMatchObject({
      mcpServers: { other: { command: "x" }, guvnor: { args: [MAIN, "mcp"] } },
      more: 1,
    });
    expect(text).toContain('\n\t"mcpServers"');
  });

  it("leaves a server of its name that works, and mends one whose program is gone", async () => {
    const file = join(sandbox.project, ".mcp.json");
    const own = { mcpServers: { guvnor: { command: "guvnor", args: ["mcp"] } } };
    writeFileSync(file, JSON.stringify(own));
    expect(steps(await sandbox.json("init"))["Claude Code's server"]).toBe("kept");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(own);
    const gone = { command: "/nowhere/node", args: ["x"], env: { GUVNOR_AGENT: "ada" } };
    writeFileSync(file, JSON.stringify({ mcpServers: { guvnor: gone } }));
    expect(steps(await sandbox.json("init"))["Claude Code's server"]).toBe("updated");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      mcpServers: {
        guvnor: { command: process.execPath, args: [MAIN, "mcp"], env: { GUVNOR_AGENT: "ada" } },
      },
    });
  });

  it.each(["{ not JSON", "[]", '{ "mcpServers": [] }'])(
    "refuses a .mcp.json that holds %s and changes nothing",
    async (text) => {
      writeFileSync(join(sandbox.project, ".mcp.json"), text);
      const before = snapshot(sandbox.base);
      const { code, stderr } = await sandbox.guvnor("init");
      expect(code).toBe(1);
      expect(stderr).toContain(".mcp.json");
      expect(snapshot(sandbox.base)).toEqual(before);
    },
  );

  it("refuses another key than the project's", async () => {
    sandbox.makeKey();
    await sandbox.guvnor("init");
    sandbox.makeKey();
    const { code, stdout } = await sandbox.guvnor("init", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "key_invalid" } });
  });

  it("in a linked worktree makes the main one's project, whose settings count", async () => {
    sandbox.makeKey();
    const linked = join(sandbox.base, "linked");
    git(sandbox.project, "worktree", "add", "--quiet", linked);
    expect((await sandbox.run(["init"], { directory: linked })).code).toBe(0);
    expect(existsSync(join(sandbox.project, "guvnor.yaml"))).toBe(true);
    expect(existsSync(join(linked, "guvnor.yaml"))).toBe(false);
    writeFileSync(join(linked, "guvnor.yaml"), "version: 1\n");
    const { stdout } = await sandbox.run(["status", "--json"], { directory: linked });
    expect(JSON.parse(stdout)).toMatchObject({
      settings: { state: "in_force", ignored: join(linked, "guvnor.yaml") },
    });
    expect((await sandbox.run(["status"], { directory: linked })).stdout).toContain("is ignored");
  });

  it("in a bare repository keeps the settings beside the data", async () => {
    sandbox.makeKey();
    const bare = join(sandbox.base, "bare.git");
    git(sandbox.base, "init", "--quiet", "--bare", bare);
    expect((await sandbox.run(["init"], { directory: bare })).code).toBe(0);
    expect(existsSync(join(bare, "guvnor", "guvnor.yaml"))).toBe(true);
    expect(existsSync(join(bare, ".mcp.json"))).toBe(false);
  });

  it("outside git makes .guvnor, which is found from below", async () => {
    sandbox.makeKey();
    const directory = join(sandbox.base, "plain");
    mkdirSync(join(directory, "deep", "er"), { recursive: true });
    expect((await sandbox.run(["init"], { directory })).code).toBe(0);
    expect(existsSync(join(directory, ".guvnor", "guvnor.db"))).toBe(true);
    const status = await sandbox.run(["status", "--json"], {
      directory: join(directory, "deep", "er"),
    });
    expect(JSON.parse(status.stdout)).toMatchObject({ where: { root: directory } });
  });
});

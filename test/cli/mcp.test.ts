import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { INSTRUCTIONS, PROMPTS } from "../../src/mcp/instructions.ts";
import { toolsOf } from "../../src/tools/index.ts";
import { ENVELOPE, isUpdate, OLD_VERSIONS } from "../mcp/raw-client.ts";
import { createSandbox, type Sandbox, sessionOf } from "./sandbox.ts";

let sandbox: Sandbox;

beforeEach(() => {
  sandbox = createSandbox();
  sandbox.makeKey();
});

afterEach(() => sandbox.remove());

describe("guvnor mcp", () => {
  it("says what to do, lists its tools and its prompt, and says where there is no project", async () => {
    const { child, client, exited } = sandbox.serve();
    const { result } = await client.initialize();
    expect(result).toMatchObject({ serverInfo: { name: "guvnor" }, instructions: INSTRUCTIONS });
    const tools = (await client.ask("tools/list", {})).result?.["tools"] as { name: string }[];
    expect(tools.map(({ name }) => name)).toEqual(toolsOf(["core"]).map(({ name }) => name));
    const prompt = await client.ask("prompts/get", { name: "work" });
    expect(JSON.stringify(prompt.result)).toContain("request_task");
    const called = await client.call("get_status");
    expect(called.result).toMatchObject({
      isError: true,
      structuredContent: { code: "no_project", fix: expect.stringContaining("guvnor init") },
    });
    // Somebody runs init meanwhile: the next call finds the project.
    await sandbox.guvnor("init");
    expect((await client.call("get_status")).result).toMatchObject({
      structuredContent: { scope: "me" },
    });
    child.stdin.end();
    expect(await exited).toMatchObject({ code: 0, stderr: "" });
  });

  it.each(["stdin", "SIGTERM", "SIGINT"] as const)(
    "ends with %s: its agent is offline, its task ready, nothing is left behind",
    async (how) => {
      await sandbox.guvnor("init");
      await sandbox.guvnor("tasks", "add", "A");
      const { child, client, exited } = sandbox.serve({ GUVNOR_AGENT: "ada" });
      await client.initialize();
      const claimed = await client.call("request_task");
      expect(claimed.result).toMatchObject({ structuredContent: { task: { id: "T1" } } });
      expect(await sandbox.json("status")).toMatchObject({ agents: { present: 1 } });
      client.request("tools/call", { name: "request_task", arguments: { wait_seconds: 50 } });
      if (how === "stdin") child.stdin.end();
      else child.kill(how);
      expect(await exited).toMatchObject({ code: 0, stderr: "" });
      expect(await sandbox.json("status")).toMatchObject({
        agents: { present: 0, known: 1 },
        tasks: [{ id: "T1", state: "ready" }],
      });
    },
  );

  it("makes the project on first use where GUVNOR_HOME is set, and not before", async () => {
    const env = { GUVNOR_HOME: join(sandbox.base, "data") };
    const { child, client, exited } = sandbox.serve(env);
    await client.initialize();
    expect((await sandbox.run(["status"], { env })).code).toBe(1);
    expect((await client.call("get_status")).result).toMatchObject({
      structuredContent: { scope: "me" },
    });
    child.stdin.end();
    await exited;
    expect((await sandbox.run(["status"], { env })).code).toBe(0);
  });

  it("says in one line what is wrong with its environment", async () => {
    const ended = await sandbox.serve({ GUVNOR_LOG_LEVEL: "loud" }).exited;
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toMatch(/^guvnor mcp: GUVNOR_LOG_LEVEL.*\n$/);
  });

  it("logs to stderr what happens beside the protocol, and never its environment", async () => {
    const { child, client, exited } = sandbox.serve({ SECRET_KEY: "hunter2" });
    await client.initialize(OLD_VERSIONS[0]);
    client.write(`${JSON.stringify({ jsonrpc: "2.0", id: 99, result: {} })}\n`);
    await client.ask("ping", {});
    child.stdin.end();
    const { stderr } = await exited;
    const lines = stderr.trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { level: number }).level)).toEqual([40]);
    expect(stderr).not.toContain("hunter2");
  });

  it("reads and watches resources; what another process changes is told", async () => {
    await sandbox.guvnor("init");
    const { client } = sandbox.serve();
    await client.initialize();
    const read = async (uri: string): Promise<unknown> => {
      const { result } = await client.ask("resources/read", { uri });
      const [content] = (result?.["contents"] ?? []) as { text: string }[];
      return JSON.parse(content?.text ?? "null");
    };
    expect(await read("guvnor://policy")).toMatchObject({
      gates: [{ name: "tests", run: ["npm", "test"], timeout_seconds: 600 }],
    });
    expect(await read("guvnor://project")).toMatchObject({ project: "app" });
    expect(await read("guvnor://audit/head")).toMatchObject({ seq: expect.any(Number) });
    const missing = await client.ask("resources/read", { uri: "guvnor://task/T1" });
    expect(missing.error?.message).toContain("T1");

    await client.ask("resources/subscribe", { uri: "guvnor://project" });
    await sandbox.guvnor("tasks", "add", "A");
    expect((await client.until(isUpdate)).params).toEqual({ uri: "guvnor://project" });
    expect(await read("guvnor://task/T1")).toMatchObject({ id: "T1", state: "ready" });
    await client.ask("resources/subscribe", { uri: "guvnor://task/T1" });
    await client.ask("resources/unsubscribe", { uri: "guvnor://project" });
    await sandbox.guvnor("tasks", "cancel", "T1", "--reason", "no more");
    expect((await client.until(isUpdate)).params).toEqual({ uri: "guvnor://task/T1" });
  });

  it("shows a topic without what was voted while the vote is on", async () => {
    await sandbox.guvnor("init");
    const { client } = sandbox.serve();
    await client.initialize();
    const sessions: string[] = [];
    for (const name of ["ada", "bob"]) {
      sessions.push(sessionOf(await client.call("register_agent", { name })));
    }
    const [session] = sessions;
    const topic = { title: "Which", problem: "Either", options: ["One", "Two"], session };
    await client.call("open_topic", topic);
    const vote = { topic_id: "B1", ballot: ["S2", "S1"], reason: "my secret", session };
    expect((await client.call("vote", vote)).result).toMatchObject({
      structuredContent: { accepted: true },
    });
    const { result } = await client.ask("resources/read", { uri: "guvnor://topic/B1" });
    expect(JSON.stringify(result)).toContain("Either");
    expect(JSON.stringify(result)).not.toContain("my secret");
  });

  it("serves the newest protocol too", async () => {
    await sandbox.guvnor("init");
    const { client } = sandbox.serve();
    const { result } = await client.call("get_status", {}, ENVELOPE);
    expect(result).toMatchObject({ structuredContent: { scope: "me", agent: "raw-modern" } });
  });
});

describe("what a client waits for", () => {
  it("is short: at most ten lines that no client cuts", () => {
    expect(INSTRUCTIONS.split("\n").length).toBeLessThanOrEqual(10);
    expect(INSTRUCTIONS.length).toBeLessThan(4096);
    for (const { text } of PROMPTS) expect(text.length).toBeLessThan(4096);
  });

  it("loads no database, YAML, rules, logger or command line before it is answered", () => {
    const loaded = staticImports(resolve(import.meta.dirname, "../../src/cli/commands/mcp.ts"));
    expect([...loaded].filter((name) => !name.startsWith("node:")).toSorted()).toEqual([
      "@modelcontextprotocol/server",
      "@modelcontextprotocol/server/stdio",
      "zod",
    ]);
  });
});

/** Packages that a module of ours loads with it, through whatever other modules. */
function staticImports(entry: string): Set<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const source = readFileSync(file, "utf8");
    const statements = source.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from\s+"([^"]+)";/gm);
    for (const [, name = ""] of statements) {
      if (name.startsWith(".")) open.push(resolve(dirname(file), name));
      else packages.add(name);
    }
  }
  return packages;
}

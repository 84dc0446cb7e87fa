import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { agentNameOf, listAncestors } from "../../src/cli/ancestors.ts";
import { agentAbove } from "../../src/cli/operator.ts";
import { createSandbox, type Ended, MAIN, type Sandbox } from "./sandbox.ts";

const agentHere = agentAbove(listAncestors());
const SCRIPT = "/usr/bin/script";
const noTerminal =
  agentHere !== undefined
    ? `${agentHere} runs the tests`
    : process.platform !== "linux" || !existsSync(SCRIPT)
      ? "there is no util-linux script(1) to make a terminal with"
      : undefined;

describe("an agent's name", () => {
  it.each([
    ["claude", ["claude"]],
    ["claude", ["/usr/local/bin/claude", "--print", "hello"]],
    ["claude-code", ["node", "/lib/node_modules/@anthropic-ai/claude-code/cli.js"]],
    ["codex", ["/opt/codex/codex", "exec"]],
    ["codex", ["node", "--no-warnings", "/usr/bin/codex"]],
    ["gemini-cli", ["/usr/bin/node", "/lib/node_modules/@google/gemini-cli/dist/index.js"]],
    ["cursor", ["/usr/share/cursor/cursor", "--type=renderer"]],
    ["cursor helper (plugin)", ["/Applications/Cursor.app/Contents/Cursor Helper (Plugin)"]],
    ["aider", ["/usr/bin/python3.12", "/usr/bin/aider"]],
    ["claude", ["/bin/sh", "/tmp/claude"]],
    [undefined, ["-zsh"]],
    [undefined, ["node", "/home/ada/codex/server.js"]],
    [undefined, ["vim", "claude"]],
    [undefined, ["bash", "-c", "claude --version"]],
    [undefined, []],
  ] as const)("%s is found in %j", (name, command) => {
    expect(agentNameOf(command)).toBe(name);
  });

  it("is found at any height, and so is who started one of our servers", () => {
    const shell = { pid: 3, startTime: "3", command: ["bash"] };
    const agent = { pid: 2, startTime: "2", command: ["claude"] };
    expect(agentAbove([shell, agent])).toBe("claude");
    expect(agentAbove([shell])).toBeUndefined();
    expect(agentAbove([shell], [{ pid: 3, startTime: "3" }])).toContain("pid 3");
    expect(agentAbove([shell], [{ pid: 3, startTime: "2" }])).toBeUndefined();
  });

  it("of this process's parents is read from the system", () => {
    const [parent] = listAncestors();
    expect(parent?.pid).toBe(process.ppid);
    expect(parent?.command.length).toBeGreaterThan(0);
  });
});

function refusal({ code, stdout }: Ended): Record<string, string> {
  expect(code).toBe(1);
  return (JSON.parse(stdout) as { error: Record<string, string> }).error;
}

describe("a command that changes something", () => {
  let sandbox: Sandbox;

  beforeEach(async () => {
    sandbox = createSandbox();
    sandbox.makeKey();
    await sandbox.guvnor("init");
  });

  afterEach(() => sandbox.remove());

  /** A project that was made on first use: it has no operator's key. */
  function keyless(): Record<string, string> {
    return { GUVNOR_HOME: join(sandbox.base, "keyless") };
  }

  async function principal(): Promise<string> {
    const { entries } = (await sandbox.json("audit", "tail", "--limit", "1")) as {
      entries: { principal: string }[];
    };
    return entries[0]?.principal ?? "";
  }

  it("is the operator's with the key of the project", async () => {
    expect((await sandbox.guvnor("tasks", "add", "A")).code).toBe(0);
    expect(await principal()).toMatch(/^operator:/);
  });

  it("without key and terminal is refused; reading is not", async () => {
    rmSync(sandbox.keyFile);
    for (const args of [
      ["tasks", "add", "A"],
      ["policy", "apply"],
      ["say", "#all", "hello"],
      ["audit", "show", "1", "--payload"],
    ]) {
      const refused = refusal(await sandbox.guvnor(...args, "--json"));
      expect(refused).toMatchObject({ code: "person_required" });
    }
    expect((await sandbox.guvnor("tasks", "list")).code).toBe(0);
    expect(await principal()).toMatch(/^unverified:/);
    expect((await sandbox.guvnor("policy", "apply", "--dry-run")).code).toBe(0);
  });

  it.each([
    ["with the key", () => {}],
    ["without it", () => rmSync(sandbox.keyFile)],
  ])("is refused where an agent runs it, %s", async (_, prepare) => {
    prepare();
    const agent = join(sandbox.base, "gemini");
    writeFileSync(agent, '"$@"\nexit $?\n');
    const ended = await sandbox.run(["tasks", "add", "A", "--json"], {
      through: ["/bin/sh", agent],
    });
    const { code, message } = refusal(ended);
    expect(code).toBe("person_required");
    expect(message).toMatch(/gemini|operator key/);
  });

  it("in a project without a key is refused where an agent's client runs it, whatever its name", async () => {
    rmSync(sandbox.keyFile);
    const env = keyless();
    const { client } = sandbox.serve(env);
    await client.initialize();
    await client.call("get_status");
    const { code, message } = refusal(await sandbox.run(["tasks", "add", "A", "--json"], { env }));
    expect(code).toBe("person_required");
    // This process is the parent of both.
    expect(agentHere ?? message).toContain(agentHere ?? `pid ${process.pid}`);
  });

  it.skipIf(noTerminal !== undefined)(
    `in a project without a key needs a terminal, and the ledger says so${noTerminal === undefined ? "" : ` (skipped: ${noTerminal})`}`,
    async () => {
      rmSync(sandbox.keyFile);
      const env = keyless();
      const { client, child, exited } = sandbox.serve(env);
      await client.initialize();
      await client.call("get_status");
      child.stdin.end();
      await exited;
      // script(1) runs the command on a terminal of its own.
      const command = `${process.execPath} ${MAIN} tasks add Once`;
      const { code, stdout } = await sandbox.run([], {
        through: ["/bin/sh", "-c", `${SCRIPT} -qec "${command}" /dev/null`],
        env,
      });
      expect(stdout).toContain("Added T1");
      expect(code).toBe(0);
      const tail = await sandbox.run(["audit", "tail", "--limit", "2", "--json"], { env });
      expect(tail.stdout).toContain('"principal": "unverified:');
    },
  );

  it("with another key, or one that others can read, is refused", async () => {
    sandbox.makeKey();
    expect(refusal(await sandbox.guvnor("tasks", "add", "A", "--json"))).toMatchObject({
      code: "key_invalid",
    });
    chmodSync(sandbox.keyFile, 0o644);
    const { code, fix } = refusal(await sandbox.guvnor("tasks", "add", "A", "--json"));
    expect(code).toBe("key_invalid");
    expect(fix).toContain("chmod 600");
    writeFileSync(sandbox.keyFile, "not a key\n");
    chmodSync(sandbox.keyFile, 0o600);
    expect(refusal(await sandbox.guvnor("tasks", "add", "A", "--json"))).toMatchObject({
      code: "key_invalid",
    });
    expect((await sandbox.guvnor("tasks", "list")).code).toBe(0);
  });
});

import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { startVaultDouble } from "../vault/vault-double.ts";
import { createSandbox, type Sandbox } from "./sandbox.ts";

interface Check {
  readonly what: string;
  readonly level: string;
  readonly found: string;
  readonly fix?: string;
}

describe("guvnor doctor", () => {
  let sandbox: Sandbox;

  beforeEach(async () => {
    sandbox = createSandbox();
    sandbox.makeKey();
    await sandbox.guvnor("init");
  });

  afterEach(() => sandbox.remove());

  async function examine(): Promise<{ code: number | null; checks: Map<string, Check> }> {
    const { code, stdout } = await sandbox.guvnor("doctor", "--json");
    const { checks } = JSON.parse(stdout) as { checks: Check[] };
    for (const { level, fix } of checks) expect(fix === undefined).toBe(level === "ok");
    return { code, checks: new Map(checks.map((check) => [check.what, check])) };
  }

  it("finds nothing wrong with a fresh project", async () => {
    const { code, checks } = await examine();
    expect(code).toBe(0);
    expect([...checks.values()].filter(({ level }) => level === "fail")).toEqual([]);
    expect([...checks.keys()]).toEqual([
      "Node.js",
      "git",
      "project",
      "disk space",
      "workspaces",
      "schema",
      "database",
      "ledger",
      "settings",
      "wake file",
      "operator key",
      "processes",
    ]);
  });

  it("says whether Vault answers and lets this process in, where Vault vouches for agents", async () => {
    const vault = await startVaultDouble();
    try {
      const look = async (secretId: string): Promise<{ code: number | null; checks: Check[] }> => {
        const env = {
          GUVNOR_TOKEN_ISSUER: "vault",
          VAULT_ADDR: vault.address,
          GUVNOR_VAULT_ROLE_ID: vault.role.roleId,
          GUVNOR_VAULT_SECRET_ID: secretId,
        };
        const { code, stdout } = await sandbox.run(["doctor", "--json"], { env });
        expect(stdout).not.toContain(secretId);
        const { checks } = JSON.parse(stdout) as { checks: Check[] };
        return { code, checks: checks.filter(({ what }) => ["Vault", "login"].includes(what)) };
      };
      expect(await look(vault.role.secretId)).toMatchObject({
        code: 0,
        checks: [
          { level: "ok", found: "unsealed and active" },
          { level: "ok", found: "works for role reviewers, for 1200 s at a time" },
        ],
      });
      expect(vault.tokens()).toEqual([]);
      expect(await look("not-the-secret")).toMatchObject({
        code: 1,
        checks: [{ level: "ok" }, { level: "fail", fix: expect.stringContaining("secret ID") }],
      });
      vault.state = "sealed";
      expect(await look(vault.role.secretId)).toMatchObject({
        code: 1,
        checks: [{ level: "fail", found: expect.stringContaining("sealed") }],
      });
    } finally {
      await vault.close();
    }
  });

  it("fails where there is no project, and tells how to get one", async () => {
    const { code, stdout } = await sandbox.run(["doctor"], { directory: sandbox.base });
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL {2}project/);
    expect(stdout).toContain("guvnor init");
  });

  it("warns of settings that are not in force and fails for those that are invalid", async () => {
    const file = join(sandbox.project, "guvnor.yaml");
    writeFileSync(file, "version: 1\n");
    const changed = await examine();
    expect(changed.code).toBe(0);
    expect(changed.checks.get("settings")).toMatchObject({ level: "warn" });
    writeFileSync(file, "version: one\n");
    const invalid = await examine();
    expect(invalid.code).toBe(1);
    expect(invalid.checks.get("settings")).toMatchObject({
      level: "fail",
      found: expect.stringContaining("guvnor.yaml:1:"),
    });
  });

  it("fails for a key that is not the project's, or not only the owner's", async () => {
    chmodSync(sandbox.keyFile, 0o640);
    expect((await examine()).checks.get("operator key")).toMatchObject({ level: "fail" });
    sandbox.makeKey();
    chmodSync(sandbox.keyFile, 0o600);
    expect((await examine()).checks.get("operator key")).toMatchObject({ level: "fail" });
  });

  it("names a process that was stopped, even in the middle of a call", async () => {
    const { child, client } = sandbox.serve();
    await client.initialize();
    await client.call("get_status");
    child.kill("SIGSTOP");
    const { code, checks } = await examine();
    expect(code).toBe(1);
    expect(checks.get("processes")).toMatchObject({
      level: "fail",
      found: `stopped: ${child.pid}`,
      fix: expect.stringContaining(`kill -CONT ${child.pid}`),
    });
    child.kill("SIGCONT");
    expect((await examine()).checks.get("processes")).toMatchObject({ level: "ok" });
  });

  it("fails for a file that is no database", async () => {
    writeFileSync(join(sandbox.project, ".git", "guvnor", "guvnor.db"), "x".repeat(10_000));
    const { code, checks } = await examine();
    expect(code).toBe(1);
    expect(checks.get("database")).toMatchObject({ level: "fail" });
  });
});

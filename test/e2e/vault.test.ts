import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { afterEach, describe, expect, test } from "vitest";

import { createSandbox } from "../cli/sandbox.ts";
import { inDatabase } from "../store/database-file.ts";
import { startVaultDouble, type VaultDouble } from "../vault/vault-double.ts";
import {
  type AgentProcess,
  startAgent,
  taskOf,
  temporaryDirectory,
  until,
} from "./agent-process.ts";
import { databaseOf } from "./agent-process.ts";
import { entriesOf } from "./ledger.ts";

const ROOT = join(import.meta.dirname, "../..");

const running: VaultDouble[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (vault) => await vault.close()));
});

async function vaultDouble(role: Partial<VaultDouble["role"]> = {}): Promise<VaultDouble> {
  const vault = await startVaultDouble({ role });
  running.push(vault);
  return vault;
}

async function startWith(vault: VaultDouble, home: string, name: string): Promise<AgentProcess> {
  return await startAgent(name, { home, env: envFor(vault) });
}

function envFor({ address, role }: VaultDouble): Record<string, string> {
  return {
    GUVNOR_TOKEN_ISSUER: "vault",
    VAULT_ADDR: address,
    GUVNOR_VAULT_ROLE_ID: role.roleId,
    GUVNOR_VAULT_SECRET_ID: role.secretId,
  };
}

async function refusedBy({ call }: AgentProcess, tool = "get_status"): Promise<unknown> {
  const { isError, body } = await call(tool);
  return isError ? body["code"] : undefined;
}

/** Everything that guvnor kept, as bytes. */
function everything(home: string): string {
  const found = inDatabase(databaseOf(home), ({ rows }) =>
    rows<{ name: string }>("select name from sqlite_master where type = 'table'").map(({ name }) =>
      rows(`select * from "${name}"`),
    ),
  );
  return JSON.stringify(found);
}

/** What a process has loaded of opossum's files once it has opened a project. */
function loadedOfOpossum(env: Readonly<Record<string, string>>): string {
  const script = `
    const { openProject } = await import(${JSON.stringify(join(ROOT, "src/app.ts"))});
    const { readConfig } = await import(${JSON.stringify(join(ROOT, "src/config.ts"))});
    const config = readConfig(process.env);
    const project = await openProject({ config, directory: process.cwd(), log: console });
    await project.close();
    const { createRequire } = await import("node:module");
    const loaded = Object.keys(createRequire(process.cwd() + "/x.js").cache);
    console.log(loaded.filter((file) => file.includes("opossum")).length);`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", script],
    {
      cwd: temporaryDirectory(),
      env: { ...process.env, GUVNOR_HOME: temporaryDirectory(), ...env },
      encoding: "utf8",
    },
  );
  return stdout.trim() || stderr;
}

test("a process that does not use Vault loads nothing of its breaker", async () => {
  const vault = await vaultDouble();
  expect(loadedOfOpossum({})).toBe("0");
  expect(Number(loadedOfOpossum(envFor(vault)))).toBeGreaterThan(0);
  expect(vault.asked).toEqual([]);
});

describe("guvnor mcp with Vault", () => {
  test("logs in, works, renews, and what is revoked in Vault is refused at the next call", async () => {
    // It is renewed at the second look, after ten seconds, and refused at the third.
    const vault = await vaultDouble({ tokenPeriod: 14 });
    const home = temporaryDirectory();
    const ada = await startWith(vault, home, "ada");
    const bob = await startWith(vault, home, "bob");
    const tasks = ["a", "b"].map((key) => ({ key, title: key }));
    await ada.ok("submit_plan", { title: "Work", tasks });
    expect(taskOf(await ada.ok("request_task"))).toBe("T1");
    expect(taskOf(await bob.ok("request_task"))).toBe("T2");
    const [one = "", two = ""] = vault.tokens();
    await until("both are renewed", () =>
      [one, two].every((token) =>
        vault.asked.some(
          ({ path, headers }) =>
            path === "/v1/auth/token/renew-self" && headers["x-vault-token"] === token,
        ),
      ),
    );
    expect(await refusedBy(ada)).toBeUndefined();
    expect(await refusedBy(bob)).toBeUndefined();
    vault.revokeAll();
    await until("ada is refused", async () => (await refusedBy(ada)) === "agent_revoked");
    await until("bob is refused", async () => (await refusedBy(bob)) === "agent_revoked");
    const secrets = [one, two, vault.role.secretId];
    const kept = everything(home) + ada.stderr() + bob.stderr();
    for (const secret of secrets) expect(kept).not.toContain(secret);
    expect(kept).toContain("reviewers");
    expect(entriesOf(home).some(({ principal }) => principal === "reviewers")).toBe(true);
  });

  test("gives back to Vault what a person revokes", async () => {
    const vault = await vaultDouble();
    const sandbox = createSandbox();
    try {
      sandbox.makeKey();
      await sandbox.guvnor("init");
      const ada = await startAgent("ada", { cwd: sandbox.project, env: envFor(vault) });
      await ada.ok("get_status");
      const { tokens } = await sandbox.json("tokens", "list");
      expect(JSON.stringify(tokens)).not.toContain(vault.tokens()[0]);
      const listed = tokens as { kind: string; name: string; principal: string }[];
      const login = listed.find(({ kind }) => kind === "enrolment");
      expect(login).toMatchObject({ principal: "reviewers" });
      await sandbox.json("tokens", "revoke", login?.name ?? "", "--reason", "leaked");
      expect(await refusedBy(ada)).toBe("agent_revoked");
      await until("the token is revoked", () => vault.tokens().length === 0);
    } finally {
      sandbox.remove();
    }
  });

  test("gives its token back when its client closes it", async () => {
    const vault = await vaultDouble();
    const ada = await startWith(vault, temporaryDirectory(), "ada");
    await ada.ok("get_status");
    expect(vault.tokens()).toHaveLength(1);
    await ada.close();
    await until("the token is revoked", () => vault.tokens().length === 0);
    expect(vault.paths().at(-1)).toBe("revoke-self");
  });

  test("refuses while Vault is down from the start, and serves once it is up", async () => {
    const vault = await vaultDouble();
    vault.state = "sealed";
    const home = temporaryDirectory();
    const ada = await startWith(vault, home, "ada");
    expect(await refusedBy(ada)).toBe("issuer_unavailable");
    expect(entriesOf(home)).toContainEqual(
      expect.objectContaining({ actor: "ada", reason: "issuer_unavailable" }),
    );
    vault.state = "active";
    await until("ada is let in", async () => (await refusedBy(ada)) === undefined);
  });

  test("goes on without Vault until its lease is over, quickly even where Vault hangs", async () => {
    const vault = await vaultDouble({ tokenPeriod: 8 });
    const ada = await startWith(vault, temporaryDirectory(), "ada");
    await ada.ok("get_status");
    const startedMs = performance.now();
    vault.state = "silent";
    let slowestMs = 0;
    for (;;) {
      const calledMs = performance.now();
      if ((await refusedBy(ada)) !== undefined) break;
      slowestMs = Math.max(slowestMs, performance.now() - calledMs);
      expect(calledMs - startedMs).toBeLessThan(9000);
    }
    expect(performance.now() - startedMs).toBeGreaterThan(6000);
    expect(slowestMs).toBeLessThan(1500);
    expect(await refusedBy(ada)).toBe("issuer_unavailable");
  });
});

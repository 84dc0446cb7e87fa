import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";

import { describe, expect, test } from "vitest";

import { GuvnorError } from "../../src/core/errors.ts";
import { inspectVault } from "../../src/vault/inspect-vault.ts";
import type { VaultDouble } from "./vault-double.ts";
import { clientOf, settingsFor, SIGNAL, vaultDouble } from "./vault-fixture.ts";

async function failure(work: Promise<unknown>): Promise<GuvnorError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof GuvnorError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("a login", () => {
  test("sends what the documentation says, and reads token, lease, role and policies", async () => {
    const vault = await vaultDouble({ role: { namespace: "team/a", mount: "bots/ci" } });
    const settings = settingsFor(vault, { namespace: "team/a/", path: "bots/ci" });
    const login = await clientOf(settings).logIn(vault.role.secretId, SIGNAL);
    expect(login).toEqual({
      token: vault.tokens()[0],
      lease: { ms: 1_200_000, isRenewable: true },
      role: "reviewers",
      principal: undefined,
      policies: ["default", "guvnor"],
    });
    expect(vault.asked).toMatchObject([
      {
        method: "POST",
        path: "/v1/auth/bots/ci/login",
        headers: { "x-vault-request": "true", "x-vault-namespace": "team/a/" },
        body: { role_id: vault.role.roleId, secret_id: vault.role.secretId },
      },
    ]);
  });

  test("is refused for a wrong secret, a wrong mount, and a role whose tokens wear out", async () => {
    const vault = await vaultDouble();
    const client = clientOf(settingsFor(vault));
    expect(await failure(client.logIn("wrong", SIGNAL))).toMatchObject({
      code: "token_invalid",
      details: { problem: "refused_by_issuer", status: 400 },
      fix: expect.stringContaining("secret ID"),
    });
    const elsewhere = clientOf(settingsFor(vault, { path: "other" }));
    expect(await failure(elsewhere.logIn(vault.role.secretId, SIGNAL))).toMatchObject({
      code: "token_invalid",
      details: { status: 404 },
    });
    vault.role.tokenNumUses = 10;
    expect(await failure(client.logIn(vault.role.secretId, SIGNAL))).toMatchObject({
      code: "token_invalid",
      fix: expect.stringContaining("token_num_uses"),
    });
  });
});

describe("a token", () => {
  test("is looked up, renewed for as long as the role allows, and revoked", async () => {
    const vault = await vaultDouble({ role: { tokenMaxTtl: 3600 } });
    const client = clientOf(settingsFor(vault));
    const { token } = await client.logIn(vault.role.secretId, SIGNAL);
    await client.lookUp(token, SIGNAL);
    expect(await client.renew(token, SIGNAL)).toMatchObject({ isRenewable: true });
    expect(vault.asked.at(-1)).toMatchObject({
      headers: { "x-vault-token": token },
      body: { increment: "2h" },
    });
    const { ms } = await client.renew(token, SIGNAL);
    expect(ms).toBeLessThanOrEqual(3_600_000);
    expect(ms).toBeGreaterThan(3_590_000);
    await client.revoke(token, SIGNAL);
    expect(vault.tokens()).toEqual([]);
    expect(await failure(client.lookUp(token, SIGNAL))).toMatchObject({
      code: "token_invalid",
      details: { status: 403 },
    });
  });
});

describe("a Vault that gives no usable answer", () => {
  const UNUSABLE: readonly [VaultDouble["state"], string][] = [
    ["sealed", "sealed"],
    ["uninitialised", "sealed, or down"],
    ["rate_limited", "429"],
    ["redirecting", "VAULT_ADDR"],
    ["not_vault", "not Vault's"],
    ["endless", "too long"],
  ];
  test.each(UNUSABLE)("because it is %s is unavailable, which is said", async (state, said) => {
    const vault = await vaultDouble();
    vault.state = state;
    const error = await failure(clientOf(settingsFor(vault)).logIn(vault.role.secretId, SIGNAL));
    expect(error).toMatchObject({ code: "issuer_unavailable" });
    expect(error.message).toContain(said);
    expect(vault.asked).toHaveLength(1);
  });

  test("is given up after a bounded time", async () => {
    const vault = await vaultDouble();
    vault.state = "silent";
    const startedMs = performance.now();
    const error = await failure(clientOf(settingsFor(vault)).lookUp("hvs.token", SIGNAL));
    expect(error.message).toContain("did not answer within 3 s");
    expect(performance.now() - startedMs).toBeLessThan(6000);
  });

  test("opens the breaker, which asks no more for a while, then once, and closes again", async () => {
    const vault = await vaultDouble();
    const client = clientOf(settingsFor(vault), { resetTimeout: 300 });
    vault.state = "sealed";
    for (let time = 0; time < 3; time += 1) await failure(client.lookUp("hvs.x", SIGNAL));
    expect((await failure(client.lookUp("hvs.x", SIGNAL))).message).toContain("left alone");
    expect(vault.asked).toHaveLength(3);
    await new Promise((resolve) => {
      setTimeout(resolve, 400);
    });
    // Half open: one request goes through, fails, and opens it again.
    expect((await failure(client.lookUp("hvs.x", SIGNAL))).message).toContain("sealed");
    expect((await failure(client.lookUp("hvs.x", SIGNAL))).message).toContain("left alone");
    expect(vault.asked).toHaveLength(4);
    vault.state = "active";
    await new Promise((resolve) => {
      setTimeout(resolve, 400);
    });
    const { token } = await client.logIn(vault.role.secretId, SIGNAL);
    await client.lookUp(token, SIGNAL);
    expect(vault.asked).toHaveLength(6);
  });

  test("is another thing than one that refuses: that opens nothing", async () => {
    const vault = await vaultDouble();
    const client = clientOf(settingsFor(vault));
    for (let time = 0; time < 6; time += 1) {
      expect((await failure(client.logIn("wrong", SIGNAL))).code).toBe("token_invalid");
    }
    expect(vault.asked).toHaveLength(6);
  });
});

test("no error names the secret ID or the token, whatever goes wrong", async () => {
  const vault = await vaultDouble();
  const settings = settingsFor(vault);
  const states: VaultDouble["state"][] = [
    "active",
    "sealed",
    "redirecting",
    "not_vault",
    "endless",
    "rate_limited",
  ];
  const secret = "s3cr3t-of-a-role";
  for (const state of states) {
    vault.state = state;
    const client = clientOf(settings, { volumeThreshold: 100 });
    for (const error of [
      await failure(client.logIn(secret, SIGNAL)),
      await failure(client.lookUp(secret, SIGNAL)),
      await failure(client.renew(secret, SIGNAL)),
      await failure(client.revoke(secret, SIGNAL)),
    ]) {
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret);
    }
  }
});

describe("over TLS", () => {
  test("only a server whose certificate VAULT_CACERT vouches for is told the secret", async ({
    skip,
  }) => {
    const directory = mkdtempSync(join(tmpdir(), "guvnor-tls-"));
    try {
      const [keyFile, certFile] = [join(directory, "key.pem"), join(directory, "cert.pem")];
      const made = spawnSync("openssl", [
        ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(" "),
        ..."-subj /CN=vault -addext subjectAltName=IP:127.0.0.1".split(" "),
        "-keyout",
        keyFile,
        "-out",
        certFile,
      ]);
      skip(made.status !== 0, "there is no openssl to make a certificate");
      const [key, cert] = [readFileSync(keyFile, "utf8"), readFileSync(certFile, "utf8")];
      const vault = await vaultDouble({ tls: { key, cert } });
      const trusting = clientOf(settingsFor(vault, { caFile: certFile }));
      expect(await trusting.logIn(vault.role.secretId, SIGNAL)).toMatchObject({
        role: "reviewers",
      });
      const error = await failure(clientOf(settingsFor(vault)).logIn(vault.role.secretId, SIGNAL));
      expect(error.message).toContain("SELF_SIGNED_CERT");
      const missing = clientOf(settingsFor(vault, { caFile: join(directory, "none.pem") }));
      expect((await failure(missing.logIn("x", SIGNAL))).message).toContain("VAULT_CACERT");
      expect(vault.asked).toHaveLength(1);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe("what guvnor doctor asks", () => {
  test("is the server's state and one login, which is given back", async () => {
    const vault = await vaultDouble();
    for (const [state, server] of [
      ["active", "unsealed and active"],
      ["standby", "unsealed, a standby"],
      ["performance_standby", "unsealed, a performance standby"],
    ] as const) {
      vault.state = state;
      expect(await inspectVault(settingsFor(vault), SIGNAL)).toEqual({
        server,
        login: "works for role reviewers, for 1200 s at a time",
      });
    }
    expect(vault.tokens()).toEqual([]);
    vault.role.denied = ["lookup-self"];
    expect(await inspectVault(settingsFor(vault), SIGNAL)).toMatchObject({
      login: { code: "token_invalid", fix: expect.stringContaining("lookup-self") },
    });
  });

  test("is no login where the server cannot serve one", async () => {
    const vault = await vaultDouble();
    for (const [state, said] of [
      ["sealed", "it is sealed"],
      ["uninitialised", "not initialised"],
      ["dr_secondary", "disaster recovery"],
      ["not_vault", "not Vault's"],
    ] as const) {
      vault.state = state;
      const { server, login } = await inspectVault(settingsFor(vault), SIGNAL);
      expect(server).toMatchObject({ message: expect.stringContaining(said) });
      expect(login).toBeUndefined();
    }
    expect(vault.paths()).not.toContain("login");
  });
});

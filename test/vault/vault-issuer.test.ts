import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import type { Login } from "../../src/core/login.ts";
import type { TokenIssuer } from "../../src/engine/ports.ts";
import { createVaultIssuer } from "../../src/vault/vault-issuer.ts";
import type { SecretId } from "../../src/vault/vault-settings.ts";
import type { VaultDouble } from "./vault-double.ts";
import { clientOf, settingsFor, sha256, SIGNAL, vaultDouble } from "./vault-fixture.ts";

interface Play {
  readonly issuer: TokenIssuer;
  readonly vault: VaultDouble;
  readonly warned: string[];
  /** Time passes here and in Vault. */
  readonly pass: (seconds: number) => void;
  /** Time passes, and the process looks after its login meanwhile. */
  readonly attendFor: (seconds: number, step?: number) => Promise<void>;
  /** What vouches now: the login's name, or the code of the refusal. */
  readonly vouches: () => string;
  readonly login: () => Login;
}

async function play(role: Partial<VaultDouble["role"]> = {}, secretId?: SecretId): Promise<Play> {
  const vault = await vaultDouble({ role });
  const settings = settingsFor(vault);
  const warned: string[] = [];
  let aheadMs = 0;
  const issuer = createVaultIssuer({
    // Its own tests are of the breaker.
    client: clientOf(settings, { volumeThreshold: 1000 }),
    secretId: secretId ?? settings.secretId,
    now: () => Date.now() + aheadMs,
    sha256,
    log: { warn: (fields, message) => warned.push(`${message} ${JSON.stringify(fields)}`) },
  });
  const pass: Play["pass"] = (seconds) => {
    aheadMs += seconds * 1000;
    vault.advance(seconds);
  };
  return {
    issuer,
    vault,
    warned,
    pass,
    attendFor: async (seconds, step = 300) => {
      for (let at = 0; at < seconds; at += step) {
        pass(step);
        await issuer.attend(SIGNAL);
      }
    },
    vouches: () => {
      const voucher = issuer.vouch();
      if (voucher.kind === "none") return voucher.why.code;
      return voucher.kind === "login" ? "login" : "not Vault";
    },
    login: () => {
      const login = issuer.logins().at(-1);
      if (login === undefined) throw new Error("there is no login");
      return login;
    },
  };
}

const HOUR = 3600;

describe("the first call", () => {
  test("logs in once, however many come at the same time; those after ask nothing", async () => {
    const { issuer, vault, vouches, login } = await play();
    expect(vouches()).toBe("issuer_unavailable");
    await Promise.all([issuer.prepare(), issuer.prepare(), issuer.prepare()]);
    await issuer.prepare();
    expect(vault.paths()).toEqual(["login", "lookup-self"]);
    expect(vouches()).toBe("login");
    const [token = ""] = vault.tokens();
    expect(login()).toMatchObject({
      hash: sha256(token),
      name: `vault-reviewers-${sha256(token).slice(0, 8)}`,
      principal: "reviewers",
      policies: ["default", "guvnor"],
    });
  });

  test("makes whom the secret ID's metadata name answerable, or the role", async () => {
    const names = [
      [{ principal: "Pat.S" }, "reviewers", "Pat.S"],
      [{ principal: "operator:pat" }, "reviewers", "reviewers"],
      [{}, "night shift", "night-shift"],
    ] as const;
    for (const [metadata, name, principal] of names) {
      const { issuer, login } = await play({ metadata, name });
      await issuer.prepare();
      expect(login()).toMatchObject({ principal });
    }
  });

  test("does not wait for a Vault that hangs where a login is good", async () => {
    const { issuer, vault, vouches } = await play();
    await issuer.prepare();
    vault.state = "silent";
    const startedMs = performance.now();
    await issuer.prepare();
    expect(performance.now() - startedMs).toBeLessThan(500);
    expect(vouches()).toBe("login");
  });

  test("finds a Vault that is down, and the next one finds it up again", async () => {
    const { issuer, vault, vouches, warned } = await play();
    vault.state = "sealed";
    for (let time = 0; time < 3; time += 1) await issuer.prepare();
    expect(vouches()).toBe("issuer_unavailable");
    expect(warned).toHaveLength(1);
    vault.state = "active";
    await issuer.prepare();
    expect(vouches()).toBe("login");
  });

  test("that is refused is not repeated at once, so that Vault locks nobody out", async () => {
    const { issuer, vault, vouches, pass } = await play({}, { kind: "value", value: "wrong" });
    for (let time = 0; time < 5; time += 1) await issuer.prepare();
    expect(vouches()).toBe("token_invalid");
    expect(vault.paths()).toEqual(["login"]);
    pass(31);
    await issuer.prepare();
    await issuer.prepare();
    pass(31);
    await issuer.prepare();
    expect(vault.paths()).toEqual(["login", "login"]);
  });

  test("is refused where the role does not allow to look whether the token stands", async () => {
    const { issuer, vault, vouches } = await play({ denied: ["lookup-self"] });
    await issuer.prepare();
    expect(vouches()).toBe("token_invalid");
    expect(vault.tokens()).toEqual([]);
  });
});

describe("a secret ID in a file", () => {
  test("is read at each login: a new one is tried at once", async () => {
    const directory = mkdtempSync(join(tmpdir(), "guvnor-secret-"));
    try {
      const file = join(directory, "secret-id");
      const { issuer, vault, vouches } = await play({}, { kind: "file", file });
      await issuer.prepare();
      expect(vouches()).toBe("issuer_unavailable");
      expect(vault.asked).toEqual([]);
      writeFileSync(file, "of-yesterday\n");
      await issuer.prepare();
      expect(vouches()).toBe("token_invalid");
      writeFileSync(file, `${vault.role.secretId}\n`);
      await issuer.prepare();
      expect(vouches()).toBe("login");
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe("over time a login", () => {
  test("is renewed up to the role's maximum, then followed by another one", async () => {
    const { issuer, vault, attendFor, vouches, login } = await play({ tokenMaxTtl: 4 * HOUR });
    await issuer.prepare();
    const first = login();
    await attendFor(2 * HOUR);
    expect(login().hash).toBe(first.hash);
    expect(vault.paths()).toContain("renew-self");
    await attendFor(6 * HOUR);
    expect(vouches()).toBe("login");
    expect(login().hash).not.toBe(first.hash);
    expect(issuer.logins()[0]).toMatchObject({ hash: first.hash, state: "ended" });
  });

  test("of a periodic role is renewed for ever", async () => {
    const { issuer, vault, attendFor, login } = await play({ tokenPeriod: 1800 });
    await issuer.prepare();
    const { hash } = login();
    await attendFor(24 * HOUR);
    expect(login()).toMatchObject({ hash, isRenewable: true });
    expect(vault.paths().filter((path) => path === "login")).toHaveLength(1);
  });

  test("that cannot be renewed is followed by another one in time", async () => {
    const { issuer, vault, attendFor, vouches, login } = await play({ isRenewable: false });
    await issuer.prepare();
    await attendFor(660, 60);
    // The one whose place was taken is given back.
    expect(vault.tokens().map(sha256)).toEqual([login().hash]);
    expect(issuer.logins()).toMatchObject([{ state: "ended" }, { state: "good" }]);
    await attendFor(HOUR, 60);
    expect(vouches()).toBe("login");
    expect(vault.paths()).not.toContain("renew-self");
  });

  test("that the role's policies do not let renew is followed by another one", async () => {
    const { issuer, attendFor, vouches, login } = await play({ denied: ["renew-self"] });
    await issuer.prepare();
    const { hash } = login();
    await attendFor(HOUR, 60);
    expect(vouches()).toBe("login");
    expect(login().hash).not.toBe(hash);
  });

  test("stays good while Vault is down, until its lease ends; then another one is tried for", async () => {
    const { issuer, vault, attendFor, vouches } = await play();
    await issuer.prepare();
    vault.state = "sealed";
    await attendFor(1140, 60);
    expect(vouches()).toBe("login");
    await attendFor(60, 60);
    expect(vouches()).toBe("issuer_unavailable");
    vault.state = "active";
    await attendFor(60, 60);
    expect(vouches()).toBe("login");
  });

  test("whose secret ID is used up lives to its end, and is refused then", async () => {
    const { issuer, attendFor, vouches } = await play({ secretIdNumUses: 1, tokenMaxTtl: HOUR });
    await issuer.prepare();
    await attendFor(3500, 100);
    expect(vouches()).toBe("login");
    await attendFor(200, 100);
    expect(vouches()).toBe("token_invalid");
  });
});

describe("what was revoked in Vault", () => {
  test("vouches for nobody from the next look on, and no other login takes its place", async () => {
    const { issuer, vault, attendFor, vouches, login } = await play();
    await issuer.prepare();
    vault.revokeAll();
    await issuer.attend(SIGNAL);
    expect(login().state).toBe("revoked");
    expect(vouches()).toBe("token_invalid");
    await issuer.prepare();
    await attendFor(HOUR);
    expect(vouches()).toBe("token_invalid");
    expect(vault.paths().filter((path) => path === "login")).toHaveLength(1);
  });

  test("is found by a renewal too", async () => {
    const { issuer, vault, pass, login } = await play();
    await issuer.prepare();
    pass(700);
    vault.revokeAll();
    await issuer.attend(SIGNAL);
    expect(vault.paths().slice(-2)).toEqual(["renew-self", "lookup-self"]);
    expect(login().state).toBe("revoked");
  });
});

describe("what is given back", () => {
  test("is revoked in Vault, and nothing vouches after it", async () => {
    const { issuer, vault, vouches, login } = await play();
    await issuer.prepare();
    await issuer.giveBack();
    expect(vault.paths().at(-1)).toBe("revoke-self");
    expect(vault.tokens()).toEqual([]);
    expect(login().state).toBe("ended");
    await issuer.prepare();
    expect(vouches()).toBe("token_invalid");
  });

  test("while the login is on its way is given back as well", async () => {
    const { issuer, vault } = await play();
    await Promise.all([issuer.prepare(), issuer.giveBack()]);
    expect(vault.paths()).toContain("revoke-self");
    expect(vault.tokens()).toEqual([]);
  });

  test("where Vault is down ends with its lease; the warning names no secret", async () => {
    const { issuer, vault, warned } = await play();
    await issuer.prepare();
    const [token = ""] = vault.tokens();
    vault.state = "sealed";
    await issuer.giveBack();
    expect(warned.join("\n")).toContain("ends with its lease");
    for (const secret of [token, vault.role.secretId])
      expect(warned.join("\n")).not.toContain(secret);
  });
});

import { describe, expect, test } from "vitest";

import { readConfig } from "../../src/config.ts";
import { GuvnorError } from "../../src/core/errors.ts";

const ENV = {
  GUVNOR_TOKEN_ISSUER: "vault",
  VAULT_ADDR: "https://vault.example:8200",
  GUVNOR_VAULT_ROLE_ID: "role",
  GUVNOR_VAULT_SECRET_ID: "s3cr3t",
} as const;

function refusalOf(env: Readonly<Record<string, string | undefined>>): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof GuvnorError && error.code === "config_invalid") return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

describe("the settings of Vault", () => {
  test("count only where Vault is the issuer: others use VAULT_ADDR too", () => {
    const { issuer } = readConfig({ ...ENV, VAULT_ADDR: "nonsense", GUVNOR_TOKEN_ISSUER: "" });
    expect(issuer).toEqual({ kind: "embedded", secret: undefined });
  });

  test("are read as they are set", () => {
    const { GUVNOR_VAULT_SECRET_ID: _, ...rest } = ENV;
    const set = { VAULT_NAMESPACE: "team", VAULT_CACERT: "/ca.pem" };
    expect(
      readConfig({ ...rest, ...set, GUVNOR_VAULT_SECRET_ID_FILE: "/run/secret" }),
    ).toMatchObject({
      issuer: {
        kind: "vault",
        settings: {
          address: new URL("https://vault.example:8200"),
          namespace: "team",
          caFile: "/ca.pem",
          roleId: "role",
          secretId: { kind: "file", file: "/run/secret" },
          path: "approle",
        },
      },
    });
  });

  test.each(["http://127.0.0.1:8200", "http://127.3.2.1", "http://[::1]:8200", "http://localhost"])(
    "take %s without TLS, which does not leave this machine",
    (address) => {
      expect(readConfig({ ...ENV, VAULT_ADDR: address }).issuer.kind).toBe("vault");
    },
  );

  test.each([
    "http://vault.example:8200",
    "http://127.0.0.1.example",
    "http://localhost.example",
    "http://10.0.0.1",
    "ftp://127.0.0.1",
    "https://root:s3cr3t@vault.example",
    "https://vault.example/?a=b",
    "vault.example:8200",
    "",
  ])("refuse %s as an address", (address) => {
    expect(refusalOf({ ...ENV, VAULT_ADDR: address })).toMatch(/^VAULT_ADDR /);
  });

  test.each([
    ["GUVNOR_VAULT_ROLE_ID", { GUVNOR_VAULT_ROLE_ID: "" }],
    ["GUVNOR_VAULT_SECRET_ID", { GUVNOR_VAULT_SECRET_ID: "" }],
    ["GUVNOR_VAULT_SECRET_ID", { GUVNOR_VAULT_SECRET_ID_FILE: "/run/secret" }],
    ["GUVNOR_TOKEN", { GUVNOR_TOKEN: "0".repeat(64) }],
    ["GUVNOR_VAULT_APPROLE_PATH", { GUVNOR_VAULT_APPROLE_PATH: "../sys/seal" }],
    ["VAULT_NAMESPACE", { VAULT_NAMESPACE: "a\r\nX-Vault-Token: b" }],
    ["GUVNOR_TOKEN_ISSUER", { GUVNOR_TOKEN_ISSUER: "consul" }],
  ])("name %s where it is missing, doubled or wrong, and never the secret", (name, given) => {
    const said = refusalOf({ ...ENV, ...given });
    expect(said.startsWith(name)).toBe(true);
    expect(said).not.toContain("s3cr3t");
  });
});

import { createHash } from "node:crypto";

import { afterEach } from "vitest";

import { createVaultClient, type VaultClient } from "../../src/vault/vault-client.ts";
import type { VaultSettings } from "../../src/vault/vault-settings.ts";
import { startVaultDouble, type VaultDouble } from "./vault-double.ts";

export const SIGNAL = new AbortController().signal;

const running: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of running.splice(0).toReversed()) await each.close();
});

/** Ends with the test. */
export async function vaultDouble(
  ...args: Parameters<typeof startVaultDouble>
): Promise<VaultDouble> {
  const vault = await startVaultDouble(...args);
  running.push(vault);
  return vault;
}

export function settingsFor(
  { address, role }: VaultDouble,
  given: Partial<VaultSettings> = {},
): VaultSettings {
  return {
    address: new URL(address),
    namespace: undefined,
    caFile: undefined,
    roleId: role.roleId,
    secretId: { kind: "value", value: role.secretId },
    path: "approle",
    ...given,
  };
}

/** Ends with the test. */
export function clientOf(...args: Parameters<typeof createVaultClient>): VaultClient {
  const client = createVaultClient(...args);
  running.push(client);
  return client;
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

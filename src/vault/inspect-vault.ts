import { GuvnorError } from "../core/errors.ts";
import { readSecret } from "./read-secret.ts";
import { createVaultClient, type VaultClient } from "./vault-client.ts";
import { unavailable } from "./vault-errors.ts";
import type { VaultSettings } from "./vault-settings.ts";

export interface VaultInspection {
  /** What the server says of itself, or why it says nothing. */
  readonly server: string | GuvnorError;
  /** Whom a login would make answerable; undefined where the server was not asked. */
  readonly login: string | GuvnorError | undefined;
}

/** The states of sys/health in which requests are served, by its status. */
const SERVING: ReadonlyMap<number, string> = new Map([
  [200, "unsealed and active"],
  [429, "unsealed, a standby"],
  [473, "unsealed, a performance standby"],
]);
const NOT_SERVING: ReadonlyMap<number, string> = new Map([
  [472, "it is a disaster recovery secondary"],
  [501, "it was not initialised"],
  [503, "it is sealed"],
]);

/** Asks Vault, logs in once and gives the token back; for `guvnor doctor`. */
export async function inspectVault(
  settings: VaultSettings,
  signal: AbortSignal,
): Promise<VaultInspection> {
  const client = createVaultClient(settings);
  try {
    const { status } = await client.health(signal);
    const serving = SERVING.get(status);
    if (serving === undefined) {
      const why = NOT_SERVING.get(status) ?? `sys/health answers with ${status}`;
      return { server: unavailable(why), login: undefined };
    }
    return { server: serving, login: await tryLogin(client, settings, signal) };
  } catch (error) {
    if (!(error instanceof GuvnorError)) throw error;
    return { server: error, login: undefined };
  } finally {
    client.close();
  }
}

async function tryLogin(
  client: VaultClient,
  { secretId }: VaultSettings,
  signal: AbortSignal,
): Promise<string | GuvnorError> {
  try {
    const { token, role, lease } = await client.logIn(readSecret(secretId), signal);
    try {
      await client.lookUp(token, signal);
    } finally {
      await client.revoke(token, signal);
    }
    return `works for role ${role ?? "without a name"}, for ${lease.ms / 1000} s at a time`;
  } catch (error) {
    if (error instanceof GuvnorError) return error;
    throw error;
  }
}

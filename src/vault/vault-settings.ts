import { GuvnorError } from "../core/errors.ts";

/** How this process logs in to HashiCorp Vault. */
export interface VaultSettings {
  readonly address: URL;
  /** Undefined where Vault has no namespaces, or for the root one. */
  readonly namespace: string | undefined;
  /** A file with the certificates that are trusted instead of the system's; undefined: the system's. */
  readonly caFile: string | undefined;
  readonly roleId: string;
  readonly secretId: SecretId;
  /** Where AppRole is mounted under auth/. */
  readonly path: string;
}

/** A file is read at each login, so that what was put there meanwhile counts. */
export type SecretId =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "file"; readonly file: string };

/** The variables as they were set. */
interface VaultVariables {
  readonly VAULT_ADDR?: string | undefined;
  readonly VAULT_NAMESPACE?: string | undefined;
  readonly VAULT_CACERT?: string | undefined;
  readonly GUVNOR_VAULT_ROLE_ID?: string | undefined;
  readonly GUVNOR_VAULT_SECRET_ID?: string | undefined;
  readonly GUVNOR_VAULT_SECRET_ID_FILE?: string | undefined;
  readonly GUVNOR_VAULT_APPROLE_PATH: string;
}

/** @throws {GuvnorError} `config_invalid` naming the variable, never its value. */
export function readVaultSettings(given: VaultVariables): VaultSettings {
  const { GUVNOR_VAULT_ROLE_ID: roleId, VAULT_NAMESPACE: namespace } = given;
  if (roleId === undefined) throw invalid("GUVNOR_VAULT_ROLE_ID", "is not set");
  return {
    address: readAddress(given.VAULT_ADDR),
    namespace,
    caFile: given.VAULT_CACERT,
    roleId,
    secretId: readSecretId(given),
    path: given.GUVNOR_VAULT_APPROLE_PATH,
  };
}

/** The secret goes there in clear text: without TLS only to this very machine. */
function readAddress(text: string | undefined): URL {
  if (text === undefined) throw invalid("VAULT_ADDR", "is not set");
  if (!URL.canParse(text)) throw invalid("VAULT_ADDR", "is no URL");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw invalid("VAULT_ADDR", "has more than a scheme, a host, a port and a path");
  }
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) {
    return url;
  }
  throw invalid("VAULT_ADDR", "is not https, which it must be beyond this machine");
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d+){3}$/.test(host);
}

function readSecretId(given: VaultVariables): SecretId {
  const { GUVNOR_VAULT_SECRET_ID: value, GUVNOR_VAULT_SECRET_ID_FILE: file } = given;
  if (value !== undefined && file !== undefined) {
    throw invalid("GUVNOR_VAULT_SECRET_ID", "and GUVNOR_VAULT_SECRET_ID_FILE are both set");
  }
  if (file !== undefined) return { kind: "file", file };
  if (value !== undefined) return { kind: "value", value };
  throw invalid("GUVNOR_VAULT_SECRET_ID", "is not set, and no GUVNOR_VAULT_SECRET_ID_FILE either");
}

function invalid(name: string, what: string): GuvnorError {
  return new GuvnorError(
    "config_invalid",
    `${name} ${what}; GUVNOR_TOKEN_ISSUER is vault.`,
    `Set ${name} as docs/settings.md says, or unset GUVNOR_TOKEN_ISSUER.`,
  );
}

import { readFileSync } from "node:fs";

import { unavailable } from "./vault-errors.ts";
import type { SecretId } from "./vault-settings.ts";

/** @throws {GuvnorError} `issuer_unavailable`; whoever writes the file may not have done so yet. */
export function readSecret(secretId: SecretId): string {
  if (secretId.kind === "value") return secretId.value;
  try {
    return readFileSync(secretId.file, "utf8").trim();
  } catch (error) {
    throw unavailable("the file of GUVNOR_VAULT_SECRET_ID_FILE cannot be read", error);
  }
}

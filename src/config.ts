import { availableParallelism } from "node:os";

import { z } from "zod";

import { GuvnorError } from "./core/errors.ts";
import { isAgentName } from "./core/ids.ts";
import { TOOLSETS, type Toolset } from "./tools/define-tool.ts";
import { readVaultSettings, type VaultSettings } from "./vault/vault-settings.ts";

const seconds = z.coerce
  .number()
  .int()
  .positive()
  .max(7 * 86_400);

/** Goes into headers and paths: no control characters. */
const line = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^\P{Cc}+$/u, "must be one line");

/**
 * Every setting of a process; docs/settings.md is generated from this.
 * @internal Exported for the docs.
 */
export const CONFIG_SCHEMA = z.object({
  GUVNOR_HOME: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Data directory. The project is made there on first use. Default: `guvnor` in the common git directory, or `.guvnor` of the nearest directory upward.",
    ),
  GUVNOR_CONFIG: z
    .string()
    .min(1)
    .optional()
    .describe("Settings file. Default: `guvnor.yaml` at the root of the main working tree."),
  GUVNOR_AGENT: z
    .string()
    .refine(isAgentName, "1 to 64 of a–z, 0–9, dot, dash and underscore")
    .optional()
    .describe("Name of an agent that does not register. Default: the client's name."),
  GUVNOR_DURABILITY: z
    .enum(["full", "normal"])
    .default("full")
    .describe(
      "`full`: an answered call survives a power cut. `normal`: it survives any crash of a process, and calls are faster.",
    ),
  GUVNOR_TOKEN: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "64 hex digits, as guvnor tokens enrol printed them")
    .optional()
    .describe(
      "Enrolment credential that vouches for the agents of this process. Default: the process itself does.",
    ),
  GUVNOR_TOKEN_ISSUER: z
    .enum(["embedded", "vault"])
    .default("embedded")
    .describe(
      "`vault`: HashiCorp Vault vouches for the agents of this process ([vault.md](vault.md)); the variables with VAULT in their name count only then.",
    ),
  VAULT_ADDR: line
    .optional()
    .describe(
      "Address of Vault, such as `https://vault.example:8200`; without TLS only on this machine.",
    ),
  VAULT_NAMESPACE: line.optional().describe("Namespace of Vault. Default: the root one."),
  VAULT_CACERT: line
    .optional()
    .describe("File with the certificates (PEM) that are trusted. Default: Node.js's."),
  GUVNOR_VAULT_ROLE_ID: line.optional().describe("Role ID of the AppRole."),
  GUVNOR_VAULT_SECRET_ID: line.optional().describe("Secret ID of the AppRole."),
  GUVNOR_VAULT_SECRET_ID_FILE: line
    .optional()
    .describe("File that holds the secret ID instead; read again at each login."),
  GUVNOR_VAULT_APPROLE_PATH: z
    .string()
    .regex(/^[\w-]+(?:\/[\w-]+)*$/, "as in auth/PATH/login")
    .default("approle")
    .describe("Where AppRole is mounted."),
  GUVNOR_GATE_WORKERS: z.coerce
    .number()
    .int()
    .min(0)
    .max(64)
    .optional()
    .describe(
      "Gates measured at once by all processes of the project together. Default: the number of processors; 0: this process measures none.",
    ),
  GUVNOR_POLICY_REFRESH_INTERVAL: seconds
    .default(30)
    .describe(
      "Seconds between two looks at guvnor.yaml in profile `open`, where an edit takes effect by itself.",
    ),
  GUVNOR_TOOLSETS: z
    .string()
    .regex(/^[a-z]+(,[a-z]+)*$/, `names with commas between, of: ${TOOLSETS.join(", ")}`)
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(TOOLSETS)))
    .optional()
    .describe("Sets of tools that clients are shown, with commas between. Default: `core`."),
  GUVNOR_LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error", "silent"])
    .default("warn")
    .describe("What goes to stderr."),
});

/** What vouches for the agents of the process. */
export type IssuerConfig =
  | {
      readonly kind: "embedded";
      /** An enrolment's secret; undefined: the process itself vouches. */
      readonly secret: string | undefined;
    }
  | { readonly kind: "vault"; readonly settings: VaultSettings };

export interface Config {
  readonly home: string | undefined;
  readonly settingsFile: string | undefined;
  readonly agentName: string | undefined;
  readonly durability: "full" | "normal";
  readonly issuer: IssuerConfig;
  readonly gateWorkers: number;
  readonly policyRefreshMs: number;
  readonly toolsets: readonly Toolset[];
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
}

/** @throws {GuvnorError} `config_invalid` naming the variable. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  // An empty variable is one that was not set: clients' settings files often write it so.
  const known = Object.keys(CONFIG_SCHEMA.shape).flatMap((name) =>
    env[name] === undefined || env[name] === "" ? [] : [[name, env[name]]],
  );
  const parsed = CONFIG_SCHEMA.safeParse(Object.fromEntries(known));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = String(issue?.path[0] ?? "environment");
    throw new GuvnorError(
      "config_invalid",
      `${name}: ${issue?.message ?? "invalid"}.`,
      `Set ${name} as docs/settings.md says, or unset it.`,
    );
  }
  const { data } = parsed;
  return {
    home: data.GUVNOR_HOME,
    settingsFile: data.GUVNOR_CONFIG,
    agentName: data.GUVNOR_AGENT,
    durability: data.GUVNOR_DURABILITY,
    issuer: readIssuer(data),
    gateWorkers: data.GUVNOR_GATE_WORKERS ?? availableParallelism(),
    policyRefreshMs: data.GUVNOR_POLICY_REFRESH_INTERVAL * 1000,
    toolsets: data.GUVNOR_TOOLSETS ?? ["core"],
    logLevel: data.GUVNOR_LOG_LEVEL,
  };
}

function readIssuer(data: z.infer<typeof CONFIG_SCHEMA>): IssuerConfig {
  const { GUVNOR_TOKEN_ISSUER: kind, GUVNOR_TOKEN: secret } = data;
  if (kind === "embedded") return { kind, secret };
  if (secret === undefined) return { kind, settings: readVaultSettings(data) };
  throw new GuvnorError(
    "config_invalid",
    "GUVNOR_TOKEN is set, and GUVNOR_TOKEN_ISSUER is vault: only one of them can vouch.",
    "Unset GUVNOR_TOKEN, or GUVNOR_TOKEN_ISSUER.",
  );
}

import { availableParallelism } from "node:os";

import { z } from "zod";

import { GuvnorError } from "./core/errors.ts";
import { isAgentName } from "./core/ids.ts";
import { TOOLSETS, type Toolset } from "./tools/define-tool.ts";

const seconds = z.coerce
  .number()
  .int()
  .positive()
  .max(7 * 86_400);

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

export interface Config {
  readonly home: string | undefined;
  readonly settingsFile: string | undefined;
  readonly agentName: string | undefined;
  readonly durability: "full" | "normal";
  readonly token: string | undefined;
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
    token: data.GUVNOR_TOKEN,
    gateWorkers: data.GUVNOR_GATE_WORKERS ?? availableParallelism(),
    policyRefreshMs: data.GUVNOR_POLICY_REFRESH_INTERVAL * 1000,
    toolsets: data.GUVNOR_TOOLSETS ?? ["core"],
    logLevel: data.GUVNOR_LOG_LEVEL,
  };
}

import { availableParallelism } from "node:os";

import { z } from "zod";

import { GuvnorError } from "./core/errors.ts";
import { isAgentName } from "./core/ids.ts";

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
  GUVNOR_PARALLEL_TASKS: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe("Running tasks an agent may hold when it asks for them by id."),
  GUVNOR_STALL_AFTER_SECONDS: seconds
    .default(900)
    .describe("Silence after which a running task may be given to somebody else."),
  GUVNOR_GATE_WORKERS: z.coerce
    .number()
    .int()
    .min(0)
    .max(64)
    .optional()
    .describe(
      "Gates measured at once by all processes of the project together. Default: the number of processors; 0: this process measures none.",
    ),
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
  readonly parallelTasks: number;
  readonly stallAfterMs: number;
  readonly gateWorkers: number;
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
    parallelTasks: data.GUVNOR_PARALLEL_TASKS,
    stallAfterMs: data.GUVNOR_STALL_AFTER_SECONDS * 1000,
    gateWorkers: data.GUVNOR_GATE_WORKERS ?? availableParallelism(),
    logLevel: data.GUVNOR_LOG_LEVEL,
  };
}

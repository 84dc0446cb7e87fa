import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

import { toolTypes } from "../app.ts";
import { readConfig } from "../config.ts";
import { GuvnorError } from "../core/errors.ts";
import type { ProjectSettings } from "../core/settings.ts";
import type { CompiledPolicy } from "../policy/compile-policy.ts";
import { loadPolicy } from "../policy/load-policy.ts";
import { findProject } from "../project-paths.ts";
import type { Cli } from "./cli.ts";
import { systemCode } from "./explain-error.ts";

/** A file of a person's, read. */
export interface TextFile {
  /** As people should see it: from where they are, unless that lies elsewhere. */
  readonly shown: string;
  readonly source: string;
}

export interface PolicyFile {
  readonly shown: string;
  readonly settings: ProjectSettings;
  readonly policy: CompiledPolicy;
}

/** The settings file that is meant where none is named; there need be no project. */
async function settingsFile(cli: Cli): Promise<string> {
  const config = readConfig(cli.env);
  const paths = await findProject(config, cli.directory, "use");
  return paths?.settingsFile ?? config.settingsFile ?? join(cli.directory, "guvnor.yaml");
}

/** @throws {GuvnorError} `config_invalid` where there is none. */
export async function readPolicyText(cli: Cli, file: string | undefined): Promise<TextFile> {
  if (file !== undefined) return readTextFile(cli, file, "Name a settings file.");
  return readTextFile(cli, await settingsFile(cli), "Run `guvnor init` to get one.");
}

/** @throws {GuvnorError} `config_invalid` where there is none. */
export async function readTestText(cli: Cli, file: string | undefined): Promise<TextFile> {
  const path = file ?? join(dirname(await settingsFile(cli)), "guvnor.test.yaml");
  const fix = "Write one: a list of {name, call: {tool, …}, expect: {effect}}.";
  return readTextFile(cli, path, fix);
}

/** Read and compiled. @throws {GuvnorError} `config_invalid` with every place that is wrong. */
export async function loadPolicyFile(cli: Cli, file: string | undefined): Promise<PolicyFile> {
  const { source, shown } = await readPolicyText(cli, file);
  return { shown, ...loadPolicy(source, shown, toolTypes()) };
}

function readTextFile(cli: Cli, file: string, fix: string): TextFile {
  const path = resolve(cli.directory, file);
  const near = relative(cli.directory, path);
  const shown = near.startsWith("..") ? path : near;
  try {
    return { shown, source: readFileSync(path, "utf8") };
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    const message =
      code === "ENOENT" ? `There is no ${shown}.` : `${shown} cannot be read (${code}).`;
    throw new GuvnorError("config_invalid", message, fix, { cause: error });
  }
}

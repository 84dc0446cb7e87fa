import { dirname, join, relative } from "node:path";

import { openAt, type Project, readSettingsFile } from "../../app.ts";
import { readConfig } from "../../config.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { Profile } from "../../core/settings.ts";
import { loadSettings } from "../../policy/load-settings.ts";
import { findProject, type ProjectPaths } from "../../project-paths.ts";
import { operatorKeyFile } from "../../project-paths.ts";
import type { Project as ProjectRow } from "../../store/store.ts";
import { listAncestors } from "../ancestors.ts";
import type { Cli } from "../cli.ts";
import { createLogger } from "../logger.ts";
import { type OperatorKey, readOperatorKey } from "../operator-key.ts";
import { agentAbove, keyMismatch } from "../operator.ts";
import {
  type ClaudeConfigPlan,
  planClaudeConfig,
  type ServerCommand,
  serverCommand,
} from "./claude-config.ts";
import { guessGates } from "./guess-gates.ts";
import { settingsTemplate } from "./settings-template.ts";

/** Everything that `guvnor init` will do; nothing was written yet. */
export interface InitPlan {
  readonly paths: ProjectPaths;
  readonly schemaFile: string;
  /** The project as it is; undefined where it is to be made. */
  readonly known: ProjectRow | undefined;
  readonly settings: SettingsPlan;
  readonly key: KeyPlan;
  readonly server: ServerCommand;
  /** Undefined in a bare repository, where no client works. */
  readonly claude: ClaudeConfigPlan | undefined;
}

interface SettingsPlan {
  /** Text of the file to be written; undefined where there is one. */
  readonly text: string | undefined;
  readonly source: string;
  readonly gates: readonly string[];
}

type KeyPlan =
  | { readonly kind: "kept"; readonly key: OperatorKey }
  | { readonly kind: "made"; readonly file: string }
  | { readonly kind: "skipped"; readonly file: string; readonly why: string };

/**
 * Looks at everything first, so that what is refused is refused before anything was changed.
 * @throws {GuvnorError} `config_invalid`, `key_invalid`, `git_unavailable` or `no_project`.
 */
export async function planInit(cli: Cli, profile: Profile): Promise<InitPlan> {
  const paths = await findProject(readConfig(cli.env), cli.directory, "create");
  if (paths === undefined) {
    const message = `No project can be made for ${cli.directory}.`;
    throw new GuvnorError("no_project", message, "Run it in the project's directory.");
  }
  const schemaFile = join(paths.dataDir, "guvnor.schema.json");
  const server = serverCommand(cli.env, cli.directory);
  const claude = paths.root === null ? undefined : planClaudeConfig(paths.root, server);
  const settings = planSettings(paths, schemaFile, profile);
  const known = paths.exists ? await readKnown(cli, paths) : undefined;
  return { paths, schemaFile, known, settings, key: planKey(cli, known), server, claude };
}

function planSettings(paths: ProjectPaths, schemaFile: string, profile: Profile): SettingsPlan {
  const found = readSettingsFile(paths);
  const schema = relative(dirname(paths.settingsFile), schemaFile);
  const source =
    found?.source ??
    settingsTemplate(paths.root === null ? NOTHING : guessGates(paths.root), { schema, profile });
  const { gates } = loadSettings(source, paths.settingsFile);
  return { text: found === undefined ? source : undefined, source, gates: Object.keys(gates) };
}

const NOTHING = { gates: [], prepare: undefined };

async function readKnown(cli: Cli, paths: ProjectPaths): Promise<ProjectRow | undefined> {
  const project = await openForInit(cli, paths);
  try {
    const { store, scope } = project.deps;
    return await store.read(scope, async (tx) => await tx.projects.get());
  } finally {
    await project.close();
  }
}

export async function openForInit(
  cli: Cli,
  paths: ProjectPaths,
  operatorKeyHash?: string,
): Promise<Project> {
  const config = readConfig(cli.env);
  const log = createLogger(config.logLevel);
  const key = operatorKeyHash === undefined ? {} : { operatorKeyHash };
  return await openAt(paths, { config, directory: cli.directory, log, ...key });
}

/** A key that an agent made would vouch for the agent. */
function planKey(cli: Cli, known: ProjectRow | undefined): KeyPlan {
  const key = readOperatorKey(cli.env);
  const file = operatorKeyFile(cli.env);
  const bound = known?.operatorKeyHash ?? null;
  if (key !== undefined) {
    if (bound !== null && bound !== key.hash) throw keyMismatch(key);
    return { kind: "kept", key };
  }
  if (bound !== null) {
    const why = "the key that this project knows is not on this machine; put it back there";
    return { kind: "skipped", file, why };
  }
  const agent = agentAbove(listAncestors());
  if (agent === undefined) return { kind: "made", file };
  const why = `${agent} runs this; run \`guvnor init\` in a terminal of your own to get one`;
  return { kind: "skipped", file, why };
}

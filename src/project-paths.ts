import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { basename, isAbsolute, join, resolve } from "node:path";

import type { Config } from "./config.ts";
import { locateProject } from "./git/locate-project.ts";

/** Where a project's parts lie on this machine. */
export interface ProjectPaths {
  readonly dataDir: string;
  readonly databaseFile: string;
  /**
   * Where gates are measured. Not inside the git directory: some test runners (Jest) ignore every
   * path that has `/.git/` in it.
   */
  readonly workspaceDir: string;
  readonly settingsFile: string;
  /** What people call it: the name of its directory. */
  readonly name: string;
  /** Main working tree or plain directory; null for a bare repository. */
  readonly root: string | null;
  /** The common git directory; null outside git. */
  readonly commonDir: string | null;
  /** Started from a linked worktree, whose own guvnor.yaml is ignored. */
  readonly linkedWorktree: string | null;
  /** Whether there is a database already. */
  readonly exists: boolean;
}

/** Finds the project of `directory`; undefined where none could be, outside git and without a home. */
export async function findProject(
  config: Config,
  directory: string,
  purpose: "use" | "create",
): Promise<ProjectPaths | undefined> {
  const location = await locateProject(directory);
  const git = location.kind === "git" ? location : undefined;
  const plainRoot = location.kind === "plain" ? location.root : null;
  const root = git === undefined ? (plainRoot ?? resolve(directory)) : git.mainWorktree;
  const dataDir = dataDirectory(config, { commonDir: git?.commonDir, plainRoot, root, purpose });
  if (dataDir === undefined) return undefined;
  const databaseFile = join(dataDir, "guvnor.db");
  return {
    dataDir,
    databaseFile,
    workspaceDir:
      config.home === undefined && git !== undefined ? cacheDirectory(dataDir) : dataDir,
    settingsFile: config.settingsFile ?? join(root ?? dataDir, "guvnor.yaml"),
    name: basename(root ?? (git?.commonDir ?? dataDir).replace(/\.git$/, "")),
    root,
    commonDir: git?.commonDir ?? null,
    linkedWorktree: git?.linked === true ? git.worktree : null,
    exists: existsSync(databaseFile),
  };
}

/** Kept workspaces can be made again at any time, so a cache is the place for them. */
function cacheDirectory(dataDir: string): string {
  const base = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(base, "guvnor", createHash("sha256").update(dataDir).digest("hex").slice(0, 16));
}

function dataDirectory(
  config: Config,
  found: {
    commonDir: string | undefined;
    plainRoot: string | null;
    root: string | null;
    purpose: "use" | "create";
  },
): string | undefined {
  if (config.home !== undefined) return resolve(config.home);
  if (found.commonDir !== undefined) return join(found.commonDir, "guvnor");
  if (found.plainRoot !== null) return join(found.plainRoot, ".guvnor");
  // Only `guvnor init` makes a store where there was none.
  return found.purpose === "create" && found.root !== null
    ? join(found.root, ".guvnor")
    : undefined;
}

/** Where the operator's key lies, and what a person says for all projects: outside of every repository. */
function configDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const configured = env["XDG_CONFIG_HOME"] ?? "";
  // The XDG base directory specification: relative paths are ignored.
  const base = isAbsolute(configured) ? configured : join(homedir(), ".config");
  return join(base, "guvnor");
}

export function operatorKeyFile(env: Readonly<Record<string, string | undefined>>): string {
  return join(configDirectory(env), "operator.key");
}

export function globalStopFile(env: Readonly<Record<string, string | undefined>>): string {
  return join(configDirectory(env), "stop.json");
}

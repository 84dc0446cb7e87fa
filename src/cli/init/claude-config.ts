import { existsSync, readFileSync } from "node:fs";
import { extname, isAbsolute, join, resolve } from "node:path";

import { GuvnorError } from "../../core/errors.ts";
import type { JsonObject } from "../../engine/call.ts";
import { isObject, objectOf } from "../answer.ts";
import { systemCode } from "../explain-error.ts";

/** How a client starts the server. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ClaudeConfigPlan {
  readonly file: string;
  readonly status: "made" | "updated" | "kept";
  /** What is to be written; undefined where the file stays as it is. */
  readonly text: string | undefined;
  readonly note: string | undefined;
}

/** This very installation, by absolute paths: it works whatever the client has on its PATH. */
export function serverCommand(
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): ServerCommand {
  const main = resolve(import.meta.dirname, "..", `main${extname(import.meta.filename)}`);
  const kept: Record<string, string> = {};
  for (const name of ["GUVNOR_HOME", "GUVNOR_CONFIG"]) {
    const value = env[name] ?? "";
    if (value !== "") kept[name] = resolve(directory, value);
  }
  return {
    command: process.execPath,
    args: [main, "mcp"],
    ...(Object.keys(kept).length === 0 ? {} : { env: kept }),
  };
}

/**
 * What becomes of `.mcp.json`, from which Claude Code takes a project's servers. Other servers stay,
 * and so does an entry of ours that works.
 * @throws {GuvnorError} `config_invalid` when what is there is not what Claude Code could read.
 */
export function planClaudeConfig(root: string, server: ServerCommand): ClaudeConfigPlan {
  const file = join(root, ".mcp.json");
  const text = readOr(file);
  if (text === undefined) {
    const made = `${JSON.stringify({ mcpServers: { guvnor: server } }, null, 2)}\n`;
    return { file, status: "made", text: made, note: undefined };
  }
  const config = parseConfig(text, file);
  const servers = objectOf(config, "mcpServers");
  const existing = servers["guvnor"];
  if (isSame(existing, server)) return { file, status: "kept", text: undefined, note: undefined };
  if (isObject(existing) && works(existing)) {
    const note = "it has a guvnor server of its own, which is left as it is";
    return { file, status: "kept", text: undefined, note };
  }
  const entry = isObject(existing) ? { ...existing, ...server } : server;
  const merged = { ...config, mcpServers: { ...servers, guvnor: entry } };
  const indent = /^\{\r?\n([ \t]+)"/.exec(text)?.[1] ?? 2;
  const note = existing === undefined ? "added guvnor to what is there" : "its program was gone";
  const updated = `${JSON.stringify(merged, null, indent)}\n`;
  return { file, status: "updated", text: updated, note };
}

function isSame(existing: unknown, server: ServerCommand): boolean {
  return (
    isObject(existing) && JSON.stringify({ ...existing, ...server }) === JSON.stringify(existing)
  );
}

/** A remote server, a program on the PATH, or files that are there. */
function works(entry: JsonObject): boolean {
  const { command, args, url } = entry;
  if (typeof url === "string") return true;
  if (typeof command !== "string") return false;
  const words = [command, ...(Array.isArray(args) ? args.slice(0, 1).map(String) : [])];
  return words.every((word) => !isAbsolute(word) || existsSync(word));
}

function parseConfig(text: string, file: string): JsonObject {
  let config: unknown;
  try {
    config = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw refused(`${file} is not valid JSON and was left as it is.`, error);
  }
  const servers = isObject(config) ? (config["mcpServers"] ?? {}) : undefined;
  if (isObject(config) && isObject(servers)) return config;
  throw refused(`${file} does not hold {"mcpServers": {…}} and was left as it is.`);
}

function refused(message: string, cause?: unknown): GuvnorError {
  const fix = "Correct or remove the file, then run `guvnor init` again. Nothing was changed.";
  return new GuvnorError("config_invalid", message, fix, { cause });
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { z } from "zod";

import { TOOLSETS } from "../../src/tools/define-tool.ts";

/** Where the relative paths of mcp.json begin. */
const ROOT = join(import.meta.dirname, "../..");

const mcpJson = z.object({
  mcpServers: z.object({ guvnor: z.object({ command: z.string(), args: z.array(z.string()) }) }),
});

/** How a client starts the server: the command of mcp.json, on a project of its own. */
export interface Server {
  readonly command: string;
  readonly args: string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
  /** An empty home directory for the client. */
  readonly clientHome: string;
  remove(): void;
}

/** A new project; nothing of this checkout's own settings takes part. */
export function makeServer(): Server {
  buildOnce();
  const text = readFileSync(join(ROOT, "mcp.json"), "utf8");
  const { command, args } = mcpJson.parse(JSON.parse(text)).mcpServers.guvnor;
  const directory = mkdtempSync(join(tmpdir(), "guvnor-clients-"));
  const settings = join(directory, "guvnor.yaml");
  writeFileSync(settings, "version: 1\n");
  return {
    command,
    args,
    cwd: ROOT,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: directory,
      GUVNOR_HOME: join(directory, "data"),
      GUVNOR_TOOLSETS: TOOLSETS.join(","),
      GUVNOR_CONFIG: settings,
    },
    clientHome: directory,
    remove: () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** `npm ci` builds; this is for a checkout whose dist was thrown away. */
function buildOnce(): void {
  if (existsSync(join(ROOT, "dist/cli/main.js"))) return;
  execFileSync("npm", ["run", "build"], { cwd: ROOT, stdio: "ignore", timeout: 120_000 });
}

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** How a server is started. */
export interface ServerCommand {
  readonly command: string;
  readonly args: string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
}

export type Durability = "full" | "normal";

export interface GuvnorOptions {
  /** Data directory; the project is made there at the first call. */
  readonly home: string;
  /** Where the agent works; default: `home`. */
  readonly cwd?: string;
  readonly durability: Durability;
  readonly agent?: string;
}

export const CHECKOUT = join(import.meta.dirname, "..");

/** `guvnor mcp` as it was built. */
export function guvnorCommand(options: GuvnorOptions): ServerCommand {
  return {
    command: process.execPath,
    args: [join(CHECKOUT, "dist", "cli", "main.js"), "mcp"],
    cwd: options.cwd ?? options.home,
    env: {
      ...plainEnvironment(),
      GUVNOR_HOME: options.home,
      GUVNOR_DURABILITY: options.durability,
      ...(options.agent === undefined ? {} : { GUVNOR_AGENT: options.agent }),
    },
  };
}

/** Passed as text: stripping types, which guvnor was built without, is no part of its start. */
export function echoCommand(): ServerCommand {
  const source = readFileSync(join(import.meta.dirname, "echo-server.ts"), "utf8");
  return {
    command: process.execPath,
    args: ["--input-type=module", "--eval", source],
    cwd: CHECKOUT,
    env: plainEnvironment(),
  };
}

/** Nothing of guvnor's own settings, whatever the shell has. */
function plainEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !name.startsWith("GUVNOR_"),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, value ?? ""]));
}

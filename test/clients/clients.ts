import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client";
import { StdioClientTransport as StdioClientTransportV1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { z } from "zod";

import type { Server } from "./server.ts";

const INFO = { name: "acceptance", version: "1.0.0" };
/** A client that hangs must not hang the tests. */
const LIMIT_MS = 30_000;
const require = createRequire(import.meta.url);
/** Its own file rather than its link: it runs with this very Node. */
const INSPECTOR = join(
  dirname(require.resolve("@modelcontextprotocol/inspector/package.json")),
  "clients/launcher/build/index.js",
);
/** The Inspector's exit code where a tool answered with an error. */
const TOOL_ERROR = 5;

const listed = z.object({
  tools: z.array(
    z.looseObject({ name: z.string(), outputSchema: z.record(z.string(), z.unknown()) }),
  ),
});
const called = z.looseObject({
  content: z.array(z.looseObject({ type: z.string(), text: z.string() })),
  structuredContent: z.record(z.string(), z.unknown()),
  isError: z.boolean().optional(),
});

export type ListedTool = z.infer<typeof listed>["tools"][number];
type CallResult = z.infer<typeof called>;
export type Arguments = Record<string, unknown>;

/** One client, connected; the Inspector connects anew for each request. */
export interface Connected {
  list(): Promise<readonly ListedTool[]>;
  call(name: string, args: Arguments): Promise<CallResult>;
  close(): Promise<void>;
}

export interface ClientKind {
  readonly name: string;
  readonly connect: (server: Server) => Promise<Connected>;
}

export const CLIENTS: readonly ClientKind[] = [
  { name: "the v2 client, 2025-11-25 and older", connect: (server) => v2(server, "legacy") },
  { name: "the v2 client, 2026-07-28", connect: (server) => v2(server, { pin: "2026-07-28" }) },
  { name: "the v1 client", connect: v1 },
  { name: "MCP Inspector", connect: (server) => inspector(server, "legacy") },
  { name: "MCP Inspector, 2026-07-28", connect: (server) => inspector(server, "modern") },
];

export async function v2(
  { command, args, cwd, env }: Server,
  mode: "legacy" | "auto" | { pin: string },
): Promise<Connected> {
  const client = new Client(INFO, { versionNegotiation: { mode } });
  const options = { timeout: LIMIT_MS };
  await client.connect(new StdioClientTransport({ command, args, cwd, env }), options);
  return {
    list: async () => listed.parse(await client.listTools(undefined, options)).tools,
    call: async (name, given) =>
      called.parse(await client.callTool({ name, arguments: given }, options)),
    close: async () => await client.close(),
  };
}

async function v1({ command, args, cwd, env }: Server): Promise<Connected> {
  const client = new ClientV1(INFO);
  const options = { timeout: LIMIT_MS };
  await client.connect(new StdioClientTransportV1({ command, args, cwd, env }), options);
  return {
    list: async () => listed.parse(await client.listTools(undefined, options)).tools,
    call: async (name, given) =>
      called.parse(await client.callTool({ name, arguments: given }, undefined, options)),
    close: async () => await client.close(),
  };
}

/** The Inspector's command line: one process of its own, and one of ours, for each request. */
function inspector(server: Server, era: "legacy" | "modern"): Promise<Connected> {
  const ask = async (...request: string[]): Promise<unknown> => {
    const settings = Object.entries(server.env).flatMap(([name, value]) => [
      "-e",
      `${name}=${value}`,
    ]);
    const target = [server.command, ...server.args];
    const output = await run(server, [
      "--cli",
      ...target,
      ...settings,
      "--protocol-era",
      era,
      "--format",
      "json",
      "-q",
      ...request,
    ]);
    return z.object({ result: z.unknown() }).parse(JSON.parse(output)).result;
  };
  return Promise.resolve({
    list: async () => listed.parse(await ask("--method", "tools/list")).tools,
    call: async (name, given) => {
      const pairs = Object.entries(given).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      const args = pairs.length === 0 ? [] : ["--tool-arg", ...pairs];
      return called.parse(await ask("--method", "tools/call", "--tool-name", name, ...args));
    },
    close: () => Promise.resolve(),
  });
}

async function run(server: Server, args: readonly string[]): Promise<string> {
  // It writes to the home directory of whoever starts it.
  const env = { PATH: server.env["PATH"], HOME: server.clientHome };
  return await new Promise((resolve, reject) => {
    const options = { cwd: server.cwd, env, timeout: LIMIT_MS, maxBuffer: 16 * 1024 * 1024 };
    execFile(process.execPath, [INSPECTOR, ...args], options, (error, stdout, stderr) => {
      if (error === null || error.code === TOOL_ERROR) resolve(stdout);
      else reject(new Error(`the Inspector failed: ${stderr}${stdout}`, { cause: error }));
    });
  });
}

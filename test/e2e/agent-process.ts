import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterEach } from "vitest";

import { RawClient } from "../mcp/raw-client.ts";
import { betweenWrites } from "../store/database-file.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
/** Longer than anything that is waited for; only what is broken gets so far. */
const BOUND_MS = 40_000;
const STEP_MS = 20;

export type Body = Readonly<Record<string, unknown>>;

/** One client with the server process that it started. */
export interface AgentProcess {
  readonly client: Client;
  readonly pid: number;
  /** What the server has written to stderr. */
  readonly stderr: () => string;
  readonly call: (tool: string, args?: object) => Promise<{ isError: boolean; body: Body }>;
  /** The answer of a call that must succeed. */
  readonly ok: (tool: string, args?: object) => Promise<Body>;
  /** The code of a call that must be refused. */
  readonly refusal: (tool: string, args?: object) => Promise<string>;
  readonly signal: (name: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGUSR2") => void;
  /** As a client does that has no more use for its server. */
  readonly close: () => Promise<void>;
}

export interface StartOptions {
  readonly home?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly nodeArgs?: readonly string[];
  /** Program and arguments that the server is started under. */
  readonly under?: readonly string[];
  readonly mode?: "legacy" | "auto";
}

function mainCommand(nodeArgs: readonly string[] = []): string[] {
  return [process.execPath, ...nodeArgs, MAIN, "mcp"];
}

const started = new Set<{ readonly pid: number; readonly client: Client }>();
const children: ChildProcessWithoutNullStreams[] = [];
const directories: string[] = [];

afterEach(async () => {
  const all = [...started];
  started.clear();
  for (const { pid } of all) kill(pid, "SIGKILL");
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await Promise.all(all.map(async ({ client }) => await client.close().catch(() => undefined)));
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** Lives as long as the test. */
export function temporaryDirectory(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "guvnor-e2e-")));
  directories.push(path);
  return path;
}

export function databaseOf(home: string): string {
  return join(home, "guvnor.db");
}

export async function startAgent(name: string, options: StartOptions): Promise<AgentProcess> {
  const { home, cwd, env = {}, nodeArgs, under = [], mode = "legacy" } = options;
  const [command = "", ...args] = [...under, ...mainCommand(nodeArgs)];
  const transport = new StdioClientTransport({
    command,
    args,
    cwd: cwd ?? temporaryDirectory(),
    stderr: "pipe",
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      GUVNOR_DURABILITY: "normal",
      ...(home === undefined ? {} : { GUVNOR_HOME: home }),
      ...env,
    },
  });
  let stderr = "";
  transport.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
  const client = new Client({ name, version: "1.0.0" }, { versionNegotiation: { mode } });
  await client.connect(transport);
  const { pid } = transport;
  if (pid === null) throw new Error(`${name} was not started: ${stderr}`);
  const entry = { pid, client };
  started.add(entry);
  const call: AgentProcess["call"] = async (tool, input = {}) => {
    const result = await client.callTool(
      { name: tool, arguments: { ...input } },
      { timeout: BOUND_MS },
    );
    const { structuredContent } = result as { structuredContent?: Body };
    return { isError: result.isError === true, body: { ...structuredContent } };
  };
  return {
    client,
    pid,
    stderr: () => stderr,
    call,
    ok: async (tool, input) => {
      const { isError, body } = await call(tool, input);
      if (isError) throw new Error(`${tool} was refused: ${JSON.stringify(body)}`);
      return body;
    },
    refusal: async (tool, input) => {
      const { isError, body } = await call(tool, input);
      if (!isError) throw new Error(`${tool} was not refused: ${JSON.stringify(body)}`);
      return String(body["code"]);
    },
    signal: (signal) => kill(pid, signal),
    close: async () => {
      started.delete(entry);
      await client.close();
    },
  };
}

/** Suspends processes while none of them writes: one that sleeps with the write lock holds up everybody. */
export async function suspend(home: string, agents: readonly AgentProcess[]): Promise<void> {
  await betweenWrites(databaseOf(home), async () => {
    for (const { signal } of agents) signal("SIGSTOP");
    for (const { pid } of agents) await until("it is stopped", () => isStopped(pid));
  });
}

function isStopped(pid: number): boolean {
  const state = execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return state.startsWith("T");
}

/** A server whose client writes whatever it likes. */
export interface RawProcess {
  readonly raw: RawClient;
  readonly child: ChildProcessWithoutNullStreams;
  readonly stderr: () => string;
  /** Exit code, null after a signal. */
  readonly ended: Promise<number | null>;
}

export function startRaw(
  home: string,
  env: Readonly<Record<string, string>> = {},
  under: readonly string[] = [],
): RawProcess {
  const [command = "", ...args] = [...under, ...mainCommand()];
  const child = spawn(command, args, {
    cwd: temporaryDirectory(),
    env: { ...process.env, GUVNOR_HOME: home, GUVNOR_DURABILITY: "normal", ...env },
  });
  children.push(child);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  const ended = new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  return { raw: new RawClient(child.stdin, child.stdout), child, stderr: () => stderr, ended };
}

/** The id of the task in an answer of request_task, undefined when there was none. */
export function taskOf(body: Body): string | undefined {
  const { task } = body as { task?: { id: string } };
  return task?.id;
}

export function fenceOf(body: Body): number {
  const { lease } = body as { lease?: { fence: number } };
  if (lease === undefined) throw new Error(`no lease: ${JSON.stringify(body)}`);
  return lease.fence;
}

/** Waits for a condition that nothing announces; fails when it does not come true. */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const give = performance.now() + BOUND_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > give) throw new Error(`it never came: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, STEP_MS);
    });
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended by itself.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

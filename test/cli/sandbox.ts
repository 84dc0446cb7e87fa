import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { git } from "../git/repository-fixture.ts";
import { type Message, RawClient } from "../mcp/raw-client.ts";

export const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A person's machine in one directory: a repository, and a home of its own. */
export interface Sandbox {
  readonly base: string;
  /** The repository. */
  readonly project: string;
  readonly keyFile: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs the real command line in the repository. */
  guvnor(...args: readonly string[]): Promise<Ended>;
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** The one JSON document that a command printed. */
  json(...args: readonly string[]): Promise<Record<string, unknown>>;
  /** A running `guvnor mcp`, which is ended with the sandbox. */
  serve(env?: NodeJS.ProcessEnv): Served;
  /** A command that goes on; `heard` gets each line it prints. */
  follow(args: readonly string[], heard: (line: string) => void): Following;
  /** Puts a key there, as an earlier `guvnor init` would have. */
  makeKey(): string;
  remove(): void;
}

export interface RunOptions {
  readonly directory?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string;
  /** What runs node, e.g. a script that plays an agent. */
  readonly through?: readonly string[];
}

export interface Served {
  readonly child: ChildProcessWithoutNullStreams;
  readonly client: RawClient;
  readonly exited: Promise<Ended>;
}

export interface Following {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<Ended>;
  /** Waits for a line after which it is so. */
  until(isTrue: () => boolean): Promise<void>;
}

const INHERITED = ["PATH", "TMPDIR", "NODE_V8_COVERAGE", "NODE_OPTIONS", "NODE_COMPILE_CACHE"];

export function createSandbox({ repository = true } = {}): Sandbox {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "guvnor-test-")));
  const project = join(base, "app");
  mkdirSync(project);
  if (repository) {
    git(project, "init", "--quiet", "--initial-branch=main");
    writeFileSync(join(project, "package.json"), '{ "scripts": { "test": "node --test" } }\n');
    git(project, "add", "--all");
    git(project, "commit", "--quiet", "--message", "first");
  }
  const inherited = INHERITED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const env: NodeJS.ProcessEnv = {
    ...Object.fromEntries(inherited),
    HOME: join(base, "home"),
    XDG_CONFIG_HOME: join(base, "config"),
    XDG_CACHE_HOME: join(base, "cache"),
  };
  const keyFile = join(base, "config", "guvnor", "operator.key");
  const servers: ChildProcessWithoutNullStreams[] = [];
  const run = async (args: readonly string[], options: RunOptions = {}): Promise<Ended> => {
    const [program = "", ...rest] = [...(options.through ?? []), process.execPath, MAIN, ...args];
    const child = spawn(program, rest, {
      cwd: options.directory ?? project,
      env: { ...env, ...options.env },
    });
    child.stdin.on("error", () => {});
    child.stdin.end(options.stdin ?? "");
    return await ended(child);
  };
  return {
    base,
    project,
    keyFile,
    env,
    run,
    guvnor: async (...args) => await run(args),
    json: async (...args) => {
      const { stdout } = await run([...args, "--json"]);
      return JSON.parse(stdout) as Record<string, unknown>;
    },
    serve: (extra = {}) => {
      const child = spawn(process.execPath, [MAIN, "mcp"], {
        cwd: project,
        env: { ...env, ...extra },
      });
      servers.push(child);
      const client = new RawClient(child.stdin, child.stdout);
      return { child, client, exited: ended(child) };
    },
    follow: (args, heard) => {
      const child = spawn(process.execPath, [MAIN, ...args], { cwd: project, env });
      servers.push(child);
      return { child, exited: ended(child), until: untilLine(child, heard) };
    },
    makeKey: () => {
      const key = randomBytes(32).toString("hex");
      mkdirSync(join(base, "config", "guvnor"), { recursive: true });
      writeFileSync(keyFile, `${key}\n`, { mode: 0o600 });
      return key;
    },
    remove: () => {
      for (const child of servers) child.kill("SIGKILL");
      rmSync(base, { recursive: true, force: true });
    },
  };
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (stderr += text));
  const code = await new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  return { code, stdout, stderr };
}

/** What register_agent answered with. */
export function sessionOf({ result }: Message): string {
  const { session } = (result?.["structuredContent"] ?? {}) as { session?: string };
  return session ?? "";
}

/** Every file below, with its content: to see that nothing was changed. */
export function snapshot(directory: string): Record<string, string> {
  if (!existsSync(directory)) return {};
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.toSorted().map((file) => [file, readFileSync(file, "latin1")]));
}

function untilLine(
  { stdout }: ChildProcessWithoutNullStreams,
  heard: (line: string) => void,
): Following["until"] {
  let rest = "";
  let wake: (() => void) | undefined;
  stdout.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) heard(line);
    wake?.();
  });
  return async (isTrue) => {
    while (!isTrue()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}

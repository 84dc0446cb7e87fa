// oxlint-disable-next-line no-restricted-imports -- the agents of the demo are clients, like any other
import { Client } from "@modelcontextprotocol/client";
// oxlint-disable-next-line no-restricted-imports -- see above
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import { entryFile } from "./programs.ts";

export type Body = Readonly<Record<string, unknown>>;

/** An agent's connection to its own `guvnor mcp`. */
export interface Connection {
  /** @throws {Error} with code, message and fix where guvnor refuses. */
  call(tool: string, args: Body): Promise<Body>;
  /** Whether the last answer said that messages wait. */
  hasInbox(): boolean;
  /** Waits, by the resource's change notifications, until what it shows is as wanted. */
  until(uri: string, isWanted: (shown: Body) => boolean): Promise<Body>;
  close(): Promise<void>;
}

/** Waiting calls of 50 s and a margin. */
const CALL_TIMEOUT_MS = 75_000;
const HOLD_LIMIT_MS = 120_000;

export async function connect(name: string, worktree: string): Promise<Connection> {
  const client = new Client(
    { name, version: "1.0.0" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  const env = Object.entries(process.env).filter(
    (each): each is [string, string] => each[1] !== undefined,
  );
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [entryFile("..", "main"), "mcp"],
      cwd: worktree,
      env: Object.fromEntries(env),
      stderr: "inherit",
    }),
  );
  let inbox = false;
  return {
    call: async (tool, args) => {
      const result = await client.callTool(
        { name: tool, arguments: args },
        { timeout: CALL_TIMEOUT_MS },
      );
      const body = asBody(result.structuredContent);
      if (result.isError === true) {
        const { code, message, fix } = body;
        throw new Error(`${tool}: ${String(code)}: ${String(message)} ${String(fix)}`);
      }
      inbox = body["inbox"] !== undefined;
      return body;
    },
    hasInbox: () => inbox,
    until: async (uri, isWanted) => await untilShown(client, uri, isWanted),
    close: async () => await client.close(),
  };
}

async function untilShown(
  client: Client,
  uri: string,
  isWanted: (shown: Body) => boolean,
): Promise<Body> {
  const limit = AbortSignal.timeout(HOLD_LIMIT_MS);
  let wake: (() => void) | undefined;
  let isNews = false;
  client.setNotificationHandler("notifications/resources/updated", () => {
    isNews = true;
    wake?.();
  });
  limit.addEventListener("abort", () => wake?.());
  const subscription = await client.listen({ resourceSubscriptions: [uri] });
  try {
    for (;;) {
      isNews = false;
      const shown = await readResource(client, uri);
      if (isWanted(shown)) return shown;
      if (limit.aborted) throw new Error(`${uri} did not come so far in ${HOLD_LIMIT_MS} ms.`);
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (isNews || limit.aborted) resolve();
      });
    }
  } finally {
    await subscription.close();
  }
}

async function readResource(client: Client, uri: string): Promise<Body> {
  const { contents } = await client.readResource({ uri });
  const [content] = contents;
  if (content === undefined || !("text" in content)) throw new Error(`${uri} is empty.`);
  return asBody(JSON.parse(content.text));
}

export function asBody(value: unknown): Body {
  if (isBody(value)) return value;
  throw new Error(`Not an object: ${JSON.stringify(value)}`);
}

function isBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list of objects in an answer; parts that are empty are left out of answers. */
export function asRows(value: unknown): readonly Body[] {
  return Array.isArray(value) ? value.map(asBody) : [];
}

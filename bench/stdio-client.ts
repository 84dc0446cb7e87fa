import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import { type Answer, answerOf } from "./answer.ts";
import { childEnded, childStarted } from "./children.ts";
import type { ServerCommand } from "./servers.ts";

/** One server process and the client that talks to it. */
export interface StdioClient {
  readonly pid: number;
  /** @throws when the tool answered with an error. */
  readonly call: (name: string, args: Record<string, unknown>) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

export async function startClient(server: ServerCommand): Promise<StdioClient> {
  const transport = new StdioClientTransport({ ...server, stderr: "inherit" });
  const client = new Client({ name: "bench", version: "1.0.0" });
  await client.connect(transport);
  const { pid } = transport;
  if (pid === null) throw new Error("the server has ended");
  childStarted(pid);
  return {
    pid,
    call: async (name, args) => {
      const { isError, structuredContent } = await client.callTool({ name, arguments: args });
      if (isError === true) throw new Error(`${name}: ${JSON.stringify(structuredContent)}`);
      return answerOf(structuredContent);
    },
    close: async () => {
      await client.close();
      childEnded(pid);
    },
  };
}

/** Starts a client for each command, runs `work`, and closes them all. */
export async function withClients<T>(
  servers: readonly ServerCommand[],
  work: (clients: readonly StdioClient[]) => Promise<T>,
): Promise<T> {
  const clients: StdioClient[] = [];
  try {
    // A few at a time: a hundred starts at once would only wait for each other.
    for (let from = 0; from < servers.length; from += 4) {
      const few = servers.slice(from, from + 4);
      clients.push(...(await Promise.all(few.map(startClient))));
    }
    return await work(clients);
  } finally {
    await Promise.all(clients.map(async (client) => await client.close()));
  }
}

/** Milliseconds that the call took. */
export async function timed(call: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await call();
  return performance.now() - startedMs;
}

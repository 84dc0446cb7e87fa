import type { Readable, Writable } from "node:stream";

import { serveStdio } from "@modelcontextprotocol/server/stdio";

import { ActiveCalls } from "./active-calls.ts";
import { type Connection, createServerFactory, type ServerOptions } from "./create-server.ts";
import { MAX_LISTENS, ResourceWatches } from "./resource-watches.ts";
import { StdioTransport } from "./stdio-transport.ts";

export interface ServeStdioOptions extends ServerOptions {
  readonly stdin: Readable;
  readonly stdout: Writable;
}

export interface StdioService {
  /** Resolves when the connection is closed and every call that it began has ended. */
  readonly closed: Promise<void>;
  /** Ends calls in flight and closes the connection; resolves with `closed`. */
  close(): Promise<void>;
}

/** How long a client that does not read may hold up `close`. */
const CLOSE_GRACE_MS = 1000;

/**
 * Serves one client over stdio, whichever of the protocol versions it speaks. Ends by itself when
 * stdin ends or stdout breaks. `onError` gets what happened beside the protocol, for a log; its
 * messages may quote the client.
 */
export function serveGuvnorStdio(options: ServeStdioOptions): StdioService {
  const { stdin, stdout } = options;
  const onError = oncePerError(options.onError);
  const calls = new ActiveCalls(onError);
  const watches = new ResourceWatches(options.resources);
  const transport = new StdioTransport({
    stdin,
    stdout,
    onOutcome: (_id, delivered, call) => {
      if (call !== undefined) calls.outcome(call, delivered);
    },
    onEnd: () => calls.abortAll(),
    onListen: (id, uris) => {
      for (const uri of uris) watches.add(id, uri);
    },
    onRequestOver: (id) => watches.removeAllOf(id),
  });
  const handle = serveStdio(createServerFactory({ ...options, onError }, { calls, watches }), {
    legacy: "serve",
    transport,
    onerror: onError,
    maxSubscriptions: MAX_LISTENS,
  });
  const closed = untilQuiet(transport.closed, { calls, watches });
  return {
    closed,
    close: async () => {
      await transport.drain();
      // Says goodbye to listening requests, which a client that does not read could hold up.
      const timer = setTimeout(() => void transport.close(), CLOSE_GRACE_MS);
      await handle.close();
      clearTimeout(timer);
      await closed;
    },
  };
}

/** The SDK reports an error of the transport for the connection and again for its server. */
function oncePerError(onError: (error: Error) => void): (error: Error) => void {
  const reported = new WeakSet<Error>();
  return (error) => {
    if (reported.has(error)) return;
    reported.add(error);
    onError(error);
  };
}

async function untilQuiet(transportClosed: Promise<void>, connection: Connection): Promise<void> {
  await transportClosed;
  connection.watches.stopAll();
  connection.calls.abortAll();
  await connection.calls.idle();
}

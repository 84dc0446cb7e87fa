import {
  CLIENT_INFO_META_KEY,
  type CallToolResult,
  type McpServerFactory,
  Server,
  type ServerContext,
  type Tool,
} from "@modelcontextprotocol/server";

import { findInputProblem, plainText } from "../core/check-input.ts";
import type { CallAnswer, Governor, IncomingCall } from "../engine/call.ts";
import type { ResourceReader } from "../engine/resources.ts";
import type { ToolDefinition } from "../tools/define-tool.ts";
import type { ActiveCalls } from "./active-calls.ts";
import { addPrompts, type PromptDefinition } from "./add-prompts.ts";
import { addResources } from "./add-resources.ts";
import { describeTool } from "./describe-tools.ts";
import type { ResourceWatches } from "./resource-watches.ts";
import { isRecord, takeCall, type ToolCall } from "./tool-call.ts";

export interface ServerOptions {
  readonly governor: Governor;
  readonly tools: readonly ToolDefinition[];
  readonly resources: ResourceReader;
  /** At most ten lines: what matters to the model comes first. */
  readonly instructions: string;
  readonly prompts: readonly PromptDefinition[];
  readonly version: string;
  readonly onError: (error: Error) => void;
}

/** What belongs to the connection rather than to a server, of which there may be two. */
export interface Connection {
  readonly calls: ActiveCalls;
  readonly watches: ResourceWatches;
}

const MAX_CLIENT_NAME_LENGTH = 64;

/**
 * Builds a server for each connection, or two where a modern client turns out to be an old one.
 * Making one reads and writes nothing: the first tool call is the first thing that counts.
 */
export function createServerFactory(
  options: ServerOptions,
  connection: Connection,
): McpServerFactory {
  // Converting the schemas takes longer than the handshake, so it waits until someone asks.
  let described: Tool[] | undefined;
  const describeTools = (): Tool[] => (described ??= options.tools.map(describeTool));
  return () => {
    const server = new Server(
      { name: "guvnor", version: options.version },
      {
        capabilities: {
          tools: {},
          resources: { subscribe: true, listChanged: true },
          prompts: {},
        },
        instructions: options.instructions,
      },
    );
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's server is no EventTarget
    server.onerror = options.onError;
    server.setRequestHandler("tools/list", () => ({ tools: describeTools() }));
    server.setRequestHandler("tools/call", (request, ctx) =>
      callTool({ options, connection, server }, request.params, ctx),
    );
    addResources(server, options.resources, connection.watches, options.onError);
    addPrompts(server, options.prompts, options.onError);
    return server;
  };
}

interface CallEnvironment {
  readonly options: ServerOptions;
  readonly connection: Connection;
  readonly server: Server;
}

async function callTool(
  { options, connection, server }: CallEnvironment,
  params: { readonly name: string; readonly arguments?: unknown },
  ctx: ServerContext,
): Promise<CallToolResult> {
  const { signal: clientSignal, _meta: meta } = ctx.mcpReq;
  const call = takeCall(meta) ?? plainCall(params.name, params.arguments ?? {});
  const answer = await connection.calls.run(call, clientSignal, async (signal) => {
    const onWaiting = progressReporter(ctx, signal, options.onError);
    const incoming: IncomingCall = {
      operation: call.operation,
      args: call.args,
      caller: { kind: "agent", channel: "stdio", clientName: clientNameOf(server, ctx) },
      signal,
      ...(call.problem !== undefined && { problem: call.problem }),
      ...(call.trace !== undefined && { trace: call.trace }),
      ...(onWaiting !== undefined && { onWaiting }),
    };
    return await callGovernor(options, incoming);
  });
  return toResult(answer);
}

/** A call that came by another transport than ours, which did not look at it. */
function plainCall(operation: string, args: unknown): ToolCall {
  const problem = findInputProblem(args);
  return { operation, args, ...(problem !== undefined && { problem }) };
}

/** The governor never throws; if it does, the client learns nothing of why. */
async function callGovernor(options: ServerOptions, incoming: IncomingCall): Promise<CallAnswer> {
  try {
    return await options.governor.call(incoming);
  } catch (error) {
    options.onError(new Error("A call failed outside the governor.", { cause: error }));
    const fix = "Try again; if it fails again, tell the person who runs guvnor.";
    const body = { code: "internal", message: "The call failed.", fix };
    return { callId: "", isError: true, body };
  }
}

/** Clients show the model the text or the structured content, never both: each is the whole. */
function toResult({ body, isError }: CallAnswer): CallToolResult {
  return {
    content: [{ type: "text", text: JSON.stringify(body) }],
    structuredContent: { ...body },
    ...(isError && { isError }),
  };
}

/** As the client names itself: with each request in the modern protocol, once in the old ones. */
function clientNameOf(server: Server, ctx: ServerContext): string | undefined {
  const envelope: Readonly<Record<string, unknown>> | undefined = ctx.mcpReq.envelope;
  const info = envelope?.[CLIENT_INFO_META_KEY] ?? server.getClientVersion();
  const name = isRecord(info) ? info["name"] : undefined;
  if (typeof name !== "string") return undefined;
  return plainText(name, MAX_CLIENT_NAME_LENGTH) || undefined;
}

function progressReporter(
  ctx: ServerContext,
  signal: AbortSignal,
  onError: (error: Error) => void,
): ((waitedMs: number) => void) | undefined {
  const { _meta: meta } = ctx.mcpReq;
  const progressToken = meta?.progressToken;
  if (progressToken === undefined) return undefined;
  return (waitedMs) => {
    if (signal.aborted) return;
    const progress = waitedMs / 1000;
    const message = `Still waiting after ${Math.round(progress)} s.`;
    ctx.mcpReq
      .notify({
        method: "notifications/progress",
        params: { progressToken, progress, message },
      })
      .catch((error: unknown) => {
        onError(new Error("Progress could not be reported.", { cause: error }));
      });
  };
}

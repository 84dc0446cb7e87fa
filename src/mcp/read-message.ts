import { isUtf8 } from "node:buffer";

import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  LOG_LEVEL_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  ProtocolErrorCode,
  type RequestId,
  TRACEPARENT_META_KEY,
} from "@modelcontextprotocol/server";

import { findInputProblem, plainText } from "../core/check-input.ts";
import type { InputProblem } from "../engine/call.ts";
import { MAX_URIS_PER_LISTEN } from "./resource-watches.ts";
import { callMeta, isRecord, type ToolCall } from "./tool-call.ts";

/** A message that the SDK can take. */
interface Delivery {
  readonly kind: "deliver";
  readonly message: JSONRPCMessage;
  readonly call?: ToolCall;
}

/** What to do about one line of input. */
export type Inbound =
  | Delivery
  | {
      readonly kind: "answer";
      readonly id: RequestId | null;
      readonly code: number;
      readonly message: string;
    }
  /** Nothing can be answered: it was no request. */
  | { readonly kind: "drop"; readonly reason: string };

type Members = Readonly<Record<string, unknown>>;

const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
/** The message itself is one level, its params another. */
const MESSAGE_LIMITS = { maxDepth: 34 };
const MAX_NAME_LENGTH = 128;
const MODERN_PROTOCOL_VERSION = "2026-07-28";
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;
/** What a modern request says about itself; the SDK judges it. */
const ENVELOPE_KEYS = [
  PROTOCOL_VERSION_META_KEY,
  CLIENT_INFO_META_KEY,
  CLIENT_CAPABILITIES_META_KEY,
  LOG_LEVEL_META_KEY,
];

/**
 * Turns one line into a message that the SDK will accept, or into the reason why not. A `tools/call`
 * with an id always becomes a message that reaches our handler: what is wrong with it travels along.
 */
export function readMessage(line: Buffer): Inbound {
  const raw = parse(line);
  if (raw === undefined) return answer(null, ProtocolErrorCode.ParseError, "not valid JSON");
  if (!isRecord(raw)) {
    const what = Array.isArray(raw) ? "batches are not supported" : "not a JSON object";
    return answer(null, ProtocolErrorCode.InvalidRequest, what);
  }
  const tooLarge = line.length > MAX_MESSAGE_BYTES;
  if (raw["method"] === "tools/call") return readToolCall(raw, tooLarge);
  if (typeof raw["method"] !== "string") return readResponse(raw);
  const problem = tooLarge
    ? `more than ${MAX_MESSAGE_BYTES} bytes`
    : (findInputProblem(raw, MESSAGE_LIMITS)?.message ?? findListenProblem(raw));
  return "id" in raw ? readRequest(raw, problem) : readNotification(raw, problem);
}

/** The same call for a second try, after the SDK refused what the request said about itself. */
export function refusedCall(id: RequestId, call: ToolCall, reason: string): Delivery {
  const problem = call.problem ?? {
    code: "input_invalid",
    message: `The request was refused: ${plainText(reason, 300)}`,
    fix: "Send the _meta that your protocol version requires with every request.",
  };
  return toolCallRequest(id, { ...call, args: {}, problem }, MINIMAL_ENVELOPE);
}

/** Undefined for what is no JSON; JSON has no undefined of its own. */
function parse(line: Buffer): unknown {
  if (!isUtf8(line)) return undefined;
  try {
    return JSON.parse(line.toString("utf8"));
  } catch {
    // Whatever the parser dislikes is the same to the client.
    return undefined;
  }
}

function readToolCall(raw: Members, tooLarge: boolean): Inbound {
  const { id } = raw;
  if (id === undefined) return { kind: "drop", reason: "A tools/call without an id was ignored." };
  if (!isRequestId(id)) return invalidId();
  const params = isRecord(raw["params"]) ? raw["params"] : {};
  const meta = isRecord(params["_meta"]) ? params["_meta"] : {};
  const problem = findCallProblem(raw, tooLarge);
  const name = params["name"];
  const trace = meta[TRACEPARENT_META_KEY];
  const call: ToolCall = {
    operation: (typeof name === "string" && plainText(name, MAX_NAME_LENGTH)) || "(none)",
    args: problem === undefined ? (params["arguments"] ?? {}) : {},
    ...(problem !== undefined && { problem }),
    ...(typeof trace === "string" && TRACEPARENT.test(trace) && { trace }),
  };
  return toolCallRequest(id, call, shownMeta(meta));
}

const MINIMAL_ENVELOPE = {
  [PROTOCOL_VERSION_META_KEY]: MODERN_PROTOCOL_VERSION,
  [CLIENT_CAPABILITIES_META_KEY]: {},
};

/** The SDK sees a name and nothing that it could dislike; the arguments stay with the call. */
function toolCallRequest(id: RequestId, call: ToolCall, meta: Members): Delivery {
  const params = { name: call.operation, _meta: { ...meta, ...callMeta(call) } };
  const message: JSONRPCRequest = { jsonrpc: "2.0", id, method: "tools/call", params };
  return { kind: "deliver", message, call };
}

/** Of `_meta`, what the SDK needs: the envelope as it came, where walking it is safe. */
function shownMeta(meta: Members): Members {
  const token = meta["progressToken"];
  const shown: Record<string, unknown> = isRequestId(token) ? { progressToken: token } : {};
  const claims = PROTOCOL_VERSION_META_KEY in meta;
  if (findInputProblem(meta) !== undefined)
    return claims ? { ...shown, ...MINIMAL_ENVELOPE } : shown;
  for (const key of ENVELOPE_KEYS) if (key in meta) shown[key] = meta[key];
  return shown;
}

function findCallProblem(raw: Members, tooLarge: boolean): InputProblem | undefined {
  if (tooLarge) {
    return {
      code: "input_too_large",
      message: `The call is larger than ${MAX_MESSAGE_BYTES} bytes.`,
      fix: "Send less in one call; put large data into a file and send its path.",
    };
  }
  const shape = findShapeProblem(raw);
  if (shape !== undefined) {
    const fix = 'Send {"name": "<tool>", "arguments": {…}} as the params of tools/call.';
    return { code: "input_invalid", message: `The call is malformed: ${shape}.`, fix };
  }
  const { name, arguments: args, _meta: meta } = isRecord(raw["params"]) ? raw["params"] : {};
  return findInputProblem(name) ?? findInputProblem(args) ?? findInputProblem(meta);
}

function findShapeProblem({ jsonrpc, params }: Members): string | undefined {
  if (jsonrpc !== "2.0") return 'jsonrpc is not "2.0"';
  if (!isRecord(params)) return `params is ${kindOf(params)}, not an object`;
  const { name, arguments: args, _meta: meta } = params;
  if (typeof name !== "string" || name === "") return `name is ${kindOf(name)}, not a tool's name`;
  if (name.length > MAX_NAME_LENGTH) return `name is longer than ${MAX_NAME_LENGTH} characters`;
  if (args !== undefined && !isRecord(args)) return `arguments is ${kindOf(args)}, not an object`;
  if (meta === undefined) return undefined;
  if (!isRecord(meta)) return `_meta is ${kindOf(meta)}, not an object`;
  const token = meta["progressToken"];
  if (token === undefined || isRequestId(token)) return undefined;
  return `progressToken is ${kindOf(token)}, not a string or an integer`;
}

function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (value === "") return "empty";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function readRequest(raw: Members, problem: string | undefined): Inbound {
  const { id, method, params } = raw;
  if (!isRequestId(id)) return invalidId();
  if (problem !== undefined) return answer(id, ProtocolErrorCode.InvalidRequest, problem);
  const message = { jsonrpc: raw["jsonrpc"], id, method, ...(params !== undefined && { params }) };
  if (isJSONRPCRequest(message)) return { kind: "deliver", message };
  return answer(id, ProtocolErrorCode.InvalidRequest, "not a JSON-RPC 2.0 request of MCP");
}

function readNotification(raw: Members, problem: string | undefined): Inbound {
  const { jsonrpc, method, params } = raw;
  const message = { jsonrpc, method, ...(params !== undefined && { params }) };
  if (problem === undefined && isJSONRPCNotification(message)) return { kind: "deliver", message };
  return { kind: "drop", reason: `A notification was ignored: ${problem ?? "it is malformed."}` };
}

/** guvnor asks clients nothing, so answers only have to be harmless. */
function readResponse(raw: Members): Inbound {
  if (!("result" in raw) && !("error" in raw)) {
    const id = isRequestId(raw["id"]) ? raw["id"] : null;
    return answer(id, ProtocolErrorCode.InvalidRequest, "no method");
  }
  if (findInputProblem(raw, MESSAGE_LIMITS) === undefined && isJSONRPCResponse(raw)) {
    return { kind: "deliver", message: raw };
  }
  return { kind: "drop", reason: "A malformed answer was ignored." };
}

function findListenProblem({ method, params }: Members): string | undefined {
  if (method !== "subscriptions/listen" || !isRecord(params)) return undefined;
  const filter = params["notifications"];
  const uris = isRecord(filter) ? filter["resourceSubscriptions"] : undefined;
  if (!Array.isArray(uris) || uris.length <= MAX_URIS_PER_LISTEN) return undefined;
  return `more than ${MAX_URIS_PER_LISTEN} resources in one subscription`;
}

function isRequestId(value: unknown): value is RequestId {
  return typeof value === "string" || Number.isSafeInteger(value);
}

function invalidId(): Inbound {
  return answer(null, ProtocolErrorCode.InvalidRequest, "id is neither a string nor an integer");
}

function answer(id: RequestId | null, code: ProtocolErrorCode, what: string): Inbound {
  const kind = code === ProtocolErrorCode.ParseError ? "Parse error" : "Invalid request";
  return { kind: "answer", id, code, message: `${kind}: ${what}` };
}

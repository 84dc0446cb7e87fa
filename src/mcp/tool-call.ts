import type { InputProblem } from "../engine/call.ts";

/** A `tools/call` as the client sent it, beside what the SDK is shown of it. */
export interface ToolCall {
  readonly operation: string;
  readonly args: unknown;
  readonly problem?: InputProblem;
  /** W3C traceparent. */
  readonly trace?: string;
}

/** Where the call rides through the SDK, by reference; see `callMeta`. */
const CALL_KEY = "guvnor/call";

/**
 * Calls that this process made. What a client puts under the same key was parsed from JSON, so it is
 * never one of these objects: the mark cannot be forged, and it cannot fall to another request that
 * uses the same id.
 */
const genuine = new WeakMap<object, ToolCall>();
const handled = new WeakSet<ToolCall>();

/** The `_meta` entry that carries `call` to our handler past the SDK's own validation. */
export function callMeta(call: ToolCall): { readonly [CALL_KEY]: ToolCall } {
  genuine.set(call, call);
  return { [CALL_KEY]: call };
}

/** The call that `_meta` carries, undefined when it carries none of ours. */
export function takeCall(meta: unknown): ToolCall | undefined {
  const carried = isRecord(meta) ? meta[CALL_KEY] : undefined;
  const call = isRecord(carried) ? genuine.get(carried) : undefined;
  if (call !== undefined) handled.add(call);
  return call;
}

/** True once our handler has it; before that, whoever answers is the SDK. */
export function wasHandled(call: ToolCall): boolean {
  return handled.has(call);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import type { Readable, Writable } from "node:stream";

import {
  type JSONRPCMessage,
  ProtocolErrorCode,
  type RequestId,
  SUBSCRIPTION_ID_META_KEY,
  type Transport,
} from "@modelcontextprotocol/server";

import { plainText } from "../core/check-input.ts";
import { LineSplitter, TOO_LONG } from "./line-splitter.ts";
import { type Inbound, readMessage, refusedCall } from "./read-message.ts";
import { isRecord, type ToolCall, wasHandled } from "./tool-call.ts";

interface StdioTransportOptions {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /**
   * Once for each request that was answered: true when the pipe took the bytes of a result, false
   * when it did not, or when a JSON-RPC error went out in the result's place. `call` tells tool
   * calls apart that use the same id one after the other.
   */
  readonly onOutcome: (id: RequestId, delivered: boolean, call: ToolCall | undefined) => void;
  /** The client sends nothing more; what it waits for should end. */
  readonly onEnd: () => void;
  /** A modern client watches these resources under this request id, until `onRequestOver`. */
  readonly onListen: (id: RequestId, uris: readonly string[]) => void;
  /** The request was answered or cancelled. */
  readonly onRequestOver: (id: RequestId) => void;
}

/** Longer lines are not held; up to here the id and the tool's name are still found. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** A client that leaves more than this unread has stopped reading. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
/** How long calls that were told to end may take to be answered. */
const DRAIN_MS = 1000;

/** A request that the SDK has and has not answered. */
interface Flight {
  readonly method: string;
  readonly call: ToolCall | undefined;
  /** The SDK refused it once and got it again in a form it cannot refuse. */
  readonly retried: boolean;
}

/**
 * MCP's stdio, one JSON-RPC message a line. The SDK's own transport drops lines it cannot read,
 * answers malformed tool calls itself and does not say what was written; this one answers every
 * request, lets our handler refuse bad calls, and reports what was delivered.
 *
 * open → draining (nothing more is read, calls in flight get a moment to end) → closed
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport["onmessage"];

  readonly closed: Promise<void>;

  readonly #options: StdioTransportOptions;
  readonly #lines = new LineSplitter(MAX_LINE_BYTES);
  readonly #inFlight = new Map<RequestId, Flight>();
  /** Fails the writes that the pipe has not taken. */
  readonly #unwritten = new Set<(error: Error) => void>();
  #state: "new" | "open" | "draining" | "closed" = "new";
  #drainTimer: NodeJS.Timeout | undefined;
  readonly #drained: Promise<void>;
  #markDrained: (() => void) | undefined;
  #markClosed: (() => void) | undefined;

  constructor(options: StdioTransportOptions) {
    this.#options = options;
    this.#drained = new Promise((resolve) => {
      this.#markDrained = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#markClosed = resolve;
    });
  }

  start(): Promise<void> {
    const { stdin, stdout } = this.#options;
    this.#state = "open";
    stdout.on("error", this.#onStdoutError);
    stdout.on("close", this.#onStdoutClose);
    stdin.on("error", this.#onStdinError);
    stdin.on("end", this.#onStdinEnd);
    stdin.on("close", this.#onStdinEnd);
    stdin.on("data", this.#onData);
    if (stdin.readableEnded || stdin.destroyed) setImmediate(this.#onStdinEnd);
    return Promise.resolve();
  }

  /** Resolves when the pipe has taken the bytes; rejects when it never will. */
  async send(message: JSONRPCMessage): Promise<void> {
    const id = "method" in message ? undefined : message.id;
    if (id !== undefined && this.#retryRefused(id, message)) return;
    this.#noticeListening(message);
    const call = id === undefined ? undefined : this.#forget(id)?.call;
    let delivered = false;
    try {
      await this.#write(JSON.stringify(message));
      delivered = "result" in message;
    } finally {
      if (id !== undefined) this.#options.onOutcome(id, delivered, call);
      this.#noticeDrained();
    }
  }

  /** Takes no more input and resolves when what is in flight was answered, or a moment later. */
  drain(): Promise<void> {
    if (this.#state !== "open") return this.#drained;
    this.#state = "draining";
    this.#stopReading();
    this.#drainTimer = setTimeout(() => this.#markDrained?.(), DRAIN_MS);
    this.#options.onEnd();
    this.#noticeDrained();
    return this.#drained;
  }

  close(): Promise<void> {
    if (this.#state === "closed") return Promise.resolve();
    this.#state = "closed";
    clearTimeout(this.#drainTimer);
    this.#stopReading();
    // The error listeners stay: a write that fails late must not end the process.
    const error = new Error("The connection closed before the answer was read.");
    for (const fail of this.#unwritten) fail(error);
    this.#unwritten.clear();
    this.#inFlight.clear();
    this.onclose?.();
    this.#markDrained?.();
    this.#markClosed?.();
    return Promise.resolve();
  }

  readonly #onData = (chunk: Buffer | string): void => {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    for (const line of this.#lines.push(bytes)) {
      if (line === TOO_LONG) {
        this.#answer(null, ProtocolErrorCode.ParseError, "Parse error: the message is too large");
      } else if (line.length > 0) this.#receive(readMessage(line));
    }
  };

  readonly #onStdinError = (error: Error): void => {
    this.onerror?.(error);
    this.#onStdinEnd();
  };

  readonly #onStdinEnd = (): void => {
    void this.#drainAndClose();
  };

  readonly #onStdoutError = (error: Error): void => {
    if (this.#state !== "closed") this.onerror?.(error);
    void this.close();
  };

  readonly #onStdoutClose = (): void => {
    void this.close();
  };

  async #drainAndClose(): Promise<void> {
    await this.drain();
    await this.close();
  }

  #stopReading(): void {
    const { stdin } = this.#options;
    stdin.off("data", this.#onData);
    stdin.off("end", this.#onStdinEnd);
    stdin.off("close", this.#onStdinEnd);
    stdin.pause();
  }

  #receive(inbound: Inbound): void {
    if (inbound.kind === "drop") {
      this.onerror?.(new Error(inbound.reason));
      return;
    }
    if (inbound.kind === "answer") {
      this.#answer(inbound.id, inbound.code, inbound.message);
      return;
    }
    const { message, call } = inbound;
    if ("method" in message && "id" in message) {
      // An answer under the same id would be taken for the first request's.
      if (this.#inFlight.has(message.id)) {
        const id = plainText(String(message.id), 64);
        const text = `Invalid request: id ${id} is in use by a request that is not answered yet`;
        this.#answer(null, ProtocolErrorCode.InvalidRequest, text);
        return;
      }
      this.#inFlight.set(message.id, { method: message.method, call, retried: false });
    }
    this.#noticeCancelling(message);
    this.onmessage?.(message);
  }

  /**
   * The last guard around `tools/call`: what the SDK refuses before our handler saw it (an envelope
   * that is missing or malformed) comes back once as a call that our handler refuses and records.
   * The version error stays: clients negotiate by it.
   */
  #retryRefused(id: RequestId, message: JSONRPCMessage): boolean {
    const flight = this.#inFlight.get(id);
    if (!("error" in message) || flight?.call === undefined || flight.retried) return false;
    if (message.error.code === (ProtocolErrorCode.UnsupportedProtocolVersion as number))
      return false;
    if (wasHandled(flight.call) || this.#state === "closed") return false;
    const again = refusedCall(id, flight.call, message.error.message);
    this.#inFlight.set(id, { ...flight, call: again.call, retried: true });
    this.onmessage?.(again.message);
    return true;
  }

  #noticeListening(message: JSONRPCMessage): void {
    if (!("method" in message)) return;
    if (message.method !== "notifications/subscriptions/acknowledged") return;
    const { _meta: meta, notifications: filter } = message.params ?? {};
    const id = isRecord(meta) ? meta[SUBSCRIPTION_ID_META_KEY] : undefined;
    const uris: unknown = isRecord(filter) ? filter["resourceSubscriptions"] : undefined;
    if (typeof id !== "string" && typeof id !== "number") return;
    if (Array.isArray(uris)) this.#options.onListen(id, uris.map(String));
  }

  #noticeCancelling(message: JSONRPCMessage): void {
    if (!("method" in message) || message.method !== "notifications/cancelled") return;
    const id = message.params?.["requestId"];
    if (typeof id === "string" || typeof id === "number") this.#forget(id);
  }

  #forget(id: RequestId): Flight | undefined {
    const flight = this.#inFlight.get(id);
    if (this.#inFlight.delete(id)) this.#options.onRequestOver(id);
    return flight;
  }

  #answer(id: RequestId | null, code: number, message: string): void {
    this.#write(JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } })).catch(
      (error: unknown) => this.onerror?.(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #write(line: string): Promise<void> {
    if (this.#state === "closed") return Promise.reject(new Error("The connection is closed."));
    const { stdout } = this.#options;
    return new Promise((resolve, reject) => {
      this.#unwritten.add(reject);
      stdout.write(`${line}\n`, (error) => {
        this.#unwritten.delete(reject);
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
      if (stdout.writableLength <= MAX_UNREAD_BYTES) return;
      this.onerror?.(new Error("The client does not read its answers."));
      void this.close();
    });
  }

  /** Listening requests are never answered, so nobody waits for them. */
  #noticeDrained(): void {
    if (this.#state !== "draining" || this.#unwritten.size > 0) return;
    for (const { method } of this.#inFlight.values()) {
      if (method !== "subscriptions/listen") return;
    }
    this.#markDrained?.();
  }
}

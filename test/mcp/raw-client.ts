import type { Readable, Writable } from "node:stream";

export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export const OLD_VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] as const;
export const MODERN_VERSION = "2026-07-28";

/** What a modern client says about itself in each request. */
export const ENVELOPE = {
  "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
  "io.modelcontextprotocol/clientInfo": { name: "raw-modern", version: "1.0.0" },
  "io.modelcontextprotocol/clientCapabilities": {},
} as const;

/** A client that writes whatever it likes, and waits for messages instead of for time. */
export class RawClient {
  readonly received: Message[] = [];
  readonly #stdin: Writable;
  #waiting: (() => void)[] = [];
  #rest = "";
  #nextId = 1;

  constructor(stdin: Writable, stdout: Readable) {
    this.#stdin = stdin;
    // A test may close the pipe under a client that still writes.
    stdin.on("error", () => {});
    stdout.setEncoding("utf8");
    stdout.on("data", (chunk: string) => this.#take(chunk));
  }

  write(data: string | Buffer): void {
    this.#stdin.write(data);
  }

  send(message: unknown): void {
    this.write(`${JSON.stringify(message)}\n`);
  }

  /** Sends a request and answers its id. */
  request(method: string, params: unknown, id: unknown = this.#nextId++): unknown {
    this.send({ jsonrpc: "2.0", id, method, params });
    return id;
  }

  async ask(method: string, params: unknown): Promise<Message> {
    return await this.answerTo(this.request(method, params));
  }

  async call(name: unknown, args?: unknown, meta?: unknown): Promise<Message> {
    return await this.ask("tools/call", { name, arguments: args, _meta: meta });
  }

  async answerTo(id: unknown): Promise<Message> {
    return await this.until((message) => message.id === id && message.method === undefined);
  }

  /** The first message, received already or later, that matches; it is not answered twice. */
  async until(matches: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const at = this.received.findIndex(matches);
      const [found] = at === -1 ? [] : this.received.splice(at, 1);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  async initialize(protocolVersion: string = OLD_VERSIONS[3]): Promise<Message> {
    const clientInfo = { name: "raw-old", version: "1.0.0" };
    const answer = await this.ask("initialize", { protocolVersion, capabilities: {}, clientInfo });
    this.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    return answer;
  }

  #take(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const message: Message = JSON.parse(line);
      this.received.push(message);
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

export function isUpdate({ method }: Message): boolean {
  return method === "notifications/resources/updated";
}

export function isAcknowledgement({ method }: Message): boolean {
  return method === "notifications/subscriptions/acknowledged";
}

/** Waits for a condition that no message announces. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

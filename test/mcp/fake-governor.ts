import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import type { CallAnswer, Governor, IncomingCall } from "../../src/engine/call.ts";
import type { PromptDefinition } from "../../src/mcp/add-prompts.ts";
import { defineTool, type ToolDefinition } from "../../src/tools/define-tool.ts";

type Event =
  | { readonly event: "call"; readonly operation: string; readonly incoming: IncomingCall }
  | { readonly event: "aborted" | "taken_back"; readonly operation: string };

/**
 * Answers by the tool's name, records everything:
 * `echo` its arguments · `claim` with a claim · `wait` until aborted or released, then empty-handed ·
 * `wait_claim` the same with a claim · `throw` breaks the contract · anything else is refused.
 */
export class FakeGovernor implements Governor {
  readonly events: Event[] = [];
  /** Lets waiting calls report progress, each time with 10 s more. */
  readonly tickEveryMs: number | undefined;
  readonly #onEvent: (event: Event) => void;
  readonly #waiting = new Map<string, (() => void)[]>();
  #callCount = 0;

  constructor(onEvent: (event: Event) => void = () => {}, tickEveryMs?: number) {
    this.#onEvent = onEvent;
    this.tickEveryMs = tickEveryMs;
  }

  get calls(): IncomingCall[] {
    return this.events.flatMap((event) => (event.event === "call" ? [event.incoming] : []));
  }

  takenBack(): number {
    return this.events.filter((event) => event.event === "taken_back").length;
  }

  /** Ends the waits of an operation. */
  release(operation: string): void {
    for (const resume of this.#waiting.get(operation) ?? []) resume();
    this.#waiting.delete(operation);
  }

  async call(incoming: IncomingCall): Promise<CallAnswer> {
    const { operation, problem, args, caller } = incoming;
    this.#callCount += 1;
    const callId = `C${this.#callCount}`;
    this.#note({ event: "call", operation, incoming });
    if (problem !== undefined) return { callId, isError: true, body: { ...problem } };
    const claim = {
      callId,
      isError: false,
      body: { task: "T1", next: "Do it." },
      takeBack: () => this.#takeBack(operation),
    };
    switch (operation) {
      case "echo":
        return { callId, isError: false, body: { args, caller: { ...caller }, next: "Go on." } };
      case "claim":
        return claim;
      case "wait":
        await this.#wait(incoming);
        return { callId, isError: false, body: { none: true } };
      case "wait_claim":
        await this.#wait(incoming);
        return claim;
      case "throw":
        throw new Error("secret of the governor");
      default: {
        const body = { code: "tool_unknown", message: `No ${operation}.`, fix: "Call tools/list." };
        return { callId, isError: true, body };
      }
    }
  }

  async #wait({ operation, signal, onWaiting }: IncomingCall): Promise<void> {
    const abort = new AbortController();
    const ticking = this.#tick(onWaiting, abort.signal);
    await new Promise<void>((resolve) => {
      this.#waiting.set(operation, [...(this.#waiting.get(operation) ?? []), resolve]);
      const onAbort = (): void => {
        this.#note({ event: "aborted", operation });
        resolve();
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
    abort.abort();
    await ticking;
  }

  async #tick(onWaiting: IncomingCall["onWaiting"], signal: AbortSignal): Promise<void> {
    if (this.tickEveryMs === undefined) return;
    for (let waitedMs = 10_000; !signal.aborted; waitedMs += 10_000) {
      onWaiting?.(waitedMs);
      await sleep(this.tickEveryMs, undefined, { signal }).catch(() => {});
    }
  }

  async #takeBack(operation: string): Promise<void> {
    this.#note({ event: "taken_back", operation });
  }

  #note(event: Event): void {
    this.events.push(event);
    this.#onEvent(event);
  }
}

const NAMES = ["echo", "claim", "wait", "wait_claim", "throw"];

export const FAKE_TOOLS: readonly ToolDefinition[] = NAMES.map((name) =>
  defineTool({
    name,
    class: "write",
    title: `Fake ${name}`,
    description: `Does ${name}.`,
    input: z.strictObject({
      text: z.string().optional().describe("Any text."),
      wait_seconds: z.number().int().min(0).max(50).default(0),
    }),
    output: z.object({ next: z.string().optional() }),
    hints: { readOnly: name === "echo", destructive: false, idempotent: true, openWorld: false },
    toolset: "core",
    alwaysLoad: name === "claim",
    handle: () => Promise.reject(new Error("The governor is fake.")),
  }),
);

export const FAKE_PROMPTS: readonly PromptDefinition[] = [
  { name: "work", title: "Work", description: "Work on tasks.", text: "Call request_task." },
];

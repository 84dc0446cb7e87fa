import type { CallAnswer } from "../engine/call.ts";
import type { ToolCall } from "./tool-call.ts";

interface ActiveCall {
  readonly controller: AbortController;
  /** The claim in the answer, until its delivery is known. */
  takeBack?: () => Promise<void>;
}

/**
 * The calls of one connection, each until it is certain that nothing more follows from it: it
 * claimed nothing, its claim was delivered, or its claim was taken back.
 *
 * running → (claim) undelivered → over
 */
export class ActiveCalls {
  readonly #calls = new Set<ActiveCall>();
  readonly #undelivered = new Map<ToolCall, ActiveCall>();
  readonly #onError: (error: Error) => void;
  #ended = false;
  #onIdle: (() => void)[] = [];

  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
  }

  /**
   * Runs one call. Its signal aborts with `clientSignal` (cancelled, connection lost) and with
   * `abortAll`. A claim that comes too late for that, or whose delivery fails, is taken back, once.
   * @throws {Error} When there was a claim and nobody is left to receive it.
   */
  async run(
    request: ToolCall,
    clientSignal: AbortSignal,
    work: (signal: AbortSignal) => Promise<CallAnswer>,
  ): Promise<CallAnswer> {
    const call: ActiveCall = { controller: new AbortController() };
    const { signal } = call.controller;
    const giveUp = (): void => {
      call.controller.abort();
      this.outcome(request, false);
    };
    this.#calls.add(call);
    clientSignal.addEventListener("abort", giveUp, { once: true });
    if (clientSignal.aborted || this.#ended) giveUp();
    try {
      const answer = await work(signal);
      if (answer.takeBack === undefined) return answer;
      call.takeBack = answer.takeBack;
      if (signal.aborted) {
        await this.#settle(call, false);
        throw new Error("The client went away before it got the answer; its claim was taken back.");
      }
      this.#undelivered.set(request, call);
      return answer;
    } finally {
      if (call.takeBack === undefined) this.#leave(call);
    }
  }

  /**
   * What became of the answer. The first to know decides: the pipe took it, or it did not, or the
   * client gave up; calls without a claim have nothing to decide.
   */
  outcome(request: ToolCall, delivered: boolean): void {
    const call = this.#undelivered.get(request);
    if (call === undefined) return;
    this.#undelivered.delete(request);
    void this.#settle(call, delivered);
  }

  /** Ends what waits, and every call that still comes in; answers under way may still arrive. */
  abortAll(): void {
    this.#ended = true;
    for (const call of this.#calls) call.controller.abort();
  }

  /** Resolves when no call is active. */
  async idle(): Promise<void> {
    if (this.#calls.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle.push(resolve);
    });
  }

  async #settle(call: ActiveCall, delivered: boolean): Promise<void> {
    const { takeBack } = call;
    delete call.takeBack;
    try {
      if (!delivered) await takeBack?.();
    } catch (error) {
      this.#onError(new Error("A claim could not be taken back.", { cause: error }));
    }
    this.#leave(call);
  }

  #leave(call: ActiveCall): void {
    this.#calls.delete(call);
    if (this.#calls.size > 0) return;
    const waiting = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of waiting) resolve();
  }
}

import type { RequestId } from "@modelcontextprotocol/server";

import type { CallAnswer } from "../engine/call.ts";

interface ActiveCall {
  readonly id: RequestId;
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
  /** At most one an id: the transport lets no id in twice before it was answered or cancelled. */
  readonly #undelivered = new Map<RequestId, ActiveCall>();
  readonly #onError: (error: Error) => void;
  #ended = false;
  #onIdle: (() => void)[] = [];

  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
  }

  /**
   * Runs one call. Its signal aborts with `clientSignal` (cancelled, connection lost) and with
   * `abortAll`. When that happens before a claim was delivered the claim is taken back, once.
   * @throws {Error} When there was a claim and nobody is left to receive it.
   */
  async run(
    id: RequestId,
    clientSignal: AbortSignal,
    work: (signal: AbortSignal) => Promise<CallAnswer>,
  ): Promise<CallAnswer> {
    const call: ActiveCall = { id, controller: new AbortController() };
    const { signal } = call.controller;
    const abort = (): void => call.controller.abort();
    this.#calls.add(call);
    clientSignal.addEventListener("abort", abort, { once: true });
    if (clientSignal.aborted || this.#ended) abort();
    try {
      const answer = await work(signal);
      if (answer.takeBack === undefined) return answer;
      call.takeBack = answer.takeBack;
      if (signal.aborted) {
        await this.#settle(call, false);
        throw new Error("The client went away before it got the answer; its claim was taken back.");
      }
      this.#undelivered.set(id, call);
      signal.addEventListener("abort", () => void this.#settle(call, false), { once: true });
      return answer;
    } finally {
      if (call.takeBack === undefined) this.#leave(call);
    }
  }

  /** What became of the answer to a request; requests that are no calls may be reported too. */
  outcome(id: RequestId, delivered: boolean): void {
    const call = this.#undelivered.get(id);
    if (call !== undefined) void this.#settle(call, delivered);
  }

  /** Ends what waits, and every call that still comes in. */
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

  /** The first to know decides: the pipe took the answer, or it did not, or the client gave up. */
  async #settle(call: ActiveCall, delivered: boolean): Promise<void> {
    const { takeBack } = call;
    if (takeBack === undefined) return;
    delete call.takeBack;
    if (this.#undelivered.get(call.id) === call) this.#undelivered.delete(call.id);
    try {
      if (!delivered) await takeBack();
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

import { PassThrough } from "node:stream";

import { describe, expect, it } from "vitest";

import type { CallAnswer } from "../../src/engine/call.ts";
import { ActiveCalls } from "../../src/mcp/active-calls.ts";
import { ENVELOPE, isAcknowledgement, until } from "./raw-client.ts";
import { startInProcess } from "./start-in-process.ts";

const FIRST = { operation: "claim", args: {} };
const SECOND = { operation: "claim", args: {} };

interface Pipe {
  readonly stdout: PassThrough;
  /** From now on writes are taken, but never finished. */
  stick(): void;
  unstick(): void;
  isHolding(): boolean;
  /** From now on writes fail. */
  break(): void;
}

/** A pipe whose reader may stop reading. */
function makePipe(): Pipe {
  let state: "flows" | "sticks" | "broken" = "flows";
  let finish: (() => void) | undefined;
  const stdout = new PassThrough({
    transform(chunk, _encoding, done) {
      if (state === "broken") done(new Error("EPIPE"));
      else if (state === "flows") done(null, chunk);
      else finish = () => done(null, chunk);
    },
  });
  return {
    stdout,
    stick: () => {
      state = "sticks";
    },
    unstick: () => {
      state = "flows";
      finish?.();
    },
    isHolding: () => finish !== undefined,
    break: () => {
      state = "broken";
    },
  };
}

describe("a claim", () => {
  it("stands when the pipe took the answer", async () => {
    const { client, governor, service } = startInProcess();
    await client.initialize();
    expect((await client.call("claim")).result).toMatchObject({
      structuredContent: { task: "T1" },
    });
    await service.close();
    expect(governor.takenBack()).toBe(0);
  });

  it("is taken back once when the client cancels while it is being made", async () => {
    const { client, governor, service } = startInProcess();
    await client.initialize();
    client.request("tools/call", { name: "wait_claim" }, "w");
    await until(() => governor.calls.length === 1);
    client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "w" } });
    await until(() => governor.takenBack() === 1);
    await client.ask("ping", {});
    expect(client.received).toEqual([]);
    expect(governor.events.map(({ event }) => event)).toEqual(["call", "aborted", "taken_back"]);
    await service.close();
    expect(governor.takenBack()).toBe(1);
  });

  it("is taken back once when the client cancels before the pipe took the answer", async () => {
    const pipe = makePipe();
    const { client, governor, service } = startInProcess(pipe);
    await client.initialize();
    pipe.stick();
    client.request("tools/call", { name: "claim" }, "c");
    await until(() => pipe.isHolding());
    client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "c" } });
    await until(() => governor.takenBack() === 1);
    pipe.unstick();
    await client.answerTo("c");
    await service.close();
    expect(governor.takenBack()).toBe(1);
  });

  it("is not mistaken for another under the same id while the pipe is stuck", async () => {
    const pipe = makePipe();
    const { client, governor, service } = startInProcess(pipe);
    await client.initialize();
    pipe.stick();
    client.request("tools/call", { name: "claim" }, "c");
    await until(() => pipe.isHolding());
    client.request("tools/call", { name: "wait_claim" }, "c");
    await until(() => governor.calls.length === 2);
    client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "c" } });
    await until(() => governor.takenBack() === 1);
    pipe.unstick();
    await client.answerTo("c");
    await service.close();
    const taken = governor.events.filter(({ event }) => event === "taken_back");
    expect(taken).toEqual([{ event: "taken_back", operation: "wait_claim" }]);
  });

  it("is taken back when the pipe is never drained and closes", async () => {
    const pipe = makePipe();
    const { client, governor, service, errors } = startInProcess(pipe);
    await client.initialize();
    pipe.stick();
    client.request("tools/call", { name: "claim" });
    await until(() => pipe.isHolding());
    pipe.stdout.destroy();
    await service.closed;
    expect(governor.takenBack()).toBe(1);
    await until(() => errors.some((error) => error.message.includes("Failed to send response")));
  });

  it("is taken back when writing fails", async () => {
    const pipe = makePipe();
    const { client, governor, service } = startInProcess(pipe);
    await client.initialize();
    pipe.break();
    client.request("tools/call", { name: "claim" });
    await service.closed;
    expect(governor.takenBack()).toBe(1);
  });

  it("is taken back when the server is told to close while a stuck client holds it up", async () => {
    const pipe = makePipe();
    const { client, governor, service } = startInProcess(pipe);
    const listening = { notifications: { resourceSubscriptions: ["guvnor://project"] } };
    client.request("subscriptions/listen", { ...listening, _meta: ENVELOPE }, "l");
    await client.until(isAcknowledgement);
    pipe.stick();
    client.request("tools/call", { name: "claim", _meta: ENVELOPE });
    await until(() => pipe.isHolding());
    await service.close();
    expect(governor.takenBack()).toBe(1);
  });

  it("is taken back when stdin ends while it is being made, and the client hears so", async () => {
    const { client, governor, service, stdin } = startInProcess();
    await client.initialize();
    client.request("tools/call", { name: "wait_claim" }, "w");
    await until(() => governor.calls.length === 1);
    stdin.end();
    await service.closed;
    expect(governor.takenBack()).toBe(1);
    const { error } = await client.answerTo("w");
    expect(error?.message).toContain("taken back");
  });
});

describe("the end of the connection", () => {
  it("aborts what waits when stdin ends", async () => {
    const { client, governor, service, stdin } = startInProcess();
    await client.initialize();
    client.request("tools/call", { name: "wait" }, 1);
    client.request("tools/call", { name: "wait" }, 2);
    await until(() => governor.calls.length === 2);
    stdin.end();
    await service.closed;
    expect(governor.events.filter(({ event }) => event === "aborted")).toHaveLength(2);
  });

  it("still answers what was asked just before it", async () => {
    const { client, service, stdin } = startInProcess();
    client.request("tools/list", {}, "tools");
    client.request("tools/call", { name: "echo" }, "echo");
    stdin.end();
    await service.closed;
    expect((await client.answerTo("tools")).result).toBeDefined();
    expect((await client.answerTo("echo")).result).not.toHaveProperty("isError");
  });

  it("does not wait for requests that only listen", async () => {
    const { client, service, stdin, resources } = startInProcess();
    const listening = { notifications: { resourceSubscriptions: ["guvnor://project"] } };
    client.request("subscriptions/listen", { ...listening, _meta: ENVELOPE });
    await client.until(isAcknowledgement);
    expect(resources.watching()).toEqual(["guvnor://project"]);
    stdin.end();
    await service.closed;
    expect(resources.watching()).toEqual([]);
  });

  it("comes when stdin fails, was over before, or stdout closes", async () => {
    const failing = startInProcess();
    failing.stdin.destroy(new Error("EIO"));
    await failing.service.closed;
    expect(failing.errors.map((error) => error.message)).toEqual(["EIO"]);

    const closing = startInProcess();
    closing.stdin.destroy();
    await closing.service.closed;

    const losing = startInProcess(makePipe());
    losing.stdout.destroy();
    await losing.service.closed;
  });

  it("comes for a client that leaves 64 MiB unread", async () => {
    const pipe = makePipe();
    const { client, service, errors } = startInProcess(pipe);
    await client.initialize();
    pipe.stick();
    const text = "x".repeat(7 * 1024 * 1024);
    for (let call = 0; call < 6; call += 1) {
      client.request("tools/call", { name: "echo", arguments: { text } });
    }
    await service.closed;
    expect(errors.map((error) => error.message)).toContain("The client does not read its answers.");
  });

  it("comes at most a moment after stdin, however stuck the client is", async () => {
    const pipe = makePipe();
    const { client, service, stdin } = startInProcess(pipe);
    await client.initialize();
    pipe.stick();
    client.request("ping", {});
    await until(() => pipe.isHolding());
    stdin.end();
    await expect(service.closed).resolves.toBeUndefined();
  });

  it("may be asked for more than once", async () => {
    const { service } = startInProcess();
    await Promise.all([service.close(), service.close()]);
    await expect(service.close()).resolves.toBeUndefined();
  });

  it("survives late failures of stdout", async () => {
    const { service, errors, stdout } = startInProcess();
    await service.close();
    stdout.emit("error", new Error("late EPIPE"));
    expect(errors).toEqual([]);
  });
});

describe("calls", () => {
  it("run side by side and are answered as they end", async () => {
    const { client, governor } = startInProcess();
    await client.initialize();
    client.request("tools/call", { name: "wait" }, "slow");
    expect((await client.call("echo")).result).toBeDefined();
    governor.release("wait");
    expect((await client.answerTo("slow")).result).toMatchObject({
      structuredContent: { none: true },
    });
  });

  it.each([
    ["old", undefined],
    ["modern", ENVELOPE],
  ])("report progress to a %s client that asks for it", async (_, envelope) => {
    const { client, governor, errors } = startInProcess({ tickEveryMs: 1 });
    client.request("tools/call", { name: "wait", _meta: envelope }, "quiet");
    const meta = { ...envelope, progressToken: "p" };
    client.request("tools/call", { name: "wait", _meta: meta }, "w");
    const first = await client.until(({ method }) => method === "notifications/progress");
    const second = await client.until(({ method }) => method === "notifications/progress");
    expect([first.params, second.params]).toEqual([
      { progressToken: "p", progress: 10, message: "Still waiting after 10 s." },
      { progressToken: "p", progress: 20, message: "Still waiting after 20 s." },
    ]);
    governor.release("wait");
    await client.answerTo("w");
    expect(errors).toEqual([]);
  });

  it("report no progress once they were cancelled", async () => {
    const { client, governor } = startInProcess();
    client.request("tools/call", { name: "wait", _meta: { progressToken: 1 } }, "w");
    await until(() => governor.calls.length === 1);
    client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "w" } });
    await until(() => governor.events.length === 2);
    governor.calls[0]?.onWaiting?.(10_000);
    await client.ask("ping", {});
    expect(client.received).toEqual([]);
  });

  it("tell when progress could not be reported", async () => {
    const pipe = makePipe();
    const { client, governor, service, errors } = startInProcess(pipe);
    client.request("tools/call", { name: "wait", _meta: { progressToken: 1 } }, "w");
    await until(() => governor.calls.length === 1);
    pipe.break();
    governor.calls[0]?.onWaiting?.(10_000);
    await service.closed;
    expect(errors.map((error) => error.message)).toContain("Progress could not be reported.");
  });
});

describe("ActiveCalls", () => {
  it("counts only the first thing that it hears about a claim", async () => {
    const calls = new ActiveCalls(() => {});
    let taken = 0;
    const controller = new AbortController();
    await calls.run(
      FIRST,
      controller.signal,
      claim(() => Promise.resolve(void (taken += 1))),
    );
    calls.outcome(SECOND, false);
    calls.outcome(FIRST, true);
    calls.outcome(FIRST, false);
    controller.abort();
    await calls.idle();
    expect(taken).toBe(0);
  });

  it("is idle only after the claim was taken back, even if that fails", async () => {
    const errors: Error[] = [];
    const calls = new ActiveCalls((error) => errors.push(error));
    const { signal } = new AbortController();
    await calls.run(
      FIRST,
      signal,
      claim(() => Promise.reject(new Error("no store"))),
    );
    calls.abortAll();
    calls.outcome(FIRST, false);
    await calls.idle();
    expect(errors).toMatchObject([{ cause: { message: "no store" } }]);
    await calls.idle();
  });

  it("starts calls aborted after the end", async () => {
    const calls = new ActiveCalls(() => {});
    calls.abortAll();
    let aborted = false;
    await calls.run(FIRST, new AbortController().signal, (signal) => {
      ({ aborted } = signal);
      return Promise.resolve({ callId: "C1", isError: false, body: {} });
    });
    expect(aborted).toBe(true);
  });

  it("leaves a call whose work failed", async () => {
    const calls = new ActiveCalls(() => {});
    const failing = calls.run(FIRST, new AbortController().signal, () =>
      Promise.reject(new Error("x")),
    );
    await expect(failing).rejects.toThrow("x");
    await calls.idle();
  });
});

/** Work that ends in a claim. */
function claim(takeBack: () => Promise<void>): () => Promise<CallAnswer> {
  return () => Promise.resolve({ callId: "C1", isError: false, body: {}, takeBack });
}

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";

import { afterEach, describe, expect, it } from "vitest";

import { ENVELOPE, OLD_VERSIONS, RawClient, until } from "./raw-client.ts";

const FIXTURE = join(import.meta.dirname, "fixture-server.ts");

interface Spawned {
  readonly child: ChildProcessWithoutNullStreams;
  readonly client: RawClient;
  /** What the server wrote to stderr, e.g. "call wait". */
  readonly log: readonly string[];
  /** Exit code, null after a signal. */
  readonly exited: Promise<number | null>;
}

const children: ChildProcessWithoutNullStreams[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function start(): Spawned {
  const child = spawn(process.execPath, [FIXTURE]);
  children.push(child);
  const log: string[] = [];
  let rest = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const { event, operation, error }: Record<string, string> = JSON.parse(line);
      log.push([event ?? error, operation].filter((part) => part !== undefined).join(" "));
    }
  });
  const exited = new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  return { child, client: new RawClient(child.stdin, child.stdout), log, exited };
}

describe("a server on real stdio", () => {
  it.each(OLD_VERSIONS)("serves %s and ends with its stdin", async (version) => {
    const { child, client, log, exited } = start();
    expect((await client.initialize(version)).result?.["protocolVersion"]).toBe(version);
    const { result } = await client.call("echo", { text: "hello" });
    expect(result).toMatchObject({ structuredContent: { args: { text: "hello" } } });
    child.stdin.end();
    expect(await exited).toBe(0);
    expect(log).toEqual(["call echo", "closed"]);
  });

  it("serves 2026-07-28 and ends with its stdin", async () => {
    const { child, client, log, exited } = start();
    const { result } = await client.call("echo", { text: "hello" }, ENVELOPE);
    expect(result).toMatchObject({ resultType: "complete" });
    child.stdin.end();
    expect(await exited).toBe(0);
    expect(log).toEqual(["call echo", "closed"]);
  });

  it("answers what a script pipes into it", async () => {
    const { child, client, exited } = start();
    const calls = [1, 2, 3].map((id) => ({
      jsonrpc: "2.0",
      id,
      method: "tools/call",
      params: { name: "echo" },
    }));
    child.stdin.end(calls.map((call) => `${JSON.stringify(call)}\n`).join(""));
    expect(await exited).toBe(0);
    expect(client.received.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it("survives garbage, 10 MB and 100,000 levels", async () => {
    const { child, client, log, exited } = start();
    await client.initialize();
    client.write("not JSON\n");
    expect((await client.answerTo(null)).error?.code).toBe(-32700);
    const large = await client.call("echo", { text: "x".repeat(10_000_000) });
    expect(large.result).toMatchObject({ structuredContent: { code: "input_too_large" } });
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const params = `{"name":"echo","arguments":{"deep":${deep}}}`;
    client.write(`{"jsonrpc":"2.0","id":"deep","method":"tools/call","params":${params}}\n`);
    expect((await client.answerTo("deep")).result).toMatchObject({ isError: true });
    child.stdin.end();
    expect(await exited).toBe(0);
    expect(log).toEqual(["call echo", "call echo", "closed"]);
  });
});

describe("a client that goes away", () => {
  it("during a wait ends the wait, and its claim is taken back", async () => {
    const { child, client, log, exited } = start();
    await client.initialize();
    client.request("tools/call", { name: "wait_claim" });
    await until(() => log.includes("call wait_claim"));
    child.stdin.destroy();
    child.stdout.destroy();
    expect(await exited).toBe(0);
    expect(log).toContain("aborted wait_claim");
    expect(log.filter((line) => line === "taken_back wait_claim")).toHaveLength(1);
  });

  it("without reading the answer gets no claim", async () => {
    const { child, client, log, exited } = start();
    await client.initialize();
    child.stdout.destroy();
    client.request("tools/call", { name: "claim" });
    expect(await exited).toBe(0);
    expect(log.filter((line) => line === "taken_back claim")).toHaveLength(1);
  });

  it("and leaves a full pipe behind gets no claim", async () => {
    const { child, client, log, exited } = start();
    await client.initialize();
    child.stdout.pause();
    client.request("tools/call", { name: "echo", arguments: { text: "x".repeat(4_000_000) } });
    client.request("tools/call", { name: "claim" });
    client.request("tools/call", { name: "wait" });
    await until(() => log.includes("call wait"));
    expect(log).not.toContain("taken_back claim");
    child.stdout.destroy();
    expect(await exited).toBe(0);
    expect(log.filter((line) => line === "taken_back claim")).toHaveLength(1);
    expect(log).toContain("aborted wait");
  });

  it("and cancels what it waits for is not answered", async () => {
    const { child, client, log, exited } = start();
    await client.initialize();
    client.request("tools/call", { name: "wait" }, "w");
    await until(() => log.includes("call wait"));
    const params = { requestId: "w", reason: "no more time" };
    client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    await until(() => log.includes("aborted wait"));
    await client.ask("ping", {});
    child.stdin.end();
    expect(await exited).toBe(0);
    expect(client.received).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";

import { ENVELOPE, type Message, type RawClient } from "./raw-client.ts";
import { startInProcess } from "./start-in-process.ts";

const MIB = 1024 * 1024;

const ERAS = [
  { era: "old", open: (client: RawClient) => client.initialize(), meta: undefined },
  {
    era: "modern",
    open: (client: RawClient) => client.ask("tools/list", { _meta: ENVELOPE }),
    meta: ENVELOPE,
  },
];

function expectRefusal(answer: Message, code: string): void {
  const body = answer.result?.["structuredContent"];
  expect(answer.error).toBeUndefined();
  expect(answer.result).toMatchObject({ isError: true });
  expect(body).toMatchObject({ code, message: expect.any(String), fix: expect.any(String) });
  expect(answer.result?.["content"]).toEqual([{ type: "text", text: JSON.stringify(body) }]);
}

describe.each(ERAS)("a bad tools/call of an $era client", ({ open, meta }) => {
  it.each([
    ["arguments is a string", { name: "echo", arguments: "text" }, "echo"],
    ["arguments is an array", { name: "echo", arguments: [1] }, "echo"],
    ["arguments is null", { name: "echo", arguments: null }, "echo"],
    ["arguments is a number", { name: "echo", arguments: 7 }, "echo"],
    ["name is missing", { arguments: {} }, "(none)"],
    ["name is empty", { name: "", arguments: {} }, "(none)"],
    ["name is a number", { name: 7 }, "(none)"],
    ["name is an object", { name: { a: 1 } }, "(none)"],
    ["name is huge", { name: "x".repeat(100_000) }, `${"x".repeat(127)}…`],
    ["name holds a NUL", { name: "ec\0ho" }, "echo"],
    ["an argument holds a NUL", { name: "echo", arguments: { text: "a\0" } }, "echo"],
    ["an argument is half a character", { name: "echo", arguments: { text: "\uD83D" } }, "echo"],
    ["a key is dangerous", { name: "echo", arguments: JSON.parse('{"__proto__":{}}') }, "echo"],
  ])("reaches the governor as a refusal: %s", async (_, params, operation) => {
    const { client, governor } = startInProcess();
    await open(client);
    expectRefusal(await client.ask("tools/call", { ...params, _meta: meta }), "input_invalid");
    expect(governor.calls).toMatchObject([
      { operation, args: {}, problem: { code: "input_invalid" }, caller: { channel: "stdio" } },
    ]);
  });

  it.each([
    ["params is missing", undefined],
    ["params is null", null],
    ["params is a string", "echo"],
    ["params is an array", ["echo"]],
    ["_meta is a string", { name: "echo", _meta: "x" }],
    ["_meta is null", { name: "echo", _meta: null }],
    ["the progress token is an object", { name: "echo", _meta: { ...meta, progressToken: {} } }],
    ["_meta is deep", { name: "echo", _meta: { ...meta, deep: nested(100) } }],
  ])("reaches the governor although its wrapping is broken: %s", async (_, params) => {
    const { client, governor } = startInProcess();
    await open(client);
    const answer = await client.ask("tools/call", params);
    expect(answer.result).toMatchObject({ isError: true });
    expect(governor.calls).toHaveLength(1);
    expect(governor.calls[0]?.problem).toBeDefined();
  });

  it("needs no JSON-RPC version and minds no extra members to be refused or served", async () => {
    const { client, governor } = startInProcess();
    await open(client);
    client.send({ id: "a", method: "tools/call", params: { name: "echo", _meta: meta } });
    expectRefusal(await client.answerTo("a"), "input_invalid");
    const params = { name: "echo", _meta: meta };
    client.send({ jsonrpc: "2.0", id: "b", method: "tools/call", params, extra: 1 });
    expect((await client.answerTo("b")).result).not.toHaveProperty("isError");
    expect(governor.calls).toHaveLength(2);
  });

  it("is refused when it is nested too deeply, 100,000 levels included", async () => {
    const { client, governor } = startInProcess();
    await open(client);
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const shown = meta === undefined ? "" : `,"_meta":${JSON.stringify(meta)}`;
    const params = `{"name":"echo","arguments":{"text":${deep}}${shown}}`;
    client.write(`{"jsonrpc":"2.0","id":9,"method":"tools/call","params":${params}}\n`);
    expectRefusal(await client.answerTo(9), "input_too_large");
    expect((await client.call("echo", { list: nested(31) }, meta)).result).not.toHaveProperty(
      "isError",
    );
    expect(governor.calls).toHaveLength(2);
  });

  it("is refused when it is larger than 8 MiB, and serves the next one", async () => {
    const { client, governor } = startInProcess();
    await open(client);
    const answer = await client.call("echo", { text: "x".repeat(10 * MIB) }, meta);
    expectRefusal(answer, "input_too_large");
    expect((await client.call("echo", { text: "x".repeat(7 * MIB) }, meta)).result).toBeDefined();
    expect(governor.calls).toMatchObject([{ operation: "echo", args: {} }, { operation: "echo" }]);
  });

  it("is refused when it holds too many values", async () => {
    const { client, governor } = startInProcess();
    await open(client);
    const list = Array.from({ length: 500_000 }, () => 0);
    expectRefusal(await client.call("echo", { list }, meta), "input_too_large");
    expect(governor.calls).toHaveLength(1);
  });

  it("cannot pretend to have been looked at", async () => {
    const { client, governor } = startInProcess();
    await open(client);
    const forged = { operation: "claim", args: { text: "forged" }, problem: undefined };
    const trick = { ...meta, "guvnor/call": forged };
    const served = await client.call("echo", { text: "honest" }, trick);
    expect(served.result?.["structuredContent"]).toMatchObject({ args: { text: "honest" } });
    expectRefusal(await client.call("echo", "bad", trick), "input_invalid");
    expect(governor.calls.map((call) => call.operation)).toEqual(["echo", "echo"]);
  });

  it("goes to the governor when no such tool exists", async () => {
    const { client, governor } = startInProcess();
    await open(client);
    expectRefusal(await client.call("no_such_tool", { a: 1 }, meta), "tool_unknown");
    expect(governor.calls).toMatchObject([{ operation: "no_such_tool", args: { a: 1 } }]);
    expect(governor.calls[0]).not.toHaveProperty("problem");
  });
});

describe("a modern tools/call without a proper envelope", () => {
  it.each([
    ["missing", undefined],
    ["without capabilities", { "io.modelcontextprotocol/protocolVersion": "2026-07-28" }],
    ["with an odd version", { ...ENVELOPE, "io.modelcontextprotocol/protocolVersion": 7 }],
    ["with odd client info", { ...ENVELOPE, "io.modelcontextprotocol/clientInfo": "me" }],
  ])("is refused by the governor, not by the SDK: %s", async (_, meta) => {
    const { client, governor } = startInProcess();
    await client.ask("tools/list", { _meta: ENVELOPE });
    expectRefusal(await client.call("echo", { text: "x" }, meta), "input_invalid");
    expect(governor.calls).toMatchObject([
      { operation: "echo", args: {}, problem: { message: expect.stringContaining("refused") } },
    ]);
    expect((await client.call("echo", {}, ENVELOPE)).result).not.toHaveProperty("isError");
  });

  it("is refused when it opens the connection, too", async () => {
    const { client, governor } = startInProcess();
    const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
    expectRefusal(await client.call("echo", "bad", meta), "input_invalid");
    expect(governor.calls).toMatchObject([
      { problem: { message: expect.stringContaining("arg") } },
    ]);
  });
});

describe("lines that are no calls", () => {
  it.each([
    ["garbage", "hello", -32700],
    ["half a message", '{"jsonrpc":"2.0",', -32700],
    ["bytes that are no UTF-8", Buffer.from([0x22, 0xff, 0x22]), -32700],
    ["a batch", '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
    ["a number", "7", -32600],
    ["null", "null", -32600],
    ["nothing of JSON-RPC", "{}", -32600],
    ["an id that is null", '{"jsonrpc":"2.0","id":null,"method":"tools/call"}', -32600],
    ["an id that is a fraction", '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600],
    ["an id that is an object", '{"jsonrpc":"2.0","id":{},"method":"tools/call"}', -32600],
  ])("are answered without an id, and the connection goes on: %s", async (_, line, code) => {
    const { client, governor } = startInProcess();
    await client.initialize();
    client.write(line);
    client.write("\n");
    const { error } = await client.answerTo(null);
    expect(error?.code).toBe(code);
    expect((await client.ask("ping", {})).result).toEqual({});
    expect(governor.calls).toEqual([]);
  });

  it.each([
    ["no JSON-RPC version", { id: 5, method: "ping" }],
    ["params that are an array", { jsonrpc: "2.0", id: 5, method: "ping", params: [] }],
    ["_meta that is a string", { jsonrpc: "2.0", id: 5, method: "ping", params: { _meta: "x" } }],
    ["deep params", { jsonrpc: "2.0", id: 5, method: "ping", params: { deep: "DEEP" } }],
    ["a NUL", { jsonrpc: "2.0", id: 5, method: "ping", params: { text: "\0" } }],
    ["9 MiB", { jsonrpc: "2.0", id: 5, method: "ping", params: { text: "x".repeat(9 * MIB) } }],
    ["no method", { jsonrpc: "2.0", id: 5 }],
  ])("are answered under their id where they have one: %s", async (_, message) => {
    const { client } = startInProcess();
    await client.initialize();
    client.write(`${deepStringify(message)}\n`);
    expect((await client.answerTo(5)).error?.code).toBe(-32600);
    expect((await client.ask("ping", {})).result).toEqual({});
  });

  it("are thrown away beyond 64 MiB while they come in", async () => {
    const { client } = startInProcess();
    await client.initialize();
    const part = Buffer.alloc(MIB, "x");
    for (let sent = 0; sent < 70; sent += 1) client.write(part);
    expect((await client.answerTo(null)).error?.code).toBe(-32700);
    client.write(part);
    client.write("\n");
    expect((await client.ask("ping", {})).result).toEqual({});
    expect(client.received).toEqual([]);
  });

  it("are reported when nobody waits for an answer", async () => {
    const { client, governor, errors } = startInProcess();
    await client.initialize();
    client.send({ jsonrpc: "2.0", method: "tools/call", params: { name: "claim" } });
    client.send({ jsonrpc: "2.0", method: "notifications/progress", params: { deep: nested(99) } });
    client.send({ jsonrpc: "2.0", method: "notifications/progress", params: 7 });
    client.send({ jsonrpc: "2.0", id: 77, result: { deep: nested(99) } });
    client.send({ jsonrpc: "2.0", id: 77, result: {} });
    await client.ask("ping", {});
    expect(errors.map((error) => error.message)).toEqual([
      "A tools/call without an id was ignored.",
      expect.stringMatching(/^A notification was ignored: .*nested/),
      "A notification was ignored: it is malformed.",
      "A malformed answer was ignored.",
      expect.stringContaining("unknown message ID"),
    ]);
    expect(governor.calls).toEqual([]);
  });

  it("may be empty, end in CRLF and arrive byte by byte, in the middle of characters", async () => {
    const { client, stdin } = startInProcess();
    await client.initialize();
    const call = { name: "echo", arguments: { text: "Grüße 👩‍👩‍👧 漢字" } };
    const line = JSON.stringify({ jsonrpc: "2.0", id: 42, method: "tools/call", params: call });
    for (const byte of Buffer.from(`\n\r\n${line}\r\n`)) stdin.write(Buffer.of(byte));
    const { result } = await client.answerTo(42);
    expect(result?.["structuredContent"]).toMatchObject({ args: call.arguments });
  });

  it("may be many in one chunk, or strings from a stream that decodes", async () => {
    const { client, stdin } = startInProcess();
    await client.initialize();
    client.write(`${ping(101)}\n${ping(102)}\n${ping(103)}\n`);
    await client.answerTo(103);
    stdin.setEncoding("utf8");
    client.write(`${ping(104)}\n`);
    expect((await client.answerTo(104)).result).toEqual({});
  });

  it("cannot use an id twice while it is not answered", async () => {
    const { client, governor } = startInProcess();
    await client.initialize();
    client.request("tools/call", { name: "wait" }, "same");
    client.request("tools/call", { name: "claim" }, "same");
    const { error } = await client.answerTo(null);
    expect(error).toMatchObject({ code: -32600, message: expect.stringContaining("same") });
    governor.release("wait");
    expect((await client.answerTo("same")).result).toMatchObject({
      structuredContent: { none: true },
    });
    client.request("tools/call", { name: "echo" }, "same");
    expect((await client.answerTo("same")).result).toBeDefined();
    expect(governor.calls.map((call) => call.operation)).toEqual(["wait", "echo"]);
  });
});

it("passes a W3C traceparent on, and nothing else that is put in its place", async () => {
  const { client, governor } = startInProcess();
  await client.initialize();
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await client.call("echo", {}, { traceparent });
  await client.call("echo", {}, { traceparent: "ignore me" });
  await client.call("echo", {}, { traceparent: 7 });
  expect(governor.calls.map((call) => call.trace)).toEqual([traceparent, undefined, undefined]);
});

it("keeps what the governor should never have thrown to itself", async () => {
  const { client, errors } = startInProcess();
  await client.initialize();
  const answer = await client.call("throw", {});
  expectRefusal(answer, "internal");
  expect(JSON.stringify(answer)).not.toContain("secret");
  expect(errors).toMatchObject([{ cause: { message: "secret of the governor" } }]);
});

function ping(id: number): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method: "ping" });
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = { a: value };
  return value;
}

/** JSON.stringify is recursive and gives up on what the server must survive. */
function deepStringify(message: object): string {
  const deep = '{"a":'.repeat(100_000) + "1" + "}".repeat(100_000);
  return JSON.stringify(message).replace('"DEEP"', deep);
}

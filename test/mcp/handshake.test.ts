import { describe, expect, it } from "vitest";

import { ENVELOPE, MODERN_VERSION, OLD_VERSIONS } from "./raw-client.ts";
import { startInProcess } from "./start-in-process.ts";

const CAPABILITIES = {
  tools: {},
  resources: { subscribe: true, listChanged: true },
  prompts: {},
};

describe("the handshake", () => {
  it.each(OLD_VERSIONS)("serves a client of %s", async (version) => {
    const { client, governor } = startInProcess();
    const { result } = await client.initialize(version);
    expect(result).toEqual({
      protocolVersion: version,
      capabilities: CAPABILITIES,
      serverInfo: { name: "guvnor", version: "1.2.3" },
      instructions: "Call echo first.",
    });

    const { result: called } = await client.call("echo", { text: "hello" });
    expect(called?.["structuredContent"]).toEqual({
      args: { text: "hello" },
      caller: { kind: "agent", channel: "stdio", clientName: "raw-old" },
      next: "Go on.",
    });
    expect(called?.["content"]).toEqual([
      { type: "text", text: JSON.stringify(called?.["structuredContent"]) },
    ]);
    expect(called).not.toHaveProperty("isError");
    expect(governor.calls).toHaveLength(1);
  });

  it(`serves a client of ${MODERN_VERSION}, which introduces itself in each request`, async () => {
    const { client } = startInProcess();
    const { result } = await client.ask("server/discover", { _meta: ENVELOPE });
    expect(result).toMatchObject({
      supportedVersions: [MODERN_VERSION],
      capabilities: CAPABILITIES,
      instructions: "Call echo first.",
    });

    const { result: called } = await client.call("echo", { text: "hello" }, ENVELOPE);
    expect(called).toMatchObject({
      resultType: "complete",
      structuredContent: { args: { text: "hello" }, caller: { clientName: "raw-modern" } },
    });
  });

  it("knows a modern client by its first call, without discovery", async () => {
    const { client } = startInProcess();
    const { result } = await client.call("echo", {}, ENVELOPE);
    expect(result).toMatchObject({ resultType: "complete" });
  });

  it("answers a version it does not speak with those that it does", async () => {
    const { client, governor } = startInProcess();
    const meta = { ...ENVELOPE, "io.modelcontextprotocol/protocolVersion": "2031-01-01" };
    const { error } = await client.call("echo", {}, meta);
    expect(error).toMatchObject({ code: -32022, data: { supported: [MODERN_VERSION] } });
    expect((await client.initialize("1999-01-01")).result).toMatchObject({
      protocolVersion: "2025-11-25",
    });
    expect(governor.calls).toEqual([]);
  });

  it("does nothing for a client that only looks", async () => {
    const { client, governor, resources, errors } = startInProcess();
    await client.ask("server/discover", { _meta: ENVELOPE });
    await client.initialize();
    await client.ask("tools/list", {});
    await client.ask("resources/list", {});
    expect(governor.events).toEqual([]);
    expect(resources.watching()).toEqual([]);
    expect(errors).toEqual([]);
  });

  it("cleans the name that a client gives itself, and lives without one", async () => {
    const { client } = startInProcess();
    const clientInfo = { name: `\u001B[31mred\u202E${"x".repeat(100)}`, version: "1" };
    const meta = { ...ENVELOPE, "io.modelcontextprotocol/clientInfo": clientInfo };
    const { result } = await client.call("echo", {}, meta);
    const clientName = `red${"x".repeat(60)}…`;
    expect(result?.["structuredContent"]).toMatchObject({ caller: { clientName } });

    const { "io.modelcontextprotocol/clientInfo": _, ...anonymous } = ENVELOPE;
    const { result: unnamed } = await client.call("echo", {}, anonymous);
    expect(unnamed?.["structuredContent"]).toMatchObject({
      caller: { kind: "agent", channel: "stdio" },
    });
  });

  it("lists tools with open outputs, closed inputs and all hints", async () => {
    const { client } = startInProcess();
    await client.initialize();
    const { result } = await client.ask("tools/list", {});
    const tools: unknown = result?.["tools"];
    const [echo, claim, ...more] = Array.isArray(tools) ? tools : [];
    expect(more).toMatchObject([{ name: "wait" }, { name: "wait_claim" }, { name: "throw" }]);
    expect(echo).toEqual({
      name: "echo",
      title: "Fake echo",
      description: "Does echo.",
      inputSchema: {
        type: "object",
        properties: {
          text: { type: "string", description: "Any text." },
          wait_seconds: { type: "integer", minimum: 0, maximum: 50, default: 0 },
        },
        additionalProperties: false,
      },
      outputSchema: {
        type: "object",
        anyOf: [
          { type: "object", properties: { next: { type: "string" } } },
          { type: "object", required: ["code", "message", "fix"] },
        ],
      },
      annotations: {
        title: "Fake echo",
        readOnlyHint: true,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    });
    expect(claim).toMatchObject({ _meta: { "anthropic/alwaysLoad": true } });
  });
});

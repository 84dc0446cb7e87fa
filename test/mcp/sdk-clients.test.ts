import { join } from "node:path";

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client";
import { StdioClientTransport as StdioClientTransportV1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, describe, expect, it } from "vitest";

const SERVER = {
  command: process.execPath,
  args: [join(import.meta.dirname, "fixture-server.ts")],
  stderr: "ignore" as const,
};
const INFO = { name: "sdk-client", version: "1.0.0" };
const TASK = "guvnor://task/T1";

const clients: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function connect(mode: "legacy" | "auto" | { pin: string }): Promise<Client> {
  const client = new Client(INFO, { versionNegotiation: { mode } });
  clients.push(client);
  await client.connect(new StdioClientTransport(SERVER));
  return client;
}

async function connectV1(): Promise<ClientV1> {
  const client = new ClientV1(INFO);
  clients.push(client);
  await client.connect(new StdioClientTransportV1(SERVER));
  return client;
}

describe.each([
  { name: "v2, old protocol", mode: "legacy" as const },
  { name: "v2, automatic", mode: "auto" as const },
  { name: "v2, 2026-07-28", mode: { pin: "2026-07-28" } },
])("the SDK's client $name", ({ mode }) => {
  it("lists and calls tools, validating what it gets", async () => {
    const client = await connect(mode);
    expect(client.getInstructions()).toBe("Call echo first.");
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toContain("echo");

    const echoed = await client.callTool({ name: "echo", arguments: { text: "hi" } });
    expect(echoed.structuredContent).toMatchObject({
      args: { text: "hi" },
      caller: { clientName: "sdk-client" },
    });
    const refused = await client.callTool({ name: "echo", arguments: { text: "\0" } });
    expect(refused).toMatchObject({ isError: true, structuredContent: { code: "input_invalid" } });
    const unknown = await client.callTool({ name: "no_such_tool" });
    expect(unknown).toMatchObject({ isError: true, structuredContent: { code: "tool_unknown" } });
  });

  it("sees progress, cancels, and makes calls at the same time", async () => {
    const client = await connect(mode);
    const controller = new AbortController();
    const progress: number[] = [];
    const waiting = client.callTool(
      { name: "wait" },
      {
        signal: controller.signal,
        onprogress: (report) => {
          progress.push(report.progress);
          controller.abort();
        },
      },
    );
    const echoed = client.callTool({ name: "echo" });
    await expect(waiting).rejects.toThrow("abort");
    expect(progress[0]).toBe(10);
    expect((await echoed).structuredContent).toBeDefined();
  });

  it("reads resources and prompts, and hears of changes", async () => {
    const client = await connect(mode);
    const { contents } = await client.readResource({ uri: TASK });
    expect(contents).toMatchObject([{ mimeType: "application/json" }]);
    await expect(client.readResource({ uri: "guvnor://task/T9" })).rejects.toThrow(
      "There is no T9.",
    );
    const { messages } = await client.getPrompt({ name: "work" });
    expect(messages).toHaveLength(1);

    const updated = new Promise<string>((resolve) => {
      client.setNotificationHandler("notifications/resources/updated", ({ params }) =>
        resolve(params.uri),
      );
    });
    if (mode === "legacy") await client.subscribeResource({ uri: TASK });
    else await client.listen({ resourceSubscriptions: [TASK] });
    await client.callTool({ name: "echo" });
    expect(await updated).toBe(TASK);
  });
});

describe("the SDK's client v1", () => {
  it("lists and calls tools, validating what it gets", async () => {
    const client = await connectV1();
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toContain("echo");
    const echoed = await client.callTool({ name: "echo", arguments: { text: "hi" } });
    expect(echoed).toMatchObject({ structuredContent: { args: { text: "hi" } } });
    const refused = await client.callTool({ name: "echo", arguments: { text: "\0" } });
    expect(refused).toMatchObject({ isError: true, structuredContent: { code: "input_invalid" } });
  });

  it("sees progress and cancels", async () => {
    const client = await connectV1();
    const controller = new AbortController();
    const onprogress = (): void => controller.abort();
    const options = { signal: controller.signal, onprogress };
    await expect(client.callTool({ name: "wait" }, undefined, options)).rejects.toThrow("abort");
    expect(await client.callTool({ name: "echo" })).toBeDefined();
  });

  it("reads resources and prompts, and hears of changes", async () => {
    const client = await connectV1();
    expect((await client.listResources()).resources).toHaveLength(1);
    expect((await client.listPrompts()).prompts).toMatchObject([{ name: "work" }]);
    const updated = new Promise<string>((resolve) => {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) =>
        resolve(params.uri),
      );
    });
    await client.subscribeResource({ uri: TASK });
    await client.callTool({ name: "echo" });
    expect(await updated).toBe(TASK);
  });
});

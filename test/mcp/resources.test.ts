import { InMemoryTransport, Server } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";

import { ActiveCalls } from "../../src/mcp/active-calls.ts";
import { createServerFactory } from "../../src/mcp/create-server.ts";
import { ResourceWatches } from "../../src/mcp/resource-watches.ts";
import { FAKE_PROMPTS, FAKE_TOOLS, FakeGovernor } from "./fake-governor.ts";
import { FakeResources } from "./fake-resources.ts";
import { ENVELOPE, isAcknowledgement, isUpdate, until } from "./raw-client.ts";
import { startInProcess } from "./start-in-process.ts";

const PROJECT = "guvnor://project";
const TASK = "guvnor://task/T1";

describe.each([
  { era: "old", meta: undefined },
  { era: "modern", meta: ENVELOPE },
])("an $era client", ({ meta }) => {
  it("lists and reads resources", async () => {
    const { client } = startInProcess();
    expect((await client.ask("resources/list", { _meta: meta })).result?.["resources"]).toEqual([
      {
        uri: PROJECT,
        name: "project",
        description: "The project in one picture.",
        mimeType: "application/json",
      },
    ]);
    const templates = await client.ask("resources/templates/list", { _meta: meta });
    expect(templates.result?.["resourceTemplates"]).toMatchObject([
      { uriTemplate: "guvnor://task/{id}", name: "task", mimeType: "application/json" },
    ]);
    const read = await client.ask("resources/read", { uri: TASK, _meta: meta });
    expect(read.result?.["contents"]).toEqual([
      { uri: TASK, mimeType: "application/json", text: `{"uri":"${TASK}","state":"ready"}` },
    ]);
  });

  it("is told what is wrong and what to do", async () => {
    const { client } = startInProcess();
    const { error } = await client.ask("resources/read", { uri: "guvnor://task/T9", _meta: meta });
    expect(error).toEqual({
      code: -32602,
      message: "There is no T9. List them.",
      data: {
        code: "task_not_found",
        message: "There is no T9.",
        fix: "List them.",
        details: { id: "T9" },
      },
    });
    const busy = await client.ask("resources/read", { uri: "guvnor://busy", _meta: meta });
    expect(busy.error).toMatchObject({ code: -32603, data: { code: "busy" } });
    const shapeless = await client.ask("resources/read", { _meta: meta });
    expect(shapeless.error?.code).toBe(-32602);
  });

  it("is told nothing of what broke inside", async () => {
    const { client, errors } = startInProcess();
    const answer = await client.ask("resources/read", { uri: "guvnor://broken", _meta: meta });
    expect(answer.error).toMatchObject({ code: -32603, data: { code: "internal" } });
    expect(JSON.stringify(answer)).not.toContain("secret");
    expect(errors).toMatchObject([{ cause: { message: "secret of the store" } }]);
  });

  it("gets prompts by name", async () => {
    const { client } = startInProcess();
    expect((await client.ask("prompts/list", { _meta: meta })).result?.["prompts"]).toEqual([
      { name: "work", title: "Work", description: "Work on tasks." },
    ]);
    const { result } = await client.ask("prompts/get", { name: "work", _meta: meta });
    expect(result?.["messages"]).toEqual([
      { role: "user", content: { type: "text", text: "Call request_task." } },
    ]);
    const { error } = await client.ask("prompts/get", { name: "x\u001B[31my", _meta: meta });
    expect(error).toMatchObject({
      code: -32602,
      message: 'There is no prompt "xy". Ask for one of: work.',
      data: { code: "input_invalid" },
    });
  });
});

describe("changes", () => {
  it("reach an old client that subscribed, until it unsubscribes", async () => {
    const { client, resources } = startInProcess();
    await client.initialize();
    resources.change(TASK);
    await client.ask("resources/subscribe", { uri: TASK });
    await client.ask("resources/subscribe", { uri: TASK });
    expect(resources.watching()).toEqual([TASK]);
    resources.change(TASK);
    const { params } = await client.until(isUpdate);
    expect(params).toEqual({ uri: TASK });
    await client.ask("resources/unsubscribe", { uri: TASK });
    await client.ask("resources/unsubscribe", { uri: "guvnor://never" });
    expect(resources.watching()).toEqual([]);
    expect(client.received).toEqual([]);
  });

  it("of one moment are told once", async () => {
    const { client, resources } = startInProcess();
    await client.initialize();
    await client.ask("resources/subscribe", { uri: TASK });
    for (let change = 0; change < 100; change += 1) resources.change(TASK);
    await client.until(isUpdate);
    await client.ask("ping", {});
    expect(client.received).toEqual([]);
  });

  it("cannot be subscribed to where there is nothing to read", async () => {
    const { client, resources } = startInProcess();
    await client.initialize();
    const { error } = await client.ask("resources/subscribe", { uri: "guvnor://task/T9" });
    expect(error).toMatchObject({ data: { code: "task_not_found" } });
    expect(resources.watching()).toEqual([]);
  });

  it("reach a modern client that listens, each listening request for itself", async () => {
    const { client, resources } = startInProcess();
    const listen = (uris: readonly string[], id: string): unknown =>
      client.request(
        "subscriptions/listen",
        { notifications: { resourceSubscriptions: uris }, _meta: ENVELOPE },
        id,
      );
    listen([PROJECT, TASK], "a");
    await client.until(isAcknowledgement);
    listen([TASK], "b");
    await client.until(isAcknowledgement);
    expect(resources.watching()).toEqual([PROJECT, TASK]);

    resources.change(PROJECT);
    const { params } = await client.until(isUpdate);
    expect(params).toMatchObject({
      uri: PROJECT,
      _meta: { "io.modelcontextprotocol/subscriptionId": "a" },
    });

    client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "a" } });
    await client.ask("resources/list", { _meta: ENVELOPE });
    expect(resources.watching()).toEqual([TASK]);
    resources.change(TASK);
    const second = await client.until(isUpdate);
    expect(second.params).toMatchObject({
      _meta: { "io.modelcontextprotocol/subscriptionId": "b" },
    });
  });

  it("are not watched for a listening request that is refused or wants no resources", async () => {
    const { client, resources } = startInProcess();
    const uris = Array.from({ length: 257 }, (_, index) => `guvnor://task/T${index}`);
    const notifications = { resourceSubscriptions: uris };
    const tooMany = await client.ask("subscriptions/listen", { notifications, _meta: ENVELOPE });
    expect(tooMany.error?.message).toContain("256 resources");
    const shapeless = await client.ask("subscriptions/listen", { _meta: ENVELOPE });
    expect(shapeless.error?.code).toBe(-32602);
    const lists = { notifications: { resourcesListChanged: true }, _meta: ENVELOPE };
    client.request("subscriptions/listen", lists);
    await client.until(isAcknowledgement);
    expect(resources.watching()).toEqual([]);
  });

  it("have an end when a client watches too many", () => {
    const watches = new ResourceWatches(new FakeResources());
    for (let index = 0; index < 64 * 256; index += 1) watches.add("me", `guvnor://task/T${index}`);
    expect(() => watches.add("me", TASK)).not.toThrow();
    expect(() => watches.add("me", "guvnor://more")).toThrow(/are watched/);
    watches.stopAll();
    watches.add("me", "guvnor://more");
  });

  it("that cannot be told are reported", async () => {
    const errors: Error[] = [];
    const resources = new FakeResources();
    const { watches } = makeServer(resources, errors);
    watches.add("me", TASK);
    resources.change(TASK);
    await until(() => errors.length === 1);
    expect(errors[0]?.message).toBe("A change could not be reported.");
  });
});

it("checks arguments itself where another transport carries the calls", async () => {
  const { server, governor } = makeServer(new FakeResources(), []);
  const [here, there] = InMemoryTransport.createLinkedPair();
  await server.connect(there);
  const call = async (id: number, params: Record<string, unknown>): Promise<void> => {
    await here.send({ jsonrpc: "2.0", id, method: "tools/call", params });
    await until(() => governor.calls.length === id);
  };
  await call(1, { name: "echo", arguments: { text: "a" } });
  await call(2, { name: "echo", arguments: { text: "\0" } });
  await call(3, { name: "echo" });
  expect(governor.calls).toMatchObject([
    { args: { text: "a" } },
    { problem: { code: "input_invalid" } },
    { args: {} },
  ]);
  expect(governor.calls[0]).not.toHaveProperty("problem");
});

function makeServer(
  resources: FakeResources,
  errors: Error[],
): { server: Server; governor: FakeGovernor; watches: ResourceWatches } {
  const onError = (error: Error): unknown => errors.push(error);
  const governor = new FakeGovernor();
  const watches = new ResourceWatches(resources);
  const factory = createServerFactory(
    {
      governor,
      tools: FAKE_TOOLS,
      resources,
      instructions: "",
      prompts: FAKE_PROMPTS,
      version: "1",
      onError,
    },
    { calls: new ActiveCalls(onError), watches },
  );
  const server = factory({ era: "legacy" });
  if (!(server instanceof Server)) throw new Error("The factory makes low-level servers.");
  return { server, governor, watches };
}

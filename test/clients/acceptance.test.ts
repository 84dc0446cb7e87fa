import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { TOOLS } from "../../src/tools/index.ts";
import { ARGUMENTS, type Ground } from "./arguments.ts";
import { CLIENTS, type Connected, type ListedTool, v2 } from "./clients.ts";
import { makeServer, type Server } from "./server.ts";

const validator = new AjvJsonSchemaValidator();

/** A client other than ours, so what our schemas promise is checked by somebody else's code. */
function problemOf(tool: ListedTool, value: unknown): string | undefined {
  return validator.getValidator(tool.outputSchema)(value).errorMessage;
}

it("there are arguments for every tool and for no other", () => {
  expect(Object.keys(ARGUMENTS).toSorted()).toEqual(TOOLS.map(({ name }) => name).toSorted());
});

describe.each(CLIENTS)("$name", ({ connect }) => {
  let server: Server;
  let helper: Connected;
  let client: Connected;
  let ground: Ground;
  let tools: readonly ListedTool[];

  beforeAll(async () => {
    server = makeServer();
    helper = await v2(server, "auto");
    const registered = await helper.call("register_agent", {
      name: "ada",
      capabilities: ["typescript"],
    });
    ground = { helper, session: String(registered.structuredContent["session"]) };
    client = await connect(server);
    tools = await client.list();
  });

  afterAll(async () => {
    await client?.close();
    await helper?.close();
    server?.remove();
  });

  it("lists every tool", () => {
    expect(tools.map(({ name }) => name)).toEqual(TOOLS.map(({ name }) => name));
  });

  // What is called is what the server lists; the names here only give each tool a test of its own.
  it.each(TOOLS.map(({ name }) => name))("calls %s, and the answer fits", async (name) => {
    const tool = tools.find((each) => each.name === name);
    const makeArguments = ARGUMENTS[name];
    if (tool === undefined || makeArguments === undefined) throw new Error(`nothing for ${name}`);
    const result = await client.call(name, await makeArguments(ground));
    expect(result).not.toMatchObject({ isError: true });
    expect(problemOf(tool, result.structuredContent)).toBeUndefined();
    expect(JSON.parse(result.content[0]?.text ?? "")).toEqual(result.structuredContent);
  });

  it("is told what to do where a call is refused", async () => {
    const tool = tools.find(({ name }) => name === "get_status");
    const { session } = ground;
    const result = await client.call("get_status", { scope: "task", id: "T99", session });
    expect(result).toMatchObject({ isError: true, structuredContent: { code: "task_not_found" } });
    if (tool !== undefined) expect(problemOf(tool, result.structuredContent)).toBeUndefined();
  });
});

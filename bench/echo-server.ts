/**
 * The bare MCP server that rows are compared with: the same SDK, one tool that answers its input.
 * There is nothing in it but JavaScript: it is passed to Node as text (see servers.ts).
 */
import { Server } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";

serveStdio(
  () => {
    const server = new Server({ name: "echo", version: "1.0.0" }, { capabilities: { tools: {} } });
    server.setRequestHandler("tools/list", () => ({
      tools: [{ name: "echo", description: "Echoes.", inputSchema: { type: "object" } }],
    }));
    server.setRequestHandler("tools/call", ({ params }) => {
      const body = { ...params.arguments };
      return {
        content: [{ type: "text", text: JSON.stringify(body) }],
        structuredContent: body,
      };
    });
    return server;
  },
  { legacy: "serve" },
);

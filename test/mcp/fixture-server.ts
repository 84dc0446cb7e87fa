/**
 * A server with a fake governor on real stdio. Writes what happens to stderr, a JSON line each, and
 * ends when nothing keeps it alive. Every `echo` changes the resource guvnor://task/T1.
 */
import { serveGuvnorStdio } from "../../src/mcp/serve-stdio.ts";
import { FAKE_PROMPTS, FAKE_TOOLS, FakeGovernor } from "./fake-governor.ts";
import { FakeResources } from "./fake-resources.ts";

function note(what: object): void {
  process.stderr.write(`${JSON.stringify(what)}\n`);
}

const resources = new FakeResources();
const governor = new FakeGovernor(({ event, operation }) => {
  note({ event, operation });
  if (operation === "echo") resources.change("guvnor://task/T1");
}, 5);
const service = serveGuvnorStdio({
  governor,
  tools: FAKE_TOOLS,
  resources,
  instructions: "Call echo first.",
  prompts: FAKE_PROMPTS,
  version: "1.2.3",
  stdin: process.stdin,
  stdout: process.stdout,
  onError: (error) => note({ error: error.message }),
});
await service.closed;
note({ event: "closed" });

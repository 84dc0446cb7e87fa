import { PassThrough } from "node:stream";

import { serveGuvnorStdio, type StdioService } from "../../src/mcp/serve-stdio.ts";
import { FAKE_PROMPTS, FAKE_TOOLS, FakeGovernor } from "./fake-governor.ts";
import { FakeResources } from "./fake-resources.ts";
import { RawClient } from "./raw-client.ts";

interface Started {
  readonly client: RawClient;
  readonly governor: FakeGovernor;
  readonly resources: FakeResources;
  readonly service: StdioService;
  readonly stdin: PassThrough;
  readonly stdout: PassThrough;
  readonly errors: Error[];
}

interface StartOptions {
  readonly stdout?: PassThrough;
  readonly tickEveryMs?: number;
}

export function startInProcess(options: StartOptions = {}): Started {
  const stdin = new PassThrough();
  const stdout = options.stdout ?? new PassThrough();
  const governor = new FakeGovernor(() => {}, options.tickEveryMs);
  const resources = new FakeResources();
  const errors: Error[] = [];
  const service = serveGuvnorStdio({
    governor,
    tools: FAKE_TOOLS,
    resources,
    instructions: "Call echo first.",
    prompts: FAKE_PROMPTS,
    version: "1.2.3",
    stdin,
    stdout,
    onError: (error) => errors.push(error),
  });
  const client = new RawClient(stdin, stdout);
  return { client, governor, resources, service, stdin, stdout, errors };
}

import { PassThrough, type Readable, type Writable } from "node:stream";

import { serveGuvnorStdio, type StdioService } from "../../src/mcp/serve-stdio.ts";
import { FAKE_PROMPTS, FAKE_TOOLS, FakeGovernor, FakeResources } from "./fake-governor.ts";
import { RawClient } from "./raw-client.ts";

export interface Started {
  readonly client: RawClient;
  readonly governor: FakeGovernor;
  readonly resources: FakeResources;
  readonly service: StdioService;
  readonly stdin: PassThrough;
  readonly errors: Error[];
}

interface StartOptions {
  readonly stdout?: Writable & Readable;
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
  return { client: new RawClient(stdin, stdout), governor, resources, service, stdin, errors };
}

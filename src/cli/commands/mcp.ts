import type { LazyApp } from "../../app.ts";
import { type Config, readConfig } from "../../config.ts";
import { plainText } from "../../core/check-input.ts";
import { GuvnorError } from "../../core/errors.ts";
import { createResourceReader } from "../../engine/resource-reader.ts";
import { INSTRUCTIONS, PROMPTS } from "../../mcp/instructions.ts";
import { serveGuvnorStdio } from "../../mcp/serve-stdio.ts";
import { toolsOf } from "../../tools/index.ts";
import { createLogger } from "../logger.ts";
import { readVersion } from "../version.ts";

/** Taking everything down may take so long (a gate's processes are ended); then it ends anyway. */
const CLOSE_LIMIT_MS = 10_000;

/**
 * `guvnor mcp`: serves one client until its stdin ends or a signal comes. The engine and the store
 * are loaded at the first call: a client may start two servers and throw one away. stdout belongs
 * to MCP.
 */
export async function runMcp(
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): Promise<void> {
  let config: Config;
  try {
    config = readConfig(env);
  } catch (error) {
    if (!(error instanceof GuvnorError)) throw error;
    process.stderr.write(`guvnor mcp: ${plainText(`${error.message} ${error.fix}`, 500)}\n`);
    process.exitCode = 1;
    return;
  }
  const log = createLogger(config.logLevel);
  let loading: Promise<LazyApp> | undefined;
  const app = async (): Promise<LazyApp> =>
    await (loading ??= import("../../app.ts").then(({ createLazyApp }) =>
      createLazyApp({ config, directory, log }),
    ));
  const service = serveGuvnorStdio({
    governor: { call: async (incoming) => await (await app()).governor.call(incoming) },
    tools: toolsOf(config.toolsets),
    resources: createResourceReader(async () => await (await app()).open()),
    instructions: INSTRUCTIONS,
    prompts: PROMPTS,
    version: readVersion(),
    stdin: process.stdin,
    stdout: process.stdout,
    // What happened beside the protocol may quote the client.
    onError: (error) => log.warn({}, plainText(error.message, 500)),
  });
  const logUnexpected = (error: unknown): void => log.error({ err: error }, "unexpected error");
  process.on("unhandledRejection", logUnexpected);
  let fatal = false;
  process.once("uncaughtException", (error) => {
    logUnexpected(error);
    fatal = true;
    void service.close();
  });
  onStopSignal(() => void service.close());
  await service.closed;
  // Whatever still hangs must not keep a client waiting for this process to end.
  setTimeout(() => process.exit(), CLOSE_LIMIT_MS).unref();
  try {
    await (await loading)?.close();
  } catch (error) {
    logUnexpected(error);
    fatal = true;
  }
  process.exitCode = fatal ? 1 : 0;
}

/** The first signal asks, the second one insists. */
function onStopSignal(stop: () => void): void {
  let asked = false;
  const heard = (): void => {
    if (asked) process.exit(1);
    asked = true;
    stop();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, heard);
}

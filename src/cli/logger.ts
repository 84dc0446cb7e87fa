import { createRequire } from "node:module";

import type { DestinationStream, Logger as PinoLogger, LoggerOptions } from "pino";

import type { Config } from "../config.ts";
import type { Logger } from "../engine/deps.ts";

type Pino = ((options: LoggerOptions, stream: DestinationStream) => PinoLogger) & {
  destination(options: { dest: number; sync: boolean }): DestinationStream;
};

/**
 * Writes JSON lines to stderr, each before the next step (no worker that could lose the last one).
 * pino is loaded at the first line: a server that has nothing to say starts faster. Of an error only
 * its name, message, code and stack are written, so that nothing it carries along gets into a log.
 */
export function createLogger(level: Config["logLevel"]): Logger {
  let made: PinoLogger | undefined;
  const logger = (): PinoLogger => (made ??= openPino(level));
  return {
    info: (fields, message) => {
      if (level === "debug" || level === "info") logger().info(fields, message);
    },
    warn: (fields, message) => {
      if (level !== "error" && level !== "silent") logger().warn(fields, message);
    },
    error: (fields, message) => {
      if (level !== "silent") logger().error(fields, message);
    },
  };
}

function openPino(level: Config["logLevel"]): PinoLogger {
  const load: (name: "pino") => Pino = createRequire(import.meta.url);
  const pino = load("pino");
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    serializers: { err: describeError },
  };
  return pino(options, pino.destination({ dest: 2, sync: true }));
}

function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    ...("code" in error ? { code: error.code } : {}),
    stack,
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
  };
}

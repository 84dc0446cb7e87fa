import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";

import { type ErrorCode, GuvnorError } from "../core/errors.ts";

/** Codes that are guvnor's trouble rather than the request's. */
const OWN_TROUBLE: ReadonlySet<ErrorCode> = new Set([
  "audit_broken",
  "busy",
  "config_invalid",
  "internal",
  "schema_newer",
  "storage_failed",
]);

/**
 * Runs the part of a request that is no tool call, turning what it throws into a JSON-RPC error with
 * the message, the fix and the code. What was not thrown on purpose goes to `onError` instead.
 */
export async function answerErrors<Result>(
  onError: (error: Error) => void,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GuvnorError) throw toProtocolError(error);
    onError(new Error("A request failed unexpectedly.", { cause: error }));
    const fix = "Try again; if it fails again, tell the person who runs guvnor.";
    throw toProtocolError(
      new GuvnorError("internal", "The request failed.", fix, { cause: error }),
    );
  }
}

function toProtocolError(error: GuvnorError): ProtocolError {
  const { code, message, fix, details } = error;
  return new ProtocolError(
    OWN_TROUBLE.has(code) ? ProtocolErrorCode.InternalError : ProtocolErrorCode.InvalidParams,
    `${message} ${fix}`,
    { code, message, fix, ...(details !== undefined && { details }) },
  );
}

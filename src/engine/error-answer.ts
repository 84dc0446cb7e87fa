import { GuvnorError } from "../core/errors.ts";
import type { EngineDeps } from "./deps.ts";

/** Expected errors as they are; anything else is logged under the call's id and answered without its inside. */
export function toGuvnorError(deps: EngineDeps, error: unknown, callId: string): GuvnorError {
  if (error instanceof GuvnorError) return error;
  deps.log.error({ err: error, call_id: callId }, "unexpected error in a call");
  return new GuvnorError(
    "internal",
    `Something went wrong inside guvnor (call ${callId}).`,
    "Try again once; if it happens again, tell a person this call id: the log has the details.",
    { cause: error, details: { correlation_id: callId } },
  );
}

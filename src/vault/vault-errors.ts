import { GuvnorError } from "../core/errors.ts";

/** Vault gave no usable answer. */
export function unavailable(why: string, cause?: unknown): GuvnorError {
  return new GuvnorError(
    "issuer_unavailable",
    `Vault vouches for the agents of this process, but ${why}.`,
    "Call again in a minute; if it stays, tell the person who runs you: guvnor doctor says more.",
    { cause },
  );
}

/** Vault answered, and its answer is no. */
export function refused(what: string, fix: string, status?: number): GuvnorError {
  return new GuvnorError("token_invalid", what, fix, {
    details: { problem: "refused_by_issuer", ...(status === undefined ? {} : { status }) },
  });
}

/** False for what only says that nobody answered. */
export function isRefusal(error: unknown): boolean {
  return error instanceof GuvnorError && error.code === "token_invalid";
}

/** Its status, where Vault refused. */
export function refusedStatus(error: unknown): unknown {
  return error instanceof GuvnorError && isRefusal(error) ? error.details?.["status"] : undefined;
}

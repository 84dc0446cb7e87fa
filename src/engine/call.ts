import type { ErrorCode } from "../core/errors.ts";

export type JsonObject = { readonly [key: string]: unknown };

/** Who is at the other end. */
export type Caller =
  | {
      readonly kind: "agent";
      readonly channel: "stdio" | "http" | "cli";
      /** As the client names itself; self-declared, so never trusted for more than a default name. */
      readonly clientName: string | undefined;
    }
  | {
      readonly kind: "person";
      readonly channel: "cli" | "http";
      readonly name: string;
      /** False where no operator key vouches for the person. */
      readonly verified: boolean;
    };

/** A refusal found before the engine saw the call (size, depth, malformed arguments). */
export interface InputProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string;
}

export interface IncomingCall {
  readonly operation: string;
  /** As it came; parsed by the operation's schema. */
  readonly args: unknown;
  readonly problem?: InputProblem;
  readonly caller: Caller;
  /** Aborts when the client cancels or goes away. */
  readonly signal: AbortSignal;
  /** Called about every ten seconds while the call waits; `waitedMs` so far. */
  readonly onWaiting?: (waitedMs: number) => void;
  /** W3C traceparent, where the client sent one. */
  readonly trace?: string;
}

export interface CallAnswer {
  readonly callId: string;
  readonly isError: boolean;
  /** On error `{code, message, fix, details?}`. */
  readonly body: JsonObject;
  /** Present on a claim: call it when the answer could not be delivered. */
  readonly takeBack?: () => Promise<void>;
}

/** Every way in goes through `call`; it never throws. */
export interface Governor {
  call(incoming: IncomingCall): Promise<CallAnswer>;
}

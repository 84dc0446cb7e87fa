import type { z } from "zod";

import { canonicalJson, toJson } from "../core/canonical-json.ts";
import { findInputProblem } from "../core/check-input.ts";
import { GuvnorError } from "../core/errors.ts";
import { sealedFieldsOf } from "../core/sealed-fields.ts";
import type { IncomingCall, InputProblem, JsonObject } from "./call.ts";
import type { EngineDeps } from "./deps.ts";
import { toGuvnorError } from "./error-answer.ts";
import type { Operation } from "./operation.ts";

export type Operations = ReadonlyMap<string, Operation>;

/** What is known of a call before its transaction. */
export interface Call {
  readonly incoming: IncomingCall;
  readonly callId: string;
  readonly startedMs: number;
  readonly operation: Operation | undefined;
  readonly input: unknown;
  /** Why it will be refused; it is recorded all the same. */
  readonly problem: GuvnorError | undefined;
  readonly payload: string;
  readonly facts: JsonObject;
  readonly waitMs: number;
}

/** Parses once, at the edge; a refusal is carried along so that it reaches the ledger. */
export async function readCall(
  deps: EngineDeps,
  operations: Operations,
  { incoming, callId }: { incoming: IncomingCall; callId: string },
): Promise<Call> {
  const operation = operations.get(incoming.operation);
  const parsed = parseInput(operations, incoming);
  const base = {
    incoming,
    callId,
    startedMs: deps.monotonic(),
    operation,
    ...parsed,
    facts: {},
    waitMs: 0,
  };
  if (operation === undefined || parsed.problem !== undefined) return base;
  const wait = readField(parsed.input, "wait_seconds");
  const waitMs = typeof wait === "number" ? wait * 1000 : 0;
  // What only people may ask is refused to agents in the transaction; until then nothing is done for it.
  const isRefused = operation.class === "person" && incoming.caller.kind === "agent";
  if (operation.prepare === undefined || isRefused) return { ...base, waitMs };
  try {
    const facts = await operation.prepare({ deps }, parsed.input);
    return { ...base, facts, waitMs };
  } catch (error) {
    return { ...base, problem: toGuvnorError(deps, error, callId) };
  }
}

interface ParsedInput {
  readonly input: unknown;
  readonly problem: GuvnorError | undefined;
  readonly payload: string;
}

function parseInput(operations: Operations, incoming: IncomingCall): ParsedInput {
  if (incoming.problem !== undefined) return refuse(incoming.problem, "null");
  const shape = findInputProblem(incoming.args);
  if (shape !== undefined) return refuse(shape, "null");
  const payload = payloadOf(incoming);
  if (payload instanceof GuvnorError) return refuse(payload, "null");
  const operation = operations.get(incoming.operation);
  if (operation === undefined) {
    const names = [...operations.values()].filter((known) => known.class !== "person");
    return refuse(
      {
        code: "tool_unknown",
        message: `There is no tool "${incoming.operation.slice(0, 64)}".`,
        fix: `Use one of: ${names.map((known) => known.name).join(", ")}.`,
      },
      payload,
    );
  }
  const parsed = operation.input.safeParse(incoming.args ?? {});
  if (parsed.success) return { input: parsed.data, problem: undefined, payload };
  return refuse(
    {
      code: "input_invalid",
      message: `${operation.name}: ${describeIssues(parsed.error)}`,
      fix: "Correct the named fields and call again.",
    },
    payload,
  );
}

/** What came, or why it cannot be kept: JSON.parse makes Infinity of 1e999, which no JSON can hold. */
function payloadOf({ args }: IncomingCall): string | GuvnorError {
  try {
    return canonicalJson(toJson(withoutSession(args ?? {})));
  } catch (error) {
    if (error instanceof GuvnorError) return error;
    throw error;
  }
}

/** A refused call has no input; what came stays in the payload, where it was small and sane enough. */
function refuse(problem: InputProblem, payload: string): ParsedInput & { problem: GuvnorError } {
  const error = new GuvnorError(problem.code, problem.message, problem.fix);
  return { input: {}, problem: error, payload };
}

/** A session is a secret: who has it is the agent. The entry names its hash. */
function withoutSession(args: unknown): unknown {
  if (typeof args !== "object" || args === null || !Object.hasOwn(args, "session")) return args;
  return { ...args, session: "(hidden)" };
}

function describeIssues(error: z.ZodError): string {
  const shown = error.issues.slice(0, 5).map((issue) => {
    const path = issue.path.map(String).join(".");
    return path === "" ? wordsOf(issue) : `${path}: ${wordsOf(issue)}`;
  });
  return shown.join("; ").slice(0, 1000);
}

function wordsOf(issue: z.core.$ZodIssue): string {
  const isEmpty = issue.code === "too_small" && issue.origin === "string" && issue.minimum === 1;
  return isEmpty ? "must not be empty" : issue.message;
}

/** One field of parsed input, undefined where it has none. */
export function readField(input: unknown, field: string): unknown {
  if (typeof input !== "object" || input === null) return undefined;
  return Object.getOwnPropertyDescriptor(input, field)?.value;
}

/** Binds a request_id to the very call; with a salt where the arguments must not be guessed from it. */
export function digestOf(
  { sha256, newSecret }: Pick<EngineDeps, "sha256" | "newSecret">,
  call: Call,
): string {
  const { operation } = call.incoming;
  const isSealed = sealedFieldsOf(operation).size > 0;
  return digestWith({ sha256 }, call, isSealed ? `${newSecret()}.` : "");
}

/** Whether the digest was made of the same call. */
export function isDigestOf(deps: Pick<EngineDeps, "sha256">, call: Call, digest: string): boolean {
  const salt = /^[0-9a-f]+\./.exec(digest)?.[0] ?? "";
  return digestWith(deps, call, salt) === digest;
}

function digestWith({ sha256 }: Pick<EngineDeps, "sha256">, call: Call, salt: string): string {
  return `${salt}${sha256(`${salt}${call.incoming.operation}\n${call.payload}`)}`;
}

import type { Agent } from "../core/agent.ts";
import { GuvnorError } from "../core/errors.ts";
import type { StoreTx } from "../store/store.ts";
import type { WriteContext } from "./call-context.ts";
import type { CallAnswer, JsonObject } from "./call.ts";
import type { EngineDeps } from "./deps.ts";
import { identifyAgent } from "./identify.ts";
import { isDigestOf, readField, type Call } from "./read-call.ts";
import { useToken } from "./rules/tokens.ts";

interface Identified {
  readonly agent: Agent | undefined;
  readonly problem?: unknown;
  readonly replay?: CallAnswer;
}

/** Who calls, and whether this very request was answered before. */
export async function whoCalls(write: WriteContext, call: Call): Promise<Identified> {
  const { deps, tx } = write;
  const { caller } = call.incoming;
  const { operation } = call;
  if (caller.kind === "person") return { agent: undefined, problem: call.problem };
  const problem = operation?.class === "person" ? forPeople(operation.name) : call.problem;
  // register_agent says itself who it is.
  const session = readField(call.input, "session");
  if (operation?.registers === true && problem === undefined) return { agent: undefined };
  let agent: Agent | undefined;
  try {
    const named = typeof session === "string" ? session : undefined;
    agent = await identifyAgent(write, caller, named);
    agent = await useToken(write, agent, call.incoming.operation);
    // What was answered is answered again, whatever the world outside looks like by now.
    const replay = await findReplay(deps, tx, call, agent);
    if (replay !== undefined) return { agent, replay };
    return problem === undefined ? { agent } : { agent, problem };
  } catch (error) {
    return { agent, problem: problem ?? error };
  }
}

function forPeople(operation: string): GuvnorError {
  return new GuvnorError(
    "person_required",
    `${operation} is for people only.`,
    "Ask a person with request_escalation.",
  );
}

async function findReplay(
  deps: EngineDeps,
  tx: StoreTx,
  call: Call,
  agent: Agent,
): Promise<CallAnswer | undefined> {
  const requestId = readField(call.input, "request_id");
  if (typeof requestId !== "string") return undefined;
  const stored = await tx.requests.get(agent.name, requestId);
  if (stored === undefined) return undefined;
  if (!isDigestOf(deps, call, stored.digest)) {
    throw new GuvnorError(
      "request_id_reused",
      `request_id "${requestId}" was used for another call.`,
      "Use a new request_id for each new call; repeat one only to repeat the very same call.",
    );
  }
  return { callId: stored.callId, isError: false, body: parseAnswer(stored.answer) };
}

/** What `finish` stored. */
function parseAnswer(answer: string): JsonObject {
  const body: unknown = JSON.parse(answer);
  return typeof body === "object" && body !== null ? { ...body } : {};
}

import type { CallAnswer, JsonObject } from "../../src/engine/call.ts";
import type { Machine } from "./machine.ts";
import type { SimProcess } from "./sim-process.ts";

/** An agent's own memory; it outlives the guvnor process that the agent's client started. */
export interface Client {
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly worktree: string;
  /** From register_agent; a client that was started again may have kept it. */
  session: string | undefined;
  /** Fences under which it was given tasks, old ones too. */
  readonly leases: { readonly taskId: string; readonly fence: number }[];
  /** Of tasks: the commit of a report that waits for an approval; only that very one is approved. */
  readonly waiting: Map<string, string>;
  /** Calls made under a request_id, to be repeated. */
  readonly requests: { readonly operation: string; readonly args: JsonObject }[];
}

/** One agent at one process. A client that was started again is another one, with the same memory. */
export interface SimAgent {
  readonly machine: Machine;
  readonly process: SimProcess;
  readonly client: Client;
  /** As guvnor calls it; may have got a suffix. */
  name: string;
}

export interface AskOptions {
  readonly cancelAfterMs?: number;
  readonly isUndelivered?: boolean;
}

const WRITING = new Set([
  "request_task",
  "report_progress",
  "submit_plan",
  "open_topic",
  "vote",
  "send_message",
]);
/** Writing calls under a request_id. */
const WITH_REQUEST_ID = 0.25;

/** A tool call of this agent, with its session where the connection has several agents, or by chance. */
export async function ask(
  agent: SimAgent,
  operation: string,
  args: JsonObject,
  options: AskOptions = {},
): Promise<CallAnswer | undefined> {
  const { machine, process, client } = agent;
  const { random } = machine;
  const isShared = process.agents.length > 1;
  const says = client.session !== undefined && random.chance(isShared ? 0.97 : 0.3);
  const isNumbered = WRITING.has(operation) && random.chance(WITH_REQUEST_ID);
  const full = {
    ...args,
    ...(says ? { session: client.session } : {}),
    ...(isNumbered ? { request_id: `r-${random.hex(1)}` } : {}),
  };
  if (isNumbered) client.requests.push({ operation, args: full });
  return await askExactly(agent, operation, full, options);
}

/** The call as it stands; a session that is missing or not known leads to a new registration. */
export async function askExactly(
  agent: SimAgent,
  operation: string,
  args: JsonObject,
  options: AskOptions = {},
): Promise<CallAnswer | undefined> {
  const who = `${agent.name}@${agent.process.id}`;
  const answer = await agent.process.call({ who, operation, args, ...options });
  const code = answer?.isError === true ? answer.body["code"] : undefined;
  if (code === "session_unknown") agent.client.session = undefined;
  const isUnknown = code === "session_unknown" || code === "session_required";
  if (isUnknown && agent.client.session === undefined && operation !== "register_agent") {
    await register(agent);
  }
  return answer;
}

/** Under its own name, with the session where it is still known. */
export async function register(agent: SimAgent): Promise<void> {
  const { client, process, machine } = agent;
  for (;;) {
    const answer = await askExactly(agent, "register_agent", {
      ...(client.session === undefined ? { name: client.name } : { session: client.session }),
      capabilities: client.capabilities,
      worktree: client.worktree,
      ...(machine.random.chance(0.1) ? { request_id: `reg-${machine.random.int(1, 3)}` } : {}),
    });
    if (answer === undefined || answer.isError) {
      const isOut = ["agent_revoked", "stopped", "limited"].includes(codeOf(answer) ?? "");
      await process.sleep(machine.random.between(200, isOut ? 9000 : 3000));
      continue;
    }
    client.session = String(answer.body["session"]);
    agent.name = String(answer.body["agent"]);
    if (agent.name !== client.name) machine.chronicle.count("name with a suffix");
    if (!process.agents.includes(agent.name)) process.agents.push(agent.name);
    return;
  }
}

export function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as JsonObject)[name];
}

export function codeOf(answer: CallAnswer | undefined): string | undefined {
  return answer?.isError === true ? String(answer.body["code"]) : undefined;
}

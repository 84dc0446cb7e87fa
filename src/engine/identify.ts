import { stateFor, type Agent, type ProcessRow } from "../core/agent.ts";
import { GuvnorError } from "../core/errors.ts";
import { freeName, slugName } from "../core/ids.ts";
import { SCHEMA_NUMBER } from "../store/migrations/migrations.ts";
import type { WriteContext } from "./call-context.ts";
import type { Caller } from "./call.ts";
import { endProcess } from "./presence.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";

/**
 * Which agent calls. Sub-agents of one client share its connection, which is one process: with one
 * agent on it the session may be left out, with several it must be there.
 * @throws {GuvnorError} `session_required` or `session_unknown`.
 */
export async function identifyAgent(
  ctx: WriteContext,
  caller: Extract<Caller, { kind: "agent" }>,
  session: string | undefined,
): Promise<Agent> {
  await ensureProcess(ctx);
  if (session !== undefined) return await bindSession(ctx, session);
  const here = await ctx.tx.agents.byProcess(ctx.deps.processId);
  const [only, ...others] = here;
  if (others.length > 0) {
    const unnamed = here.find((agent) => !hasSession(agent));
    throw new GuvnorError(
      "session_required",
      `${here.length} agents share this connection; which of them calls?`,
      `Add the \`session\` that register_agent gave you to every call.${
        unnamed === undefined
          ? ""
          : ` If you never registered, you are ${unnamed.name}: call register_agent {"name":"${unnamed.name}"}.`
      }`,
    );
  }
  if (only !== undefined) return await seen(ctx, only);
  const wanted = slugName(ctx.deps.settings.agentName ?? caller.clientName ?? "agent");
  return (await enrol(ctx, { name: wanted, isImplicit: true })).agent;
}

/** What stands for the hash of a session that nobody was given: no session has it. */
const NO_SESSION = "none:";

/** False for an agent that never registered: its first call did so for it. */
export function hasSession(agent: Agent): boolean {
  return !agent.sessionHash.startsWith(NO_SESSION);
}

/** Written at most this often: it is what stalls of a minute and more are judged by. */
const SEEN_MS = 2000;

/** An agent that acts is there, whatever state it was in. */
async function seen(ctx: WriteContext, agent: Agent): Promise<Agent> {
  if (agent.state === "offline") return await comeBack(ctx, agent);
  // Narrow and rare: the heartbeat, not each call, proves presence.
  if (ctx.nowMs - agent.lastSeenMs < SEEN_MS) return agent;
  await ctx.tx.agents.touch(agent.name, ctx.nowMs);
  return { ...agent, lastSeenMs: ctx.nowMs };
}

/** A valid session moves its agent to this process: the client was restarted. */
export async function bindSession(ctx: WriteContext, session: string): Promise<Agent> {
  const agent = await ctx.tx.agents.bySession(ctx.deps.sha256(session));
  if (agent === undefined) {
    throw new GuvnorError(
      "session_unknown",
      "No agent has this session.",
      "Call register_agent without a session to get a new one.",
    );
  }
  return await (agent.processId === ctx.deps.processId ? seen(ctx, agent) : comeBack(ctx, agent));
}

/** Its process was suspended and taken for gone, or the client was restarted. */
async function comeBack(ctx: WriteContext, agent: Agent): Promise<Agent> {
  const bound = await present(ctx, agent);
  await ctx.tx.agents.save(bound);
  ctx.effects.push({ type: "agent", id: agent.name, event: "resumed" });
  return bound;
}

export interface Enrolment {
  readonly name: string;
  readonly role?: string | undefined;
  readonly capabilities?: readonly string[] | undefined;
  readonly model?: string | undefined;
  readonly worktree?: string | undefined;
  /** Its first call registers it, whose answer holds no session. */
  readonly isImplicit?: true;
}

/** Registers a name, or resumes it where nobody is using it; a name in use gets a suffix. */
export async function enrol(
  ctx: WriteContext,
  wanted: Enrolment,
): Promise<{ agent: Agent; session: string }> {
  const taken = new Set<string>();
  for (;;) {
    const name = freeName(wanted.name, (candidate) => taken.has(candidate));
    const existing = await ctx.tx.agents.get(name);
    if (existing === undefined || !(await isInUse(ctx, existing))) {
      return await saveEnrolment(ctx, { ...wanted, name }, existing);
    }
    taken.add(name);
  }
}

/** Writes what an agent says of itself, under a fresh session unless it brought its own. */
export async function saveEnrolment(
  ctx: WriteContext,
  wanted: Enrolment,
  existing: Agent | undefined,
  ownSession?: string,
): Promise<{ agent: Agent; session: string }> {
  const session = ownSession ?? ctx.deps.newSecret();
  const keepsToken = existing !== undefined && existing.processId === ctx.deps.processId;
  const agent: Agent = await present(ctx, {
    name: wanted.name,
    role: wanted.role ?? existing?.role ?? null,
    capabilities: wanted.capabilities?.toSorted() ?? existing?.capabilities ?? [],
    model: wanted.model ?? existing?.model ?? null,
    tier: existing?.tier ?? (await rulesInForce(ctx)).settings.tiers.start,
    principal: keepsToken ? existing.principal : ctx.deps.settings.principal,
    state: existing?.state ?? "idle",
    sessionHash: wanted.isImplicit === true ? `${NO_SESSION}${session}` : ctx.deps.sha256(session),
    processId: ctx.deps.processId,
    worktree: wanted.worktree ?? ctx.deps.settings.directory,
    // What another process was given is not taken over with the name.
    tokenHash: keepsToken ? existing.tokenHash : null,
    registeredAtMs: existing?.registeredAtMs ?? ctx.nowMs,
    lastSeenMs: ctx.nowMs,
  });
  await ctx.tx.agents.save(agent);
  ctx.effects.push({
    type: "agent",
    id: agent.name,
    event: existing === undefined ? "registered" : "resumed",
    capabilities: agent.capabilities,
  });
  return { agent, session };
}

/** What it held when it went is waiting for it, if nobody has taken it. */
async function present(ctx: WriteContext, agent: Agent): Promise<Agent> {
  const isBack = agent.state === "offline";
  return {
    ...agent,
    processId: ctx.deps.processId,
    state: isBack ? stateFor("idle", await ctx.tx.tasks.heldBy(agent.name)) : agent.state,
    lastSeenMs: ctx.nowMs,
  };
}

/** In use = its process is present; one that is certainly gone is ended here and now. */
async function isInUse(ctx: WriteContext, agent: Agent): Promise<boolean> {
  const process = await ctx.tx.processes.get(agent.processId);
  if (process === undefined || process.endedAtMs !== null) return false;
  if (process.id === ctx.deps.processId || !ctx.deps.processes.isGone(process)) return true;
  await endProcess(ctx, process, "gone");
  return false;
}

/** The process is written at its first call, not at its start: clients may start one and throw it away. */
export async function ensureProcess(ctx: WriteContext): Promise<void> {
  const { processId, processes } = ctx.deps;
  const known = await ctx.tx.processes.get(processId);
  if (known !== undefined && known.endedAtMs === null) return;
  const row: ProcessRow = {
    id: processId,
    ...processes.self,
    beat: (known?.beat ?? 0) + 1,
    startedAtMs: known?.startedAtMs ?? ctx.nowMs,
    beatAtMs: ctx.nowMs,
    endedAtMs: null,
    schema: SCHEMA_NUMBER,
  };
  await ctx.tx.processes.save(row);
  ctx.effects.push({
    type: "process",
    id: processId,
    event: known === undefined ? "started" : "revived",
    pid: row.pid,
  });
}

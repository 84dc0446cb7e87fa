import type { Agent } from "../core/agent.ts";
import { GuvnorError } from "../core/errors.ts";
import { isAgentName, slugName } from "../core/ids.ts";
import type { CallContext } from "./call-context.ts";
import {
  bindSession,
  enrol,
  ensureProcess,
  hasSession,
  saveEnrolment,
  type Enrolment,
} from "./identify.ts";
import type { Outcome } from "./operation.ts";
import { parallelTasks } from "./rules/bounds.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";
import { readStopFor, stopped } from "./rules/stops.ts";
import { agentRevoked, useToken } from "./rules/tokens.ts";
import { present, taskRow } from "./task-view.ts";

export interface Registration {
  readonly name?: string | undefined;
  readonly session?: string | undefined;
  readonly role?: string | undefined;
  readonly capabilities?: readonly string[] | undefined;
  readonly model?: string | undefined;
  readonly worktree?: string | undefined;
}

/**
 * Says who calls. With its session an agent comes back as itself; the only agent of a connection
 * registers again without one (after a compaction); another name is another agent.
 */
export async function registerAgent(ctx: CallContext, asked: Registration): Promise<Outcome> {
  await ensureProcess(ctx);
  await refuseHeldBack(ctx, asked.session);
  const { agent: registered, session } = await registerOrResume(ctx, asked);
  const agent = await useToken(ctx, registered, null);
  const { settings, project } = await rulesInForce(ctx);
  const held = await ctx.tx.tasks.heldBy(agent.name);
  for (const task of held) {
    const attempt = await ctx.tx.attempts.get(task.id, task.attemptNo);
    const moved = attempt !== undefined && attempt.worktree !== agent.worktree;
    if (moved) await ctx.tx.attempts.save({ ...attempt, worktree: agent.worktree });
  }
  const parallel = await parallelTasks(ctx);
  const answer = present({
    agent: agent.name,
    session,
    tier: agent.tier,
    capabilities: agent.capabilities,
    project: project?.name,
    limits: Number.isFinite(parallel) ? { parallel_tasks: parallel } : null,
    gates: Object.keys(settings.gates),
    tasks: held.map(taskRow),
    next: held.some((task) => task.state === "running")
      ? "You hold tasks: call request_task to get the brief again."
      : 'Call request_task {"wait_seconds":25} to get work.',
  });
  return { answer, target: agent.name, registered: agent };
}

/**
 * Whoever was revoked or stopped does not come back under another name on the same connection. Its
 * siblings go on; with its session each of them can show that it is another one.
 */
async function refuseHeldBack(ctx: CallContext, session: string | undefined): Promise<void> {
  const own = session === undefined ? undefined : ctx.deps.sha256(session);
  const here = await ctx.tx.agents.byProcess(ctx.deps.processId);
  if (own !== undefined && here.every(({ sessionHash }) => sessionHash !== own)) {
    const known = await ctx.tx.agents.bySession(own);
    if (known !== undefined) await refuseStopped(ctx, known.name);
  }
  for (const agent of here) {
    if (own !== undefined && agent.sessionHash !== own) continue;
    if (agent.state === "revoked") throw agentRevoked(agent.name);
    await refuseStopped(ctx, agent.name);
  }
}

async function refuseStopped(ctx: CallContext, agent: string): Promise<void> {
  const stop = await readStopFor(ctx.tx, agent);
  if (stop !== undefined) throw stopped(stop, false);
}

async function registerOrResume(
  ctx: CallContext,
  asked: Registration,
): Promise<{ agent: Agent; session: string }> {
  const name = asked.name === undefined ? undefined : requireName(asked.name);
  if (asked.session !== undefined) {
    const bound = await bindSession(ctx, asked.session);
    if (name !== undefined && name !== bound.name) {
      throw new GuvnorError(
        "input_invalid",
        `This session belongs to ${bound.name}, not to ${name}.`,
        "Leave `name` out, or leave `session` out to register a second agent.",
      );
    }
    const wanted: Enrolment = { ...asked, name: bound.name };
    return await saveEnrolment(ctx, wanted, bound, asked.session);
  }
  const same = whoRegistersAgain(await ctx.tx.agents.byProcess(ctx.deps.processId));
  if (same !== undefined && (name === undefined || name === same.name)) {
    return await saveEnrolment(ctx, { ...asked, name: same.name }, same);
  }
  return await enrol(ctx, { ...asked, name: name ?? defaultName(ctx) });
}

/** Of several agents on a connection only the one without a session can be meant where none is named. */
function whoRegistersAgain(here: readonly Agent[]): Agent | undefined {
  return here.length === 1 ? here[0] : here.find((agent) => !hasSession(agent));
}

function defaultName(ctx: CallContext): string {
  const client = ctx.caller.kind === "agent" ? ctx.caller.clientName : undefined;
  return slugName(ctx.deps.settings.agentName ?? client ?? "agent");
}

function requireName(name: string): string {
  if (isAgentName(name)) return name;
  throw new GuvnorError(
    "input_invalid",
    "An agent's name is 1 to 64 of a–z, 0–9, dot, dash and underscore, and starts with a letter or digit.",
    `Call register_agent {"name":"${slugName(name)}"}.`,
  );
}

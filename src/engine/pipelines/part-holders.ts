import { TIERS, type Tier } from "../../core/agent.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { Pipeline, RolePart } from "../../core/pipeline.ts";
import type { Task } from "../../core/task.ts";
import { mintToken, renewToken, revokeToken, tokenProblem } from "../../core/token.ts";
import type { CallContext, WriteContext } from "../call-context.ts";
import { rulesInForce } from "../rules/rules-in-force.ts";
import { shortOf } from "../rules/tokens.ts";
import { freeOutOfReach, readTrust, saveTrust } from "../rules/trust.ts";
import { savePipeline } from "./save-pipeline.ts";

/** An agent has claimed a part: it gets a token for it, whose parent is the pipeline's. */
export async function takePart(
  ctx: WriteContext,
  pipeline: Pipeline,
  part: RolePart,
  holder: string,
): Promise<Pipeline> {
  const left = await leavePart(ctx, part, `${holder} has taken ${part.taskId}`);
  const own = await ctx.tx.tokens.get(pipeline.tokenHash);
  if (own === undefined) throw new Error(`the token of ${pipeline.id} is not there`);
  const token = mintToken(
    own.token,
    {
      hash: ctx.deps.sha256(ctx.deps.newSecret()),
      agent: holder,
      scope: { tools: ["*"], project: ctx.deps.scope.project, tier: "T2" },
    },
    ctx.nowMs,
  );
  await ctx.tx.tokens.save({ token, name: null, principal: own.principal });
  ctx.effects.push({ type: "token", id: shortOf(token), event: "issued", agent: holder });
  const lent = await lend(ctx, holder, pipeline);
  const taken = { ...left, agent: holder, tokenHash: token.hash, lent };
  return await savePipeline(ctx, withPart(pipeline, taken), "part_taken", {
    role: part.role,
    task: part.taskId,
    agent: holder,
  });
}

/** Its token ends, and what the pipeline lent its agent. */
export async function leavePart(ctx: WriteContext, part: RolePart, why: string): Promise<RolePart> {
  if (part.tokenHash !== null) {
    const named = await ctx.tx.tokens.get(part.tokenHash);
    const token = named === undefined ? undefined : revokeToken(named.token, why, ctx.nowMs);
    if (named !== undefined && token !== undefined && token !== named.token) {
      await ctx.tx.tokens.save({ ...named, token });
      ctx.effects.push({ type: "token", id: shortOf(token), event: "ended", agent: part.agent });
    }
  }
  if (part.lent !== null && part.agent !== null) await takeBack(ctx, part.agent, part.lent);
  return { ...part, tokenHash: null, lent: null };
}

/** Every token of the pipeline: with its own, those that it is the parent of are over. */
export async function endPipelineTokens(
  ctx: WriteContext,
  pipeline: Pipeline,
  why: string,
): Promise<Pipeline> {
  const parts: RolePart[] = [];
  for (const part of pipeline.run.parts) parts.push(await leavePart(ctx, part, why));
  const named = await ctx.tx.tokens.get(pipeline.tokenHash);
  if (named !== undefined && named.token.revokedAtMs === null) {
    const token = revokeToken(named.token, why, ctx.nowMs);
    await ctx.tx.tokens.save({ ...named, token });
    ctx.effects.push({ type: "token", id: shortOf(token), event: "revoked", name: pipeline.id });
  }
  return { ...pipeline, run: { ...pipeline.run, parts } };
}

/**
 * Whoever reports on a part needs its token for it; a use after 30 minutes renews it, and the
 * pipeline's own.
 * @throws {GuvnorError} `token_invalid`.
 */
export async function usePartToken(ctx: CallContext, task: Task): Promise<void> {
  const pipeline =
    task.spec.serves === undefined ? undefined : await ctx.tx.pipelines.get(task.spec.serves);
  const part = pipeline?.run.parts.find(({ taskId }) => taskId === task.id);
  if (pipeline === undefined || part === undefined) return;
  const own = await ctx.tx.tokens.get(pipeline.tokenHash);
  const named = part.tokenHash === null ? undefined : await ctx.tx.tokens.get(part.tokenHash);
  if (own === undefined || named === undefined) throw partTokenOver(pipeline, task, "unknown");
  const use = { tool: "report_progress", project: ctx.deps.scope.project };
  const problem = tokenProblem(named.token, [own.token], ctx.nowMs, use);
  if (problem !== undefined) throw partTokenOver(pipeline, task, problem);
  for (const each of [named, own]) {
    const token = renewToken(each.token, ctx.nowMs);
    if (token === each.token) continue;
    await ctx.tx.tokens.save({ ...each, token });
    ctx.effects.push({ type: "token", id: shortOf(token), event: "renewed", agent: token.agent });
  }
}

function partTokenOver(pipeline: Pipeline, task: Task, problem: string): GuvnorError {
  return new GuvnorError(
    "token_invalid",
    `Your token for ${task.id} of the pipeline ${pipeline.id} is over: ${problem.replaceAll("_", " ")}.`,
    "Stop working on it and call request_task for other work.",
    { details: { problem } },
  );
}

/** @returns What has to be taken back; null where its own tier is as high. */
async function lend(
  ctx: WriteContext,
  name: string,
  { id, tier }: Pipeline,
): Promise<RolePart["lent"]> {
  const agent = await ctx.tx.agents.get(name);
  if (agent === undefined || tier === null) return null;
  if (TIERS.indexOf(agent.tier) >= TIERS.indexOf(tier)) return null;
  await setTier(ctx, name, tier, `a person lends it ${tier} for ${id}`);
  return { before: agent.tier, tier };
}

/** Unless somebody has said otherwise meanwhile: taking back never undoes a person's word. */
async function takeBack(
  ctx: WriteContext,
  name: string,
  { before, tier }: NonNullable<RolePart["lent"]>,
): Promise<void> {
  const agent = await ctx.tx.agents.get(name);
  if (agent?.tier !== tier) return;
  await setTier(ctx, name, before, "its part in the pipeline is over");
}

/** What it earned or lost meanwhile stays counted. */
async function setTier(ctx: WriteContext, name: string, to: Tier, why: string): Promise<void> {
  const agent = await ctx.tx.agents.get(name);
  if (agent === undefined || agent.tier === to) return;
  const trust = await readTrust(ctx, name, agent.tier);
  await saveTrust(ctx, name, { ...trust, tier: to });
  await ctx.tx.agents.save({ ...agent, tier: to });
  ctx.effects.push({ type: "agent", id: name, event: "tier", from: agent.tier, to, why });
  const { settings } = await rulesInForce(ctx);
  await freeOutOfReach(ctx, settings, name, to);
}

export function withPart(pipeline: Pipeline, part: RolePart): Pipeline {
  const parts = pipeline.run.parts.map((each) => (each.taskId === part.taskId ? part : each));
  return { ...pipeline, run: { ...pipeline.run, parts } };
}

import type { Pipeline, PipelineRun } from "../../core/pipeline.ts";
import { TOKEN_TTL_MS, type Token } from "../../core/token.ts";
import type { WriteContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { shortOf } from "../rules/tokens.ts";
import { makeTwo } from "./make-parts.ts";

export interface NewRun {
  readonly no: number;
  /** Why GAMMA mediates from the start. */
  readonly mediated: string | null;
  /** Agents that are to leave it to others. */
  readonly not: readonly string[];
  /** What came of the runs before, for those who do the next one. */
  readonly context: readonly JsonObject[];
}

/** The tasks of ALPHA and BETA, and the time that they have. */
export async function beginRun(
  ctx: WriteContext,
  pipeline: Pipeline,
  { no, mediated, not, context }: NewRun,
): Promise<PipelineRun> {
  const run: PipelineRun = {
    no,
    parts: [],
    mediated,
    topicId: null,
    startedAtMs: ctx.nowMs,
    deadlineMs: ctx.nowMs + pipeline.template.deadlineMs,
    failure: null,
  };
  return { ...run, parts: await makeTwo(ctx, { ...pipeline, run }, { not, context }) };
}

/** Nobody holds its secret: it is there to be the parent of its agents' tokens, and to be revoked. */
export async function issuePipelineToken(
  ctx: WriteContext,
  id: string,
  principal: string,
): Promise<string> {
  const token: Token = {
    hash: ctx.deps.sha256(ctx.deps.newSecret()),
    kind: "access",
    parent: null,
    agent: null,
    scope: { tools: ["*"], project: ctx.deps.scope.project, tier: "T2" },
    issuedAtMs: ctx.nowMs,
    expiresAtMs: ctx.nowMs + TOKEN_TTL_MS,
    renewedAtMs: ctx.nowMs,
    revokedAtMs: null,
    revokedWhy: null,
  };
  await ctx.tx.tokens.save({ token, name: null, principal });
  ctx.effects.push({ type: "token", id: shortOf(token), event: "issued", pipeline: id });
  return token.hash;
}

import type { Rerun } from "../../core/pipeline-template.ts";
import type { Pipeline } from "../../core/pipeline.ts";
import type { WriteContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { isPresent } from "../is-present.ts";
import { beginRun, issuePipelineToken } from "./begin-run.ts";
import { countConflicts } from "./count-conflicts.ts";
import { describeRun } from "./describe-run.ts";
import { endPipelineTokens } from "./part-holders.ts";
import { savePipelineMove } from "./save-pipeline.ts";

export interface RerunOrder {
  readonly action: Rerun | "escalate_tier";
  readonly reason: string;
  /** "person:pat", or "guvnor" where the template says so. */
  readonly by: string;
}

/** Begins again with what is known of the runs before. */
export async function rerunPipeline(
  ctx: WriteContext,
  pipeline: Pipeline,
  { action, reason, by }: RerunOrder,
): Promise<Pipeline> {
  const old = await endPipelineTokens(ctx, pipeline, `${pipeline.id} runs again`);
  const principal = (await ctx.tx.tokens.get(pipeline.tokenHash))?.principal ?? by;
  const tokenHash = await issuePipelineToken(ctx, pipeline.id, principal);
  const earlierRuns = [...pipeline.earlierRuns, old.run];
  const fresh: Pipeline = { ...old, tokenHash, earlierRuns, outcome: null };
  const conflicts = await countConflicts(ctx.tx, old);
  const { maxConflicts } = pipeline.template;
  const tooMany =
    conflicts > maxConflicts
      ? `There were ${conflicts} conflicts, more than ${maxConflicts}.`
      : null;
  const mediated = action === "rerun_gamma" ? `${by} asks for GAMMA: ${reason}` : tooMany;
  const context: JsonObject[] = [];
  for (const run of earlierRuns) {
    const described = await describeRun(ctx.tx, run, () => false);
    // Whoever does it again reads why.
    context.push(run === old.run ? { ...described, again: { action, by, reason } } : described);
  }
  const run = await beginRun(ctx, fresh, {
    no: old.run.no + 1,
    mediated,
    not: await toReplace(ctx, old),
    context,
  });
  return await savePipelineMove(ctx, { ...fresh, run }, "rerun", { action, by, why: reason });
}

/** What a person wrote into guvnor.yaml for this case. @returns False where nothing is left of it. */
export async function rerunByTemplate(ctx: WriteContext, pipeline: Pipeline): Promise<boolean> {
  const { onNoConsensus, reruns } = pipeline.template;
  if (onNoConsensus === null || pipeline.earlierRuns.length >= reruns) return false;
  const reason = pipeline.run.failure ?? "There was no consensus.";
  await rerunPipeline(ctx, pipeline, { action: onNoConsensus, reason, by: "guvnor" });
  return true;
}

/** Who did the last run leaves the next one to others, where there are two others. */
async function toReplace(ctx: WriteContext, { run }: Pipeline): Promise<readonly string[]> {
  const old = new Set(run.parts.flatMap(({ agent }) => agent ?? []));
  let others = 0;
  for (const { name, state } of await ctx.tx.agents.list()) {
    const isUsable = state !== "revoked" && state !== "quarantined" && !old.has(name);
    if (isUsable && (await isPresent(ctx, name))) others += 1;
  }
  return others >= 2 ? [...old].toSorted() : [];
}

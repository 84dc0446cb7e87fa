import { TIERS, type Tier } from "../../core/agent.ts";
import type { Advantage } from "../../core/consensus/runoff-pair.ts";
import { GuvnorError } from "../../core/errors.ts";
import { awaitsFallback, reportedParts, type Pipeline } from "../../core/pipeline.ts";
import { hasFailed } from "../../core/solution-checks.ts";
import { lowestTier } from "../../core/token.ts";
import { bestOfLastRound, type Deliberation } from "../../core/topic-record.ts";
import { loadDeliberation } from "../board/move-topic.ts";
import { callingPerson, type CallContext } from "../call-context.ts";
import { requirePipeline } from "../find-rows.ts";
import type { Outcome } from "../operation.ts";
import { closeQuestions, completePipeline } from "./advance-pipeline.ts";
import { describePipeline } from "./describe-pipeline.ts";
import { viewOf } from "./pipeline-view.ts";
import { rerunPipeline } from "./rerun-pipeline.ts";

export const FALLBACKS = ["rerun_same", "rerun_gamma", "escalate_tier", "accept_partial"] as const;

export interface FallbackOrder {
  readonly pipeline_id: string;
  readonly action: (typeof FALLBACKS)[number];
  readonly reason: string;
  /** Of accept_partial: which one; without it the best one there is. */
  readonly solution_id?: string | undefined;
}

/** A person goes on where the rules have come to their end. */
export async function fallBack(ctx: CallContext, asked: FallbackOrder): Promise<Outcome> {
  const person = callingPerson(ctx);
  const found = await requirePipeline(ctx, asked.pipeline_id);
  requireStuck(found);
  const { action, reason } = asked;
  await closeQuestions(ctx, found, `${person} chose ${action}: ${reason}`);
  if (action === "accept_partial") await acceptPartial(ctx, found, asked);
  else {
    const pipeline =
      action === "escalate_tier" ? { ...found, tier: await higherTier(ctx, found) } : found;
    await rerunPipeline(ctx, pipeline, { action, reason, by: person });
  }
  const now = await requirePipeline(ctx, found.id);
  return { target: now.id, answer: await describePipeline(ctx.tx, now) };
}

function requireStuck(pipeline: Pipeline): void {
  if (awaitsFallback(pipeline) || pipeline.state === "failed") return;
  throw new GuvnorError(
    "state_conflict",
    `${pipeline.id} is ${pipeline.state}: there is nothing to fall back from.`,
    pipeline.state === "orchestrating"
      ? `Wait for its vote, or decide it: guvnor board decide ${pipeline.run.topicId ?? ""}`
      : `Look at it: guvnor pipeline show ${pipeline.id}`,
  );
}

/** One above what those of the last run had. @throws {GuvnorError} `state_conflict` at the highest. */
async function higherTier(ctx: CallContext, { id, tier, run }: Pipeline): Promise<Tier> {
  const tiers: Tier[] = [];
  for (const { agent } of run.parts) {
    const known = agent === null ? undefined : await ctx.tx.agents.get(agent);
    if (known !== undefined) tiers.push(known.tier);
  }
  const had = tier ?? lowestTier(tiers);
  const next = TIERS[TIERS.indexOf(had) + 1];
  if (next !== undefined) return next;
  throw new GuvnorError(
    "state_conflict",
    `${id} ran at ${had}, the highest tier there is.`,
    `Run it again as it is: guvnor pipeline fallback ${id} rerun_same`,
  );
}

/** Completed by a person's word alone. */
async function acceptPartial(
  ctx: CallContext,
  pipeline: Pipeline,
  { solution_id: wanted, reason }: FallbackOrder,
): Promise<void> {
  const { topicId } = pipeline.run;
  const topic = topicId === null ? undefined : await ctx.tx.topics.get(topicId);
  const deliberation = topic === undefined ? undefined : await loadDeliberation(ctx.tx, topic);
  const { solutions = [] } = deliberation ?? {};
  const best = wanted === undefined ? bestOf(deliberation) : undefined;
  const solution = solutions.find(({ id }) => id === (wanted ?? best?.id));
  const [only] = reportedParts(await viewOf(ctx.tx, pipeline));
  if (solution === undefined && (wanted !== undefined || only === undefined)) {
    throw new GuvnorError(
      "solution_unknown",
      `${pipeline.id} has no solution ${wanted ?? "at all"}.`,
      solutions.length === 0
        ? `Run it again: guvnor pipeline fallback ${pipeline.id} rerun_same`
        : `Accept one of ${solutions.map(({ id }) => id).join(", ")}.`,
    );
  }
  await completePipeline(ctx, pipeline, "accepted", {
    solution: solution?.id ?? null,
    commit: solution?.commit ?? only?.task.commit ?? null,
    by: "person",
    partial: true,
    reason: best === undefined ? reason : `${reason} (${best.id} ${best.why}.)`,
  });
}

/** Why a solution was taken that nobody named. */
const WHY = {
  votes: "stood best by the votes cast",
  fewer_files: "changes fewest files of those that stood best by the votes cast",
  earliest: "is the earliest of those that stood best by the votes cast",
  id: "is the first of those that stood best by the votes cast",
} as const satisfies Record<Advantage, string>;

/** As a re-vote would pick it; where nobody voted the first one that did not fail its checks. */
function bestOf(
  deliberation: Deliberation | undefined,
): { readonly id: string; readonly why: string } | undefined {
  if (deliberation === undefined) return undefined;
  const best = bestOfLastRound(deliberation);
  if (best !== undefined) return { id: best.id, why: WHY[best.by] };
  const first = deliberation.solutions.find((solution) => !hasFailed(solution));
  return first === undefined ? undefined : { id: first.id, why: "was there first; nobody voted" };
}

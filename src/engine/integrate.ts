import { plainText } from "../core/check-input.ts";
import type { GateEvidence } from "../core/gate-run.ts";
import type { Plan } from "../core/plan.ts";
import type { EngineDeps } from "./deps.ts";
import { belongsTo, noEvidence } from "./gate-runs.ts";
import type { RunFacts, Verdict } from "./run-facts.ts";
import { systemAct } from "./system-act.ts";

/** Somebody else may move the branch between merge and advance; so often it is tried again. */
const MERGE_TRIES = 3;

type Measure = (
  gate: string,
  commit: string,
) => Promise<{ verdict: Verdict["verdict"]; evidence: GateEvidence }>;

/**
 * Merges a measured commit into the plan's branch, measures the result, and only then advances the
 * branch: green branches do not make a red one. Whatever step the process dies at, running it
 * again gives the same branch: a commit that is in it already counts as merged.
 */
export async function integrateCommit(
  deps: EngineDeps,
  facts: RunFacts,
  measure: Measure,
): Promise<Verdict> {
  const { run, task } = facts;
  const { git } = deps;
  const plan = await deps.store.read(deps.scope, async (tx) =>
    run.planId === null ? undefined : await tx.plans.get(run.planId),
  );
  if (git === undefined || plan === undefined || plan.branch === null || run.commit === null) {
    return ended("indeterminate", "The plan has no branch to merge into.");
  }
  const { branch } = plan;
  for (let attempt = 1; attempt <= MERGE_TRIES; attempt += 1) {
    const current = await git.readRef(branch);
    const ours = current ?? plan.baseCommit ?? run.commit;
    const title = plainText(task.spec.title, 200);
    const message = `Merge ${task.id}: ${title}\n\nguvnor ${plan.id} ${run.id}`;
    const merge = await git.merge(ours, run.commit, message);
    // Only guvnor moves the branch. Where it stands elsewhere, it holds what nobody measured, unless
    // a process of ours died after moving it.
    const isOurs =
      current === (plan.headCommit ?? undefined) ||
      current === plan.nextHead ||
      merge.kind === "contained";
    if (!isOurs) return moved(plan, current);
    if (merge.kind === "conflict") return conflict(plan, ours, merge.paths);
    const red = await measureMerge(facts, { commit: merge.commit, measure });
    if (red !== undefined) return red;
    if (!(await announce(deps, facts, merge.commit))) {
      return ended("indeterminate", "The task went on meanwhile.");
    }
    const there = current === merge.commit;
    if (there || (await git.advanceRef(branch, merge.commit, current ?? null))) {
      const summary = `${short(branch)} stands at ${merge.commit.slice(0, 10)}.`;
      return { ...ended("pass", summary), branchHead: merge.commit };
    }
  }
  return ended(
    "indeterminate",
    `${short(branch)} was moved by somebody else ${MERGE_TRIES} times.`,
  );
}

/** All gates of the task on the merge result; undefined when they pass. */
async function measureMerge(
  facts: RunFacts,
  { commit, measure }: { commit: string; measure: Measure },
): Promise<Verdict | undefined> {
  // Its own gates have passed on this very commit: nothing new to measure.
  if (commit === facts.run.commit) return undefined;
  for (const gate of facts.mergeGates) {
    const { verdict, evidence } = await measure(gate, commit);
    if (verdict === "pass") continue;
    const summary = `Merged with the plan's branch, ${gate} does not pass: ${evidence.summary} Merge the branch into yours and mend it.`;
    return { verdict, evidence: { ...evidence, summary } };
  }
  return undefined;
}

/** Before the branch is moved it is written where to, if the task still wants it: after a crash we know our own. */
async function announce(deps: EngineDeps, { run }: RunFacts, commit: string): Promise<boolean> {
  return await systemAct(deps, "merge_announce", async (ctx) => {
    const task = run.taskId === null ? undefined : await ctx.tx.tasks.get(run.taskId);
    const plan = run.planId === null ? undefined : await ctx.tx.plans.get(run.planId);
    if (task === undefined || plan === undefined || !belongsTo(run, task)) return false;
    await ctx.tx.plans.save({ ...plan, nextHead: commit });
    ctx.effects.push({
      type: "plan",
      id: plan.id,
      event: "advancing",
      head: commit,
      task: task.id,
    });
    return true;
  });
}

function moved(plan: Plan, current: string | undefined): Verdict {
  const branch = plan.branch ?? "";
  const there = current === undefined ? "is gone" : `stands at ${current}`;
  const back =
    plan.headCommit === null
      ? `git update-ref -d ${branch}`
      : `git update-ref ${branch} ${plan.headCommit}`;
  return ended(
    "indeterminate",
    `${short(branch)} ${there}, where guvnor did not put it. Put it back with "${back}", then accept.`,
  );
}

function conflict(plan: Plan, ours: string, paths: readonly string[]): Verdict {
  const shown = paths.slice(0, 10).join(", ");
  return ended(
    "fail",
    `It conflicts with ${short(plan.branch ?? "")} (${ours.slice(0, 10)}) in ${shown}. Merge that branch into yours, solve it, commit, and report done again.`,
  );
}

function ended(verdict: Verdict["verdict"], summary: string): Verdict {
  return { verdict, evidence: noEvidence(summary) };
}

function short(ref: string): string {
  return ref.replace("refs/heads/", "");
}

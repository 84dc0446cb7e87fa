import { GuvnorError } from "../core/errors.ts";
import type { GateRun } from "../core/gate-run.ts";
import type { ProjectSettings } from "../core/settings.ts";
import type { Task } from "../core/task.ts";
import { noteCheck } from "./board/settle-checks.ts";
import type { WriteContext } from "./call-context.ts";
import type { EngineDeps } from "./deps.ts";
import { claimGateRun, isHopeless, requeueGateRun, saveGateRun } from "./gate-runs.ts";
import { ensureProcess } from "./identify.ts";
import { integrateCommit } from "./integrate.ts";
import { doubt, evidenceOf, isStillOurs, measure, measureGate } from "./measure-gate.ts";
import { decideReview } from "./review.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";
import type { GateFacts, RunFacts, Verdict } from "./run-facts.ts";
import { systemAct } from "./system-act.ts";

/** Takes the oldest queued gate run for this process; undefined when nothing may be begun now. */
export async function claimNext(deps: EngineDeps): Promise<GateRun | undefined> {
  await giveBackUnfinished(deps);
  // A look that costs no write: most of the time nothing is queued.
  const waiting = await deps.store.read(deps.scope, async (tx) => await tx.gateRuns.nextQueued());
  if (waiting === undefined) return undefined;
  return await systemAct(deps, "gate_begin", async (ctx) => {
    const claimed = await claimGateRun(ctx);
    // Whoever measures must be missed when it is gone, even if it has served no call yet.
    if (claimed !== undefined) await ensureProcess(ctx);
    return claimed;
  });
}

/** Measures a claimed run outside any transaction, and writes the result if this process still has it. */
export async function measureRun(
  deps: EngineDeps,
  run: GateRun,
  signal: AbortSignal,
): Promise<void> {
  try {
    const verdict = await judge(deps, run, signal);
    // Stopped in the middle: the run goes back to the queue when this process ends.
    if (!signal.aborted) await finishGateRun(deps, run, verdict);
  } catch (error) {
    unfinished.set(deps, [...(unfinished.get(deps) ?? []), run]);
    throw error;
  }
}

/**
 * Runs whose result this process could not write (the store was busy, the disk full). As it lives on,
 * nobody else would ever take them: it gives them back as soon as it can write again.
 */
const unfinished = new WeakMap<EngineDeps, readonly GateRun[]>();

async function giveBackUnfinished(deps: EngineDeps): Promise<void> {
  const runs = unfinished.get(deps);
  if (runs === undefined) return;
  await systemAct(deps, "gate_give_back", async (ctx) => {
    for (const run of runs) {
      const now = await ctx.tx.gateRuns.get(run.id);
      if (now !== undefined && isStillOurs(deps, run, now)) await requeueGateRun(ctx, now);
    }
  });
  const later = unfinished.get(deps)?.filter((run) => !runs.includes(run)) ?? [];
  if (later.length === 0) unfinished.delete(deps);
  else unfinished.set(deps, later);
}

async function judge(deps: EngineDeps, run: GateRun, signal: AbortSignal): Promise<Verdict> {
  if (isHopeless(run)) {
    return doubt(`Begun ${run.tries} times, and each time the process that measured it ended.`);
  }
  try {
    return run.kind === "check"
      ? await measureSolution(deps, run, signal)
      : await measureWork(deps, run, signal);
  } catch (error) {
    deps.log.error({ err: error, run: run.id }, "a gate could not be measured");
    const why = error instanceof GuvnorError ? `${error.message} ${error.fix}` : String(error);
    return doubt(`It could not be measured: ${why}`);
  }
}

/** What an attempt submitted, or that merged into its plan's branch. */
async function measureWork(deps: EngineDeps, run: GateRun, signal: AbortSignal): Promise<Verdict> {
  const facts = await readFacts(deps, run);
  if (facts === undefined) return doubt("Its task or attempt is not there any more.");
  if (run.kind === "attempt") {
    return await measureGate(deps, facts, { by: facts.attempt.agent, signal });
  }
  return await integrateCommit(deps, facts, async (gate, commit) => {
    const measured = await measure(deps, facts, { gate, commit, signal });
    return { verdict: measured.verdict, evidence: evidenceOf(measured, []) };
  });
}

/** A solution's own commit. Protected files are compared with where the main working tree stands. */
async function measureSolution(
  deps: EngineDeps,
  run: GateRun,
  signal: AbortSignal,
): Promise<Verdict> {
  const baseCommit = (await deps.git?.resolveCommit("HEAD")) ?? null;
  const { facts, by } = await deps.store.read(deps.scope, async (tx) => {
    const { settings } = await rulesInForce({ deps, tx });
    const directory = (await tx.projects.get())?.root ?? "";
    const solution = await tx.solutions.get(run.solutionId ?? "");
    const found: GateFacts = { run, settings, baseCommit, directory };
    return { facts: found, by: solution?.author ?? "Its author" };
  });
  return await measureGate(deps, facts, { by, signal });
}

async function readFacts(deps: EngineDeps, run: GateRun): Promise<RunFacts | undefined> {
  const { taskId } = run;
  if (taskId === null) return undefined;
  return await deps.store.read(deps.scope, async (tx) => {
    const task = await tx.tasks.get(taskId);
    const attempt = await tx.attempts.get(taskId, run.attemptNo);
    if (task === undefined || attempt === undefined) return undefined;
    const { settings } = await rulesInForce({ deps, tx });
    const plan = run.planId === null ? undefined : await tx.plans.get(run.planId);
    const runs = (await tx.gateRuns.ofTask(task.id, run.fence)).filter(
      (each) => each.round === run.round && each.id !== run.id,
    );
    return {
      run,
      task,
      attempt,
      settings,
      mergeGates: mergeGatesOf(task, settings, runs),
      baseCommit: plan?.headCommit ?? plan?.baseCommit ?? null,
      directory: (await tx.projects.get())?.root ?? attempt.worktree ?? "",
    };
  });
}

function mergeGatesOf(
  task: Task,
  settings: ProjectSettings,
  runs: readonly GateRun[],
): readonly string[] {
  const unmeasured = runs.filter(
    (run) => run.state === "indeterminate" && run.evidence?.protectedChanged.length === 0,
  );
  // A person accepted a merge result that could not be measured.
  if (unmeasured.some((run) => run.kind === "merge")) return [];
  const accepted = new Set(unmeasured.map((run) => run.gate));
  const wanted = task.spec.gates ?? Object.keys(settings.gates);
  return wanted.filter((gate) => Object.hasOwn(settings.gates, gate) && !accepted.has(gate));
}

/** Writes the result, unless another process took the run over meanwhile. */
async function finishGateRun(deps: EngineDeps, run: GateRun, verdict: Verdict): Promise<void> {
  await systemAct(deps, "gate_end", async (ctx) => {
    const now = await ctx.tx.gateRuns.get(run.id);
    if (now === undefined || !isStillOurs(deps, run, now)) return;
    const ended: GateRun = {
      ...now,
      state: verdict.verdict,
      endedAtMs: ctx.nowMs,
      evidence: verdict.evidence,
    };
    await saveGateRun(ctx, ended, "running");
    if (verdict.branchHead !== undefined) await advancePlan(ctx, run, verdict.branchHead);
    await (ended.kind === "check" ? noteCheck(ctx, ended) : decideReview(ctx, ended));
  });
}

async function advancePlan(ctx: WriteContext, run: GateRun, head: string): Promise<void> {
  const plan = run.planId === null ? undefined : await ctx.tx.plans.get(run.planId);
  if (plan === undefined) return;
  await ctx.tx.plans.save({ ...plan, headCommit: head });
  ctx.effects.push({
    type: "plan",
    id: plan.id,
    event: "advanced",
    branch: plan.branch,
    head,
    task: run.taskId,
  });
}

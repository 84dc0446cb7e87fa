import { GuvnorError } from "../core/errors.ts";
import type { GateEvidence, GateRun } from "../core/gate-run.ts";
import { matchAny, parseGlob } from "../core/path-glob.ts";
import type { GateDefinition, ProjectSettings } from "../core/settings.ts";
import type { Task } from "../core/task.ts";
import type { WriteContext } from "./call-context.ts";
import type { EngineDeps } from "./deps.ts";
import { claimGateRun, isHopeless, noEvidence, requeueGateRun, saveGateRun } from "./gate-runs.ts";
import { ensureProcess } from "./identify.ts";
import { integrateCommit } from "./integrate.ts";
import type { Measurement, MeasureRequest } from "./ports.ts";
import { decideReview } from "./review.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";
import type { RunFacts, Verdict } from "./run-facts.ts";
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

function isStillOurs(deps: EngineDeps, run: GateRun, now: GateRun): boolean {
  return now.state === "running" && now.processId === deps.processId && now.tries === run.tries;
}

async function judge(deps: EngineDeps, run: GateRun, signal: AbortSignal): Promise<Verdict> {
  if (isHopeless(run)) {
    return doubt(`Begun ${run.tries} times, and each time the process that measured it ended.`);
  }
  const facts = await readFacts(deps, run);
  if (facts === undefined) return doubt("Its task or attempt is not there any more.");
  try {
    return run.kind === "merge"
      ? await integrateCommit(deps, facts, async (gate, commit) => {
          const measured = await measure(deps, facts, { gate, commit, signal });
          return { verdict: measured.verdict, evidence: evidenceOf(measured, []) };
        })
      : await measureAttempt(deps, facts, signal);
  } catch (error) {
    deps.log.error({ err: error, run: run.id }, "a gate could not be measured");
    const why = error instanceof GuvnorError ? `${error.message} ${error.fix}` : String(error);
    return doubt(`It could not be measured: ${why}`);
  }
}

function doubt(summary: string): Verdict {
  return { verdict: "indeterminate", evidence: noEvidence(summary.slice(0, 1000)) };
}

async function readFacts(deps: EngineDeps, run: GateRun): Promise<RunFacts | undefined> {
  return await deps.store.read(deps.scope, async (tx) => {
    const task = await tx.tasks.get(run.taskId);
    const attempt = await tx.attempts.get(run.taskId, run.attemptNo);
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
      root: (await tx.projects.get())?.root ?? null,
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

async function measureAttempt(
  deps: EngineDeps,
  facts: RunFacts,
  signal: AbortSignal,
): Promise<Verdict> {
  const { run, attempt, settings } = facts;
  const gate = settings.gates[run.gate];
  if (gate === undefined) return doubt(`The gate ${run.gate} is no longer in force.`);
  const protectedChanged = await changedProtected(deps, facts, gate);
  const measured = await measure(deps, facts, { gate: run.gate, commit: run.commit, signal });
  const evidence = evidenceOf(measured, protectedChanged);
  if (protectedChanged.length === 0) return { verdict: measured.verdict, evidence };
  const files = protectedChanged.slice(0, 5).join(", ");
  const summary = `${attempt.agent} changed protected files (${files}), so a person must look. ${measured.summary}`;
  return { verdict: "indeterminate", evidence: { ...evidence, summary } };
}

/**
 * A process that was suspended meanwhile may have lost the run, and its workspace with it: it must
 * not touch what another measures in now. What it answers then is never written.
 */
async function measure(
  deps: EngineDeps,
  facts: RunFacts,
  { gate, commit, signal }: { gate: string; commit: string | null; signal: AbortSignal },
): Promise<Measurement> {
  const { run } = facts;
  const now = await deps.store.read(deps.scope, async (tx) => await tx.gateRuns.get(run.id));
  if (now === undefined || !isStillOurs(deps, run, now)) {
    throw new Error(`${run.id} was given to another process`);
  }
  return await deps.gates.measure(measureRequest(facts, gate, commit), signal);
}

/** Protected files that the attempt changed: whoever is measured must not change the measure. */
async function changedProtected(
  deps: EngineDeps,
  { run, baseCommit }: RunFacts,
  gate: GateDefinition,
): Promise<readonly string[]> {
  if (deps.git === undefined || run.commit === null || gate.protected.length === 0) return [];
  if (baseCommit === null) return ["(no base commit to compare with)"];
  const globs = gate.protected.map((glob) => parseGlob(glob));
  const changed = await deps.git.changedFiles(baseCommit, run.commit);
  return changed.filter((path) => matchAny(globs, path));
}

function measureRequest(
  { run, attempt, settings, root }: RunFacts,
  name: string,
  commit: string | null,
): MeasureRequest {
  const gate = settings.gates[name];
  if (gate === undefined) throw new Error(`gate ${name} is not in force`);
  const { prepare } = settings;
  const { maxMemoryBytes, maxOutputBytes } = gate;
  return {
    runId: run.id,
    gate: { name, run: gate.run, timeoutMs: gate.timeoutMs, maxMemoryBytes, maxOutputBytes },
    prepare:
      prepare === null
        ? undefined
        : { name: "prepare", ...prepare, maxMemoryBytes, maxOutputBytes },
    commit,
    directory: root ?? attempt.worktree ?? "",
    slot: String(run.slot ?? 1),
    cleanFully: settings.profile === "strict",
  };
}

function evidenceOf(measured: Measurement, protectedChanged: readonly string[]): GateEvidence {
  const { summary, exitCode, durationMs, outputTail, outputCut, inPlace } = measured;
  return { summary, exitCode, durationMs, outputTail, outputCut, inPlace, protectedChanged };
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
    await decideReview(ctx, ended);
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

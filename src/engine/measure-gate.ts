import type { GateEvidence, GateRun } from "../core/gate-run.ts";
import { matchAny, parseGlob } from "../core/path-glob.ts";
import type { GateDefinition } from "../core/settings.ts";
import type { EngineDeps } from "./deps.ts";
import { noEvidence } from "./gate-runs.ts";
import type { Measurement, MeasureRequest } from "./ports.ts";
import type { GateFacts, Verdict } from "./run-facts.ts";

/** Whether this process still has the run that it took. */
export function isStillOurs(deps: EngineDeps, run: GateRun, now: GateRun): boolean {
  return now.state === "running" && now.processId === deps.processId && now.tries === run.tries;
}

export function doubt(summary: string): Verdict {
  return { verdict: "indeterminate", evidence: noEvidence(summary.slice(0, 1000)) };
}

/** Measures the run's own gate on its own commit. @param by - Whose commit it is. */
export async function measureGate(
  deps: EngineDeps,
  facts: GateFacts,
  { by, signal }: { by: string; signal: AbortSignal },
): Promise<Verdict> {
  const { run, settings } = facts;
  const gate = settings.gates[run.gate];
  if (gate === undefined) return doubt(`The gate ${run.gate} is no longer in force.`);
  const protectedChanged = await changedProtected(deps, facts, gate);
  const measured = await measure(deps, facts, { gate: run.gate, commit: run.commit, signal });
  const evidence = evidenceOf(measured, protectedChanged);
  if (protectedChanged.length === 0) return { verdict: measured.verdict, evidence };
  const files = protectedChanged.slice(0, 5).join(", ");
  const summary = `${by} changed protected files (${files}), so a person must look. ${measured.summary}`;
  return { verdict: "indeterminate", evidence: { ...evidence, summary } };
}

/**
 * A process that was suspended meanwhile may have lost the run, and its workspace with it: it must
 * not touch what another measures in now. What it answers then is never written.
 */
export async function measure(
  deps: EngineDeps,
  facts: GateFacts,
  { gate, commit, signal }: { gate: string; commit: string | null; signal: AbortSignal },
): Promise<Measurement> {
  const { run } = facts;
  const now = await deps.store.read(deps.scope, async (tx) => await tx.gateRuns.get(run.id));
  if (now === undefined || !isStillOurs(deps, run, now)) {
    throw new Error(`${run.id} was given to another process`);
  }
  return await deps.gates.measure(measureRequest(facts, gate, commit), signal);
}

/** Protected files that the commit changed: whoever is measured must not change the measure. */
async function changedProtected(
  deps: EngineDeps,
  { run, baseCommit }: GateFacts,
  gate: GateDefinition,
): Promise<readonly string[]> {
  if (deps.git === undefined || run.commit === null || gate.protected.length === 0) return [];
  if (baseCommit === null) return ["(no base commit to compare with)"];
  const globs = gate.protected.map((glob) => parseGlob(glob));
  const changed = await deps.git.changedFiles(baseCommit, run.commit);
  return changed.filter((path) => matchAny(globs, path));
}

function measureRequest(
  { run, settings, directory }: GateFacts,
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
    directory,
    slot: String(run.slot ?? 1),
    cleanFully: settings.profile === "strict",
  };
}

export function evidenceOf(
  measured: Measurement,
  protectedChanged: readonly string[],
): GateEvidence {
  const { summary, exitCode, durationMs, outputTail, outputCut, inPlace } = measured;
  return { summary, exitCode, durationMs, outputTail, outputCut, inPlace, protectedChanged };
}

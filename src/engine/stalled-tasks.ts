import { frozenMs, stopIntervals } from "../core/stop.ts";
import type { ReadTx } from "../store/store.ts";
import type { EngineDeps } from "./deps.ts";
import { stallAfterMs } from "./rules/bounds.ts";
import { readStops } from "./rules/stops.ts";

/** A lease whose holder has been silent for too long. */
export interface SilentLease {
  readonly taskId: string;
  readonly fence: number;
  readonly agent: string;
  readonly worktree: string | null;
  /** Silence that was too long. */
  readonly limitMs: number;
  /** It is a part of a pipeline, which goes on without an agent that is silent. */
  readonly ofPipeline: boolean;
}

/**
 * Leases that have stalled: their holders neither called nor reported, nor changed a file. Asks git,
 * so it is called outside of any transaction, and what it finds is looked at again inside.
 */
export async function findStalled(deps: EngineDeps): Promise<SilentLease[]> {
  const silent = await deps.store.read(
    deps.scope,
    async (tx) => await findSilent(tx, deps, deps.now()),
  );
  const stalled: SilentLease[] = [];
  for (const lease of silent) {
    const { worktree, limitMs } = lease;
    const changedMs = worktree === null ? undefined : await deps.git?.lastChangeMs(worktree);
    const isActive = changedMs !== undefined && changedMs > deps.now() - limitMs;
    if (!isActive) stalled.push(lease);
  }
  return stalled;
}

/** Running tasks whose holders neither called nor reported for too long; while one is stopped it cannot. */
export async function findSilent(
  tx: ReadTx,
  deps: EngineDeps,
  nowMs: number,
): Promise<readonly SilentLease[]> {
  const silent: SilentLease[] = [];
  const usualMs = await stallAfterMs({ deps, tx });
  const stops = await readStops(tx);
  for (const { taskId, fence, agent, worktree } of await tx.attempts.listRunning()) {
    const task = await tx.tasks.get(taskId);
    if (task === undefined || task.state !== "running") continue;
    const holder = await tx.agents.get(agent);
    const lastMs = Math.max(task.progressAtMs ?? 0, holder?.lastSeenMs ?? 0);
    const intervals = stopIntervals(stops, { project: tx.scope.project, agent });
    const silentMs = nowMs - lastMs - frozenMs(intervals, lastMs, nowMs);
    const { serves } = task.spec;
    const pipeline = serves === undefined ? undefined : await tx.pipelines.get(serves);
    const limitMs = Math.min(usualMs, pipeline?.template.stallAfterMs ?? usualMs);
    const ofPipeline = pipeline !== undefined;
    if (silentMs >= limitMs) silent.push({ taskId, fence, agent, worktree, limitMs, ofPipeline });
  }
  return silent;
}
